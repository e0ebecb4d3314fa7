import gzip
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
import xxhash

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import signed
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import BOOK_TICKERS
from cryptoviz.storage.objects import Objects
from streaming.feeds.binance_messages import unwrap
from streaming.spark.clean_task import Kind, clean_topic
from streaming.spark.judge_book_tickers import judge_book_tickers

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
FIRST = Hour(datetime(2020, 1, 1, tzinfo=UTC))
BINANCE, KRAKEN = ("binance:BTC-USDT", "binance.ws.bookTicker"), ("kraken:BTC-USD", "kraken.ws.ticker")


def quote(bid="25.3519", ask="25.3652", *, bid_quantity="31.21", ask_quantity="40.66", symbol="BTCUSDT"):
    return (
        f'{{"u":400900217,"s":"{symbol}","b":"{bid}","B":"{bid_quantity}","a":"{ask}","A":"{ask_quantity}"}}'
    ).encode()


def ticker(bid="0.10025", ask="0.10036", time='"2026-11-20T08:29:59.5Z"'):
    return (
        f'{{"symbol":"BTC/USD","bid":{bid},"bid_qty":740.0,"ask":{ask},"ask_qty":1361.44813783,"timestamp":{time}}}'
    ).encode()


def records(values, *, of=BINANCE, received=NOW):
    n, (key, schema) = len(values), of
    return pa.table(
        {
            "topic": ["book_tickers"] * n,
            "partition": pa.array([0] * n, pa.int32()),
            "offset": pa.array(range(n), pa.int64()),
            "kafka_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")),
            "key": pa.array([key] * n, pa.string()),
            "schema": [schema] * n,
            "source": ["ws"] * n,
            "received_time": pa.array([received] * n, pa.timestamp("us", "UTC")),
            "connection": ["1"] * n,
            "value": pa.array(values, pa.binary()),
            "row_hash": pa.array([signed(xxhash.xxh64_intdigest(v or b"", seed=42)) for v in values], pa.int64()),
        }
    )


def judge(values, **how):
    return judge_book_tickers(records(values, **how), first_hour=FIRST)


def reasons(values, **how):
    return {i: reason for i, (reason, _) in judge(values, **how).refusals.items()}


def test_a_quote_without_the_venues_time_was_so_when_it_was_received():
    row = judge([quote()]).rows.row(0, named=True)
    assert row["event_time"] == NOW
    assert (row["venue"], row["symbol"], row["update_id"]) == ("binance", "BTC-USDT", 400900217)
    assert (row["bid_price"], row["ask_quantity"]) == (Decimal("25.3519"), Decimal("40.66"))


def test_the_venues_time_comes_first_and_numbers_keep_their_text():
    row = judge([ticker()], of=KRAKEN).rows.row(0, named=True)
    assert row["event_time"] == datetime(2026, 11, 20, 8, 29, 59, 500_000, tzinfo=UTC)
    assert (row["bid_price"], row["bid_quantity"]) == (Decimal("0.10025"), Decimal(740))
    assert row["update_id"] is None


def test_a_ticker_without_a_time_is_taken_as_of_its_receipt():
    assert judge([ticker(time="null")], of=KRAKEN).rows["event_time"].to_list() == [NOW]


POISON = {
    "empty_value": None,
    "malformed_json": b'{"u":1',
    "missing_field": b'{"u":1}',
    "wrong_type": quote().replace(b'"31.21"', b"31.21"),
    "bad_decimal": quote(bid="NaN"),
    "decimal_overflow": quote(bid_quantity="0.1234567890123456789"),
    "not_positive": quote(ask_quantity="0.00"),
    "crossed_quote": quote(bid="25.4", ask="25.3"),
    "symbol_mismatch": quote(symbol="ETHUSDT"),
}


@pytest.mark.parametrize(("reason", "value"), POISON.items())
def test_poison_is_refused_with_its_reason_and_its_neighbours_are_not(reason, value):
    assert reasons([quote(), value, quote()]) == {1: reason}


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-1.5", '"x"', "null"])
def test_what_is_no_number_of_kraken_is_refused(bad):
    assert list(reasons([ticker(bid=bad), ticker()], of=KRAKEN)) == [0]


def test_equal_prices_pass_as_a_book_may_be_locked():
    assert reasons([quote(bid="25.3", ask="25.30")]) == {}


def test_times_out_of_reach_are_refused():
    late, early = ticker(time='"2026-11-22T09:00:00Z"'), ticker(time='"2019-12-31T23:59:59Z"')
    assert reasons([late, early], of=KRAKEN) == {0: "far_future", 1: "before_lake_start"}
    assert reasons([quote()], received=None) == {0: "bad_time"}


def test_a_trade_among_the_book_tickers_is_refused():
    trade = b'{"s":"BTCUSDT","t":1,"p":"1","q":"1","T":1795163400000,"m":true}'
    assert reasons([trade], of=("binance:BTC-USDT", "binance.ws.trade")) == {0: "wrong_topic"}


def test_equal_states_are_states_at_two_instants_not_repeats(tmp_path):
    kind = Kind(table=BOOK_TICKERS, judge=judge_book_tickers, is_sampled=True)
    report = clean_topic("book_tickers", records([quote(), quote(), b"{"]), kind, _objects(tmp_path), {}, FIRST)
    assert {file.table: file.rows for file in report.files} == {"book_tickers": 2, "quarantine": 1}
    assert (report.ids, report.repeated, report.refused) == ({}, 0, 1)


def _objects(tmp_path):
    return Objects(Location(uri=str(tmp_path)))


def test_every_recorded_book_ticker_is_taken(recordings):
    with gzip.open(recordings / "binance_btcusdt_ws" / "btcusdt_20240808.gz") as lines:
        quotes = [unwrap(line.split(b" ", 1)[1])[1] for line in lines if b"@bookTicker" in line]
    judged = judge(quotes)
    assert (len(quotes) > 1000, judged.refusals, judged.rows.height) == (True, {}, len(quotes))
