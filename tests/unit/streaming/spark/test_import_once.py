"""An archive through publishing, judging and committing: the same table however often and wherever it is interrupted.

The broker is a list; what judges and commits is what runs in the stream.
"""

import json
from datetime import UTC, datetime

import polars as pl
import pyarrow as pa
import pytest
import xxhash

from cryptoviz.inspect import importing, judgement, outbox
from cryptoviz.inspect.claims import Claims, numbers_held
from cryptoviz.inspect.importing import BeforeLakeStart, import_archive
from cryptoviz.inspect.judgement import NotJudged, fates_of
from cryptoviz.lake.ledger import signed
from cryptoviz.lake.tables import DUPLICATES, QUARANTINE, QUOTES
from cryptoviz.lake.topics import Headers
from cryptoviz.settings import Settings
from cryptoviz.storage.frames import TableNotWritten, scan
from cryptoviz.storage.objects import Objects
from streaming.spark.clean_sink import CleanSink, SideTables
from streaming.spark.clean_task import Kind, clean_topic
from streaming.spark.judge_quotes import judge_quotes
from streaming.spark.topics import TopicIdentity

KIND = Kind(table=QUOTES, judge=judge_quotes, is_sampled=True)
TOPIC = TopicIdentity(name="quotes", cluster_id="c", topic_id="t", partitions=(0,))
OTHER = TopicIdentity(name="crypto_raw", cluster_id="c", topic_id="o", partitions=(0,))


class Killed(Exception):
    """Stands for kill -9 of the import."""


class Delivery:
    def __init__(self, offset):
        self.partition, self.offset = lambda: 0, lambda: offset


class Stream:
    """A topic of one partition, its producer, and the clean query over it."""

    def __init__(self, settings):
        self.records, self.killed_after = [], None
        self._settings, self._reports = settings, []

    def produce(self, _, *, key, value, headers, on_delivery):
        if self.killed_after is not None and len(self.records) == self.killed_after:
            raise Killed
        self.records.append((key, value, Headers.decode(headers)))
        self._reports.append((on_delivery, len(self.records) - 1))

    def poll(self, _):
        return 0

    def flush(self, _):
        for report, offset in self._reports:
            report(None, Delivery(offset))
        self._reports = []
        return 0

    def judge(self):
        """What a start of the clean query does with all that it has not read."""
        lake = self._settings.lake
        sink = CleanSink(QUOTES, [TOPIC, OTHER], lake, SideTables(lake))
        at = sink.next_offsets("quotes").get(0, 0)
        if at < len(self.records):
            table = arrow(self.records[at:], at)
            report = clean_topic("quotes", table, KIND, Objects(lake), sink.seen, self._settings.first_hour)
            sink.commit([report])


