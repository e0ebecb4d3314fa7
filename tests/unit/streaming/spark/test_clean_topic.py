from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pytest
import xxhash

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.ledger import signed
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import TRADES
from cryptoviz.storage.objects import Objects
from streaming.spark.clean_task import Kind, clean_topic
from streaming.spark.judge_trades import judge_trades

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
FIRST = Hour(datetime(2026, 1, 1, tzinfo=UTC))


def trade(number, *, price="10.5", quantity="2", time_ms=None, symbol="BTCUSDT"):
    at = int(NOW.timestamp() * 1000) if time_ms is None else time_ms
    return (
        f'{{"e":"trade","E":{at},"s":"{symbol}","t":{number},"p":"{price}","q":"{quantity}","T":{at},"m":true,"M":true}}'
    ).encode()


def records(values, *, key="binance:BTC-USDT", schema="binance.ws.trade"):
    n = len(values)
    return pa.table(
        {
            "topic": ["trades"] * n,
            "partition": pa.array([0] * n, pa.int32()),
            "offset": pa.array(range(n), pa.int64()),
            "kafka_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")),
            "key": pa.array([key] * n, pa.string()),
            "schema": [schema] * n,
            "source": ["ws"] * n,
            "received_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")),
            "connection": ["1"] * n,
            "value": pa.array(values, pa.binary()),
            "row_hash": pa.array([signed(xxhash.xxh64_intdigest(v or b"", seed=42)) for v in values], pa.int64()),
        }
    )


def clean(tmp_path, table, seen=None):
    kind = Kind(table=TRADES, judge=judge_trades)
    return clean_topic("trades", table, kind, Objects(Location(uri=str(tmp_path))), seen or {}, FIRST)


def reasons(table):
    return {i: reason for i, (reason, _) in judge_trades(table, first_hour=FIRST).refusals.items()}


def test_every_record_ends_in_exactly_one_table(tmp_path):
    report = clean(
        tmp_path, records([trade(1), trade(2), trade(1), b"{", trade(3)]), {"binance:BTC-USDT": IdSet([(3, 9)])}
    )
    rows = {file.table: file.rows for file in report.files}
    assert rows == {"trades": 2, "duplicates": 2, "quarantine": 1}
    assert report.ids == {"binance:BTC-USDT": [(1, 2)]}
    assert (report.refused, report.repeated, report.ranges[0].end) == (1, 2, 5)


def test_the_first_of_two_records_with_one_id_is_kept_and_what_the_second_says_is_not_lost(tmp_path):
    report = clean(tmp_path, records([trade(1, price="10"), trade(1, price="99.5", quantity="3")]))
    said = {f.table: pl.read_parquet(tmp_path / f.table / f.path).row(0, named=True) for f in report.files}
    assert said["trades"]["price"] == Decimal(10)
    assert (said["duplicates"]["price"], said["duplicates"]["quantity"]) == (Decimal("99.5"), Decimal(3))


POISON = {
    "empty_value": None,
    "malformed_json": b'{"e":"trade"',
    "missing_field": b'{"t":1}',
    "invalid_utf8": trade(1).replace(b"BTCUSDT", b"BTC\xffUSDT"),
    "wrong_type": trade(1).replace(b'"t":1', b'"t":"x"'),
    "bad_decimal": trade(1, price="NaN"),
    "decimal_overflow": trade(1, price="0.1234567890123456789"),
    "not_positive": trade(1, price="0.00"),
    "too_large": trade(1) + b" " * 70_000,
    "far_future": trade(1, time_ms=4_102_444_800_000),
    "before_lake_start": trade(1, time_ms=1_500_000_000_000),
    "bad_time": trade(1, time_ms=5),
    "symbol_mismatch": trade(1, symbol="ETHUSDT"),
}


@pytest.mark.parametrize(("reason", "value"), POISON.items())
def test_poison_is_refused_with_its_reason_and_its_neighbours_are_not(reason, value):
    assert reasons(records([trade(7), value, trade(8)])) == {1: reason}


@pytest.mark.parametrize("unit", [1, 1000, 1_000_000])
def test_milliseconds_microseconds_and_nanoseconds_mean_the_same_instant(unit):
    stamp = int(NOW.timestamp() * 1000)
    judged = judge_trades(records([trade(1, time_ms=stamp * unit)]), first_hour=FIRST)
    assert judged.rows["event_time"].to_list() == [NOW]


def test_unknown_schemas_and_keys_are_refused():
    assert reasons(records([trade(1)], schema="nasdaq.itch")) == {0: "unknown_schema"}
    assert reasons(records([trade(1)], key="nowhere:BTC-USDT")) == {0: "unknown_symbol"}


def test_a_quote_amount_that_overflows_refuses_its_row_alone():
    huge = trade(1, price="99999999999", quantity="99999999999")
    assert reasons(records([huge, trade(2)])) == {0: "decimal_overflow"}
