"""Recorded trades made into candles as they arrived, by a backfill in any order, and by Spark: the same candles.

The runs are those the sensor asks for, executed in this process; only the clock is moved by hand.
"""

import contextlib
import gzip
import hashlib
import random
from datetime import UTC, datetime, timedelta

import dagster as dg
import msgspec
import polars as pl
import pytest
import xxhash

from cryptoviz.inspect.recordings import read_recording
from cryptoviz.lake.candle_tables import OHLC, OHLC_1M
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour, hours_between
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.ledger import HASH_SEED, CommitEntry, HourVersion, State, signed
from cryptoviz.lake.locations import Location
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.symbols import Venue
from cryptoviz.lake.tables import BOOK_TICKERS, RAW_BOOK_TICKERS, RAW_TRADES, TRADES
from cryptoviz.settings import Settings
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import append_rows, empty, open_table, version_of
from cryptoviz.storage.hour_index import HourIndex
from cryptoviz.storage.live_files import files_by_span
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.definitions import build_definitions
from cryptoviz_dagster.defs.maintenance.rebuild import minutes_by_spark
from cryptoviz_dagster.defs.market.sensors import LongPoll
from cryptoviz_dagster.resources import Lake
from streaming.rejudge import rejudge

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore::ResourceWarning")]

BEGIN = datetime(2019, 10, 1, tzinfo=UTC)
HOURLY = [table for interval, table in OHLC.items() if not interval.is_daily]
DAILY = [table for interval, table in OHLC.items() if interval.is_daily]
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
RECORDED = {
    "kraken": (Venue.KRAKEN, ["kraken_xbtusdt/http_trades.json"], 1_000),
    "binance": (Venue.BINANCE, [f"binance_btcusdt_ws/btcusdt_2024080{day}.gz" for day in (8, 9)], 19_904),
    "aggregates": (Venue.BINANCE, ["binance_xrpeth/aggtrades.json.gz"], 12_477),
}


def raw_records(table, records):
    """Records of a raw table in the order of their arrival: key, schema, time and the venue's bytes."""
    rows = [
        {
            "topic": "t", "partition": 0, "offset": offset, "kafka_time": at, "key": key, "schema": schema,
            "source": "replay", "received_time": at, "connection": "1", "value": value,
            "row_hash": signed(xxhash.xxh64_intdigest(value, seed=HASH_SEED)),
        }
        for offset, (key, schema, at, value) in enumerate(records)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=empty(table).schema).to_arrow().cast(arrow_schema(table))


def recorded_trades(folder, venue, names):
    trades = [trade for name in names for trade in read_recording(venue, folder / name).trades]
    found = [(t.instrument.key, t.schema, instant(t.received_ns or t.event_ns), t.value) for t in trades]
    return pl.from_arrow(rejudge(raw_records(RAW_TRADES, found), table=TRADES.name, first_hour=Hour(BEGIN)))


def recorded_quotes(folder, names):
    """Best bids and asks of the recordings that have some, the last one of each second as the producer keeps it."""
    by_second = {}
    for name in names:
        lines = gzip.decompress((folder / name).read_bytes()).splitlines() if name.endswith(".gz") else []
        for line in lines:
            received, _, frame = line.partition(b" ")
            if b"@bookTicker" in frame[:60]:
                value = bytes(msgspec.json.decode(frame, type=dict[str, msgspec.Raw])["data"])
                at = instant(int(received))
                by_second[at.replace(microsecond=0)] = ("binance:BTC-USDT", "binance.ws.bookTicker", at, value)
    records = raw_records(RAW_BOOK_TICKERS, by_second.values())
    return pl.from_arrow(rejudge(records, table=BOOK_TICKERS.name, first_hour=Hour(BEGIN)))


def instant(ns):
    return datetime.fromtimestamp(ns / 1e9, UTC)


@pytest.fixture(scope="module", params=RECORDED)
def recorded(request, recordings, is_full):
    """Trades and quotes of one recording, judged, in order of arrival; of a long one the first day unless in full."""
    venue, names, count = RECORDED[request.param]
    trades = recorded_trades(recordings, venue, names)
    assert trades.height == count
    if not is_full:
        trades = trades.filter(pl.col("event_time") < trades["event_time"].min() + timedelta(days=1))
    return {TRADES: trades, BOOK_TICKERS: recorded_quotes(recordings, names)}