def arrow(records, first):
    n = len(records)
    headers = [h for _, _, h in records]
    return pa.table(
        {
            "topic": ["quotes"] * n,
            "partition": pa.array([0] * n, pa.int32()),
            "offset": pa.array(range(first, first + n), pa.int64()),
            "kafka_time": pa.array([datetime.now(UTC)] * n, pa.timestamp("us", "UTC")),
            "key": [key for key, _, _ in records],
            "schema": [h.schema for h in headers],
            "source": [h.source for h in headers],
            "received_time": pa.array([h.received_ns // 1000 for h in headers], pa.timestamp("us", "UTC")),
            "connection": [h.connection for h in headers],
            "value": pa.array([value for _, value, _ in records], pa.binary()),
            "row_hash": pa.array([signed(xxhash.xxh64_intdigest(v, seed=42)) for _, v, _ in records], pa.int64()),
        }
    )


@pytest.fixture
def settings(tmp_path):
    return Settings(_env_file=None, store="local", home=tmp_path / "home", start=datetime(2025, 1, 1, tzinfo=UTC))


@pytest.fixture
def stream(settings, monkeypatch):
    made = Stream(settings)
    monkeypatch.setattr(outbox, "Producer", lambda *_, **__: made)
    monkeypatch.setattr(importing, "require_broker", lambda _: None)
    monkeypatch.setattr(importing, "end_offsets", lambda *_: {0: len(made.records)})
    return made


@pytest.fixture
def archive(tmp_path):
    """Three files of seven rows, one of which is bad, and a file that nobody can read."""
    root, number = tmp_path / "crypto-data", 0
    for day, count in (("9", 3), ("10", 2), ("11", 2)):
        lines = []
        for _ in range(count):
            number += 1
            at = f"2025-09-{day:0>2}T10:00:{number:02}"
            lines.append(json.dumps({"symbol": "BTC", "price": number, "source": "coingecko", "timestamp": at}))
        write(root, f"year=2025/month=9/day={day}/part-0.json", "\n".join(lines).replace('"price": 5', '"price": "x"'))
    write(root, "year=2025/month=9/day=9/part-1.parquet", "torn")
    return root


def write(root, path, text):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def run(archive, settings, *, wait=False):
    return import_archive(str(archive), settings, timeout_s=0, wait=wait, progress=lambda *_: None)


def rows(table, settings, *columns):
    try:
        return sorted(scan(table, settings.lake).select(columns).collect().iter_rows())
    except TableNotWritten:
        return []


def prices(settings):
    return [int(price) for (price,) in rows(QUOTES, settings, "price")]


def test_every_row_arrives_once_with_its_origin_and_what_is_bad_is_named(stream, archive, settings):
    done = run(archive, settings)
    stream.judge()
    assert prices(settings) == [1, 2, 3, 4, 6, 7]
    assert rows(QUARANTINE, settings, "reason", "value_size")[0][0] == "bad_decimal"
    assert (done.files, done.rows, done.published, done.already_there) == (3, 7, 7, 0)
    assert list(done.skipped) == ["year=2025/month=9/day=9/part-1.parquet"]
    origins = {headers.connection for _, _, headers in stream.records}
    assert f"import:3:{archive}/year=2025/month=9/day=11/part-0.json#0" in origins
    sources = scan(QUOTES, settings.lake).select("source", pl.col("received_time").dt.day()).collect()
    assert set(sources.iter_rows()) == {("import", 9), ("import", 10), ("import", 11)}


def test_a_second_import_publishes_nothing(stream, archive, settings):
    run(archive, settings)
    stream.judge()
    done = run(archive, settings)
    assert (done.already_there, done.published, len(stream.records)) == (7, 0, 7)


def test_the_same_files_elsewhere_are_the_same_rows(stream, archive, settings, tmp_path):
    run(archive, settings)
    stream.judge()
    moved = tmp_path / "moved"
    (archive / "year=2025").rename(moved)
    write(moved, "more.json", '{"symbol":"BTCUSDT","price":"8","eventTime":1757844000000}')
    done = run(moved, settings)
    stream.judge()
    assert (done.already_there, done.published) == (7, 1)
    assert prices(settings) == [1, 2, 3, 4, 6, 7, 8]


@pytest.mark.parametrize("published", range(7))
@pytest.mark.parametrize("judged", [True, False], ids=["judged before", "not judged before"])
def test_killed_anywhere_and_run_again_it_gives_the_same_tables(stream, archive, settings, published, judged):
    stream.killed_after = published
    with pytest.raises(Killed):
        run(archive, settings)
    stream.killed_after = None
    if judged:
        stream.judge()
        done = run(archive, settings)
        assert (done.already_there, done.published) == (published, 7 - published)
    elif published:
        with pytest.raises(NotJudged, match="records are not in the lake"):
            run(archive, settings)
    stream.judge()
    run(archive, settings)
    stream.judge()
    assert prices(settings) == [1, 2, 3, 4, 6, 7]
    assert len(rows(QUARANTINE, settings, "offset")) == 1
    assert rows(DUPLICATES, settings, "offset") == []
    assert list(numbers_held(settings.lake)) == [(1, 7)]


def test_records_that_arrive_twice_all_the_same_are_duplicates(stream, archive, settings):
    run(archive, settings)
    stream.judge()
    stream.records += stream.records[:4]
    stream.judge()
    assert prices(settings) == [1, 2, 3, 4, 6, 7]
    sent = outbox.Sent(11, {0: 0}, {0: 11})
    fates = fates_of(sent, settings.lake, "quotes", since=datetime.now(UTC))
    assert (fates.taken, fates.repeated, fates.refused) == (6, len(rows(DUPLICATES, settings, "offset")), {
        "bad_decimal": len(rows(QUARANTINE, settings, "offset"))})  # fmt: skip
    assert fates.total == 11


def test_the_summary_tells_what_became_of_this_runs_rows(stream, archive, settings, monkeypatch):
    def judged_first(*arguments, **options):
        stream.judge()
        return judgement.wait_until_judged(*arguments, **options)

    monkeypatch.setattr(importing, "wait_until_judged", judged_first)
    done = run(archive, settings, wait=True)
    assert (done.imported, done.repeated, done.quarantined) == (6, 0, {"bad_decimal": 1})
    again = run(archive, settings, wait=True)
    assert (again.imported, again.repeated, again.quarantined, again.already_there) == (0, 0, {}, 7)


def test_an_archive_older_than_the_lake_publishes_nothing_and_names_the_setting(stream, archive, tmp_path):
    late = Settings(_env_file=None, store="local", home=tmp_path / "late", start=datetime(2025, 9, 10, tzinfo=UTC))
    with pytest.raises(BeforeLakeStart, match=r"2025-09-09 10:00.*CRYPTOVIZ_START=2025-09-09T10:00"):
        run(archive, late)
    assert stream.records == []
    assert Claims(late.lake).by_digest == {}


def test_of_two_imports_at_once_one_claims_a_file(stream, archive, settings):
    first, second = Claims(settings.lake), Claims(settings.lake)
    run(archive, settings)
    files = list(Claims(settings.lake).by_digest.values())
    assert first.add("here", files) is None
    assert second.add("here", files) is None
    assert {f.digest: f.first for f in files} == {f.digest: f.first for f in first.by_digest.values()}
