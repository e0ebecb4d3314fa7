from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.inspect import outbox, replay
from cryptoviz.inspect.materialisation import (
    NotMaterialised,
    committed_offsets,
    messages_held,
    wait_until_candles,
    waiting_hours,
)
from cryptoviz.inspect.outbox import NotTaken
from cryptoviz.inspect.reach import Unreachable
from cryptoviz.inspect.recordings import RecordedTrade
from cryptoviz.inspect.replay import BeforeLakeStart, Replayed, describe, publish
from cryptoviz.lake.candle_tables import OHLC_1H, OHLC_1M
from cryptoviz.lake.ledger import CommitEntry, HourVersion, OffsetRange
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.tables import TRADES
from cryptoviz.lake.topics import Headers, Schema
from cryptoviz.settings import Settings
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import replace_partition
from cryptoviz.storage.hour_index import HourIndex
from cryptoviz.storage.objects import Objects

START = datetime(2026, 1, 2, 3, tzinfo=UTC)
VERSION = HourVersion(5, 9)


def trade(minutes, *, received_ns=7):
    event_ns = int((START + timedelta(minutes=minutes)).timestamp()) * 1_000_000_000
    instrument = Instrument(Venue.BINANCE, "BTC-USDT")
    return RecordedTrade(instrument, Schema.BINANCE_WS_TRADE, b"%d" % minutes, event_ns, received_ns)


class Delivery:
    def __init__(self, partition, offset):
        self.partition, self.offset = lambda: partition, lambda: offset


class Broker:
    """Stands for the producer of Kafka: keeps what is produced, and answers when flushed."""

    def __init__(self, *, full_every=0, error=None):
        self.records, self.error = [], error
        self._full_every, self._calls, self._callbacks = full_every, 0, []

    def produce(self, topic, *, key, value, headers, on_delivery):
        self._calls += 1
        if self._full_every and self._calls % self._full_every == 0:
            raise BufferError
        self.records.append((topic, key, value, Headers.decode(headers)))
        self._callbacks.append(on_delivery)

    def poll(self, _):
        return 0

    def flush(self, _):
        for offset, callback in enumerate(self._callbacks, start=100):
            callback(self.error, Delivery(3, offset))
        self._callbacks = []
        return 0


@pytest.fixture
def broker(monkeypatch):
    def use(**options):
        stub = Broker(**options)
        monkeypatch.setattr(outbox, "Producer", lambda *_, **__: stub)
        monkeypatch.setattr(replay, "require_broker", lambda _: None)
        return stub

    return use


def ignore(*_):
    pass


def settings(**values):
    return Settings(_env_file=None, store="local", start=START, **values)


def test_every_trade_is_published_once_as_it_was_with_its_key_and_headers(broker):
    stub = broker(full_every=2)
    done = publish([trade(0), trade(1), trade(61)], settings(topic_trades="t"), progress=ignore)
    assert [value for _, _, value, _ in stub.records] == [b"0", b"1", b"61"]
    topic, key, _, headers = stub.records[0]
    assert (topic, key) == ("t", "binance:BTC-USDT")
    assert headers == Headers(schema="binance.ws.trade", source="replay", received_ns=7, connection="replay")
    assert (done.first_offsets, done.next_offsets) == ({3: 100}, {3: 103})
    assert (done.messages, sorted(hour.start.hour for hour in done.hours)) == (3, [3, 4])


def test_a_trade_without_a_time_of_receipt_is_received_now(broker):
    stub = broker()
    publish([trade(0, received_ns=0)], settings(), progress=ignore)
    assert stub.records[0][3].received_ns > 1_700_000_000_000_000_000


def test_a_recording_older_than_the_lake_publishes_nothing_and_names_the_setting_and_both_times(broker):
    stub = broker()
    said = r"2026-01-02 02:00 UTC, the lake at 2026-01-02 03:00 UTC.*CRYPTOVIZ_START=2026-01-02T02:00"
    with pytest.raises(BeforeLakeStart, match=said):
        publish([trade(0), trade(-1)], settings(), progress=ignore)
    assert stub.records == []


def test_messages_that_kafka_refuses_are_an_error(broker):
    broker(error="no space")
    with pytest.raises(NotTaken, match=r"2 of 2.*no space"):
        publish([trade(0), trade(1)], settings(), progress=ignore)


def test_a_broker_that_does_not_answer_is_named_at_once():
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1;"):
        publish([trade(0)], settings(kafka_bootstrap="127.0.0.1:1"), progress=ignore)


@given(st.dictionaries(st.integers(0, 5), st.tuples(st.integers(0, 99), st.integers(1, 9)), min_size=1), st.data())
def test_all_messages_are_held_exactly_when_every_partition_has_passed_its_last(spans, data):
    done = Replayed(
        messages=sum(count for _, count in spans.values()),
        first_offsets={p: first for p, (first, _) in spans.items()},
        next_offsets={p: first + count for p, (first, count) in spans.items()},
    )
    reached = {p: data.draw(st.integers(0, 120)) for p in spans}
    passed = all(reached[p] >= end for p, end in done.next_offsets.items())
    assert (messages_held(done, reached) == done.messages) == passed
    assert messages_held(done, {}) == sum(0 for _ in spans)


def test_committed_offsets_come_from_the_clean_table_and_reading_them_creates_none(lake, tmp_path):
    assert committed_offsets(lake, "trades", [0]) == {}
    assert not (tmp_path / "home").exists()
    table = LakeTable(TRADES, lake)
    ranges = [OffsetRange("trades", 0, 0, 42, 42, 7)]
    entry = CommitEntry(
        table="trades", commit_id="1", epoch=table.claim(), cluster_id="c", topic_id="t", ranges=ranges, rows=42
    )
    table.append([], entry)
    assert committed_offsets(lake, "trades", [0, 1]) == {0: 42}


@pytest.fixture
def index(lake, hour):
    index = HourIndex(Objects(lake), TRADES.name)
    index.publish({hour: VERSION}, now=START)
    return index


def test_an_hour_waits_until_both_tables_stand_on_its_version(lake, hour, index, make_candles):
    assert waiting_hours({hour}, lake, index) == {hour}
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, "1", "2", version=VERSION.digest), {})
    assert waiting_hours({hour}, lake, index) == {hour}
    replace_partition(OHLC_1H, lake, hour, make_candles(hour, "2", version="older"), {})
    assert waiting_hours({hour}, lake, index) == {hour}
    replace_partition(OHLC_1H, lake, hour, make_candles(hour, "2", version=VERSION.digest), {})
    assert waiting_hours({hour}, lake, index) == set()
    index.publish({hour: VERSION.plus(VERSION)}, now=START)
    assert waiting_hours({hour}, lake, index) == {hour}


def test_an_hour_the_lake_does_not_know_waits(lake, hour, index, make_candles):
    for table in (OHLC_1M, OHLC_1H):
        replace_partition(table, lake, hour, make_candles(hour, "1", version=VERSION.digest), {})
    assert waiting_hours({hour, hour.next()}, lake, index) == {hour.next()}


def test_a_wait_that_takes_too_long_says_what_is_missing(tmp_path):
    done = describe([trade(0)])
    done.first_offsets, done.next_offsets = {0: 5}, {0: 6}
    here = settings(home=tmp_path / "home")
    with pytest.raises(NotMaterialised, match="1 of 1 messages are not in the lake after 0 s"):
        wait_until_candles(done, here, timeout_s=0, progress=ignore)