class Market:
    """A lake, its only writer and the code location over it; the clock stands where a test puts it."""

    def __init__(self, folder, instance) -> None:
        self.location, self.now = Location(uri=str(folder / "lake")), BEGIN
        self.lake = Lake(self.location, clock=lambda: self.now)
        self._objects, self._tables, self._ids, self._versions, self._commits = Objects(self.location), {}, {}, {}, 0
        settings = Settings(home=folder, store="local", start=BEGIN, open_hour_refresh=timedelta(minutes=10))
        self._definitions = build_definitions(
            settings, resources={"lake": self.lake}, poll=LongPoll(total=timedelta(0))
        )
        self._sensor = self._definitions.get_repository_def().get_sensor_def("trades_hour_changed")
        self._instance = instance

    def commit(self, table, rows):
        """Commit rows with their ids and hour versions, like the stream."""
        if not rows.height:
            return
        self._commits += 1
        handle = self._tables.setdefault(table.name, LakeTable(table, self.location))
        epoch = handle.claim()
        append_rows(table, self.location, rows)
        if table is TRADES:
            for venue, symbol, *ids in rows.select("venue", "symbol", "trade_id", "last_trade_id").iter_rows():
                key = f"{venue}:{symbol}"
                self._ids[key] = self._ids.get(key, IdSet()).union([tuple(ids)])
        state = f"_ledger/{table.name}/state/{self._commits}.json"
        self._objects.put(state, State({key: list(ids) for key, ids in self._ids.items()}).encode())
        versions = self._versions.setdefault(table.name, {})
        for (start,), part in rows.group_by(pl.col("event_time").dt.truncate("1h")):
            versions[Hour(start)] = versions.get(Hour(start), HourVersion()).plus(version_of(part))
        entry = CommitEntry(table.name, f"c{self._commits}", epoch, "c", "t", [], rows.height, state=state)
        handle.append([], entry)
        HourIndex(self._objects, table.name).publish(versions, now=self.now)

    def follow(self):
        """Tick and run until nothing is asked; the reasons of the runs."""
        reasons = []
        while requests := self._tick().run_requests:
            for request in requests:
                self.run("hour", request.partition_key, request.tags)
                reasons.append(request.tags["cryptoviz/reason"])
        return reasons

    def _tick(self):
        context = dg.build_sensor_context(
            instance=self._instance, definitions=self._definitions, resources=dict(self._definitions.resources)
        )
        with context:
            return self._sensor.evaluate_tick(context)

    def run(self, job, partition, tags, only=None):
        job = self._definitions.resolve_job_def(job) if job else self._everything
        return job.execute_in_process(instance=self._instance, partition_key=partition, tags=tags, asset_selection=only)

    @property
    def _everything(self):
        return self._definitions.resolve_implicit_global_asset_job_def()

    def again(self, hours):
        """All hours by hand in one run, newest or not: a click on "Materialize"."""
        return self.run("hour", None, dict(zip(RANGE, (hours[0].key, hours[-1].key), strict=True)))

    def fold_days(self, days):
        for day in days:
            for table in DAILY:
                self.run(None, day.key, {}, only=[dg.AssetKey(table.name)])

    def digests(self):
        """SHA-256 of every file of candles, by table and hour or day: one file each."""
        found = {}
        for table in (*HOURLY, *DAILY):
            for span, files in files_by_span(table, open_table(table, self.location)).items():
                (file,) = files
                payload = self._objects.get(f"{table.name}/{file.path}")
                found[table.name, span.key] = hashlib.sha256(payload).hexdigest()
        return found


def arrivals(recorded, count):
    """The recording cut into ``count`` commits in order of arrival, each with the quotes that came with it."""
    trades, quotes = recorded[TRADES].sort("offset"), recorded[BOOK_TICKERS]
    size, since = -(-trades.height // count), BEGIN
    for part in trades.iter_slices(size):
        until = part["event_time"].max()
        yield part, quotes.filter(pl.col("event_time") > since, pl.col("event_time") <= until), until
        since = until


def spans(trades):
    hours = list(hours_between(trades["event_time"].min(), trades["event_time"].max() + timedelta(microseconds=1)))
    return hours, sorted({Day.containing(hour.start) for hour in hours})


@pytest.fixture(scope="module")
def make_market(tmp_path_factory):
    """Makes lakes of a module."""
    with contextlib.ExitStack() as made:
        yield lambda: Market(tmp_path_factory.mktemp("market"), made.enter_context(dg.DagsterInstance.ephemeral()))


@pytest.fixture(scope="module")
def lived(recorded, make_market):
    """A lake into which the recording came as it happened, folded again and again while its hours were open."""
    market, reasons = make_market(), []
    for trades, quotes, until in arrivals(recorded, 12):
        market.now = until + timedelta(seconds=3)
        market.commit(BOOK_TICKERS, quotes)
        market.commit(TRADES, trades)
        reasons += market.follow()
    market.now += timedelta(days=2)
    reasons += market.follow()
    market.fold_days(spans(recorded[TRADES])[1])
    assert {"open", "closed"} <= set(reasons)
    return market


def test_a_backfill_in_any_order_writes_the_bytes_of_the_live_order(recorded, lived, make_market):
    hours, days = spans(recorded[TRADES])
    market, dice = make_market(), random.Random(4)
    market.now = lived.now + timedelta(days=400)
    parts = [(table, part) for table, rows in recorded.items() for part in shuffled_parts(rows, dice)]
    for table, part in sorted(parts, key=lambda _: dice.random()):
        market.commit(table, part)
    market.now += timedelta(minutes=5)
    assert set(market.follow()) == {"closed"}
    market.fold_days(days)
    written = market.digests()
    assert written == lived.digests()
    assert {key for table, key in written if table == OHLC_1M.name} == {hour.key for hour in hours}
    market.again(hours)
    assert market.digests() == written


def shuffled_parts(rows, dice):
    if not rows.height:
        return []
    shuffled = rows.sample(fraction=1, shuffle=True, seed=dice.randrange(1_000))
    return list(shuffled.iter_slices(-(-rows.height // 5)))


def test_spark_makes_the_rows_of_the_live_order(recorded, lived, cluster):
    hours, _ = spans(recorded[TRADES])
    with cluster.session() as session:
        parts = list(minutes_by_spark(lived.lake, session, hours, now=lived.now))
    assert {part.span for part in parts} == {Hour(at) for at in recorded[TRADES]["event_time"].dt.truncate("1h")}
    for part in parts:
        stored = lived.lake.rows(OHLC_1M, part.span).sort(OHLC_1M.key)
        assert part.candles.select(OHLC_1M.column_names).sort(OHLC_1M.key).equals(stored)
