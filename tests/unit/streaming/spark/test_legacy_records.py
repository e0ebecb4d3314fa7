"""Records in the shapes of earlier pipelines, without headers and with their own keys, come out with no field lost."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from cryptoviz.lake.hours import Hour
from streaming.spark.judge_quotes import judge_quotes

NOW = datetime(2026, 2, 14, 11, 0, tzinfo=UTC)
FIRST = Hour(datetime(2025, 1, 1, tzinfo=UTC))
LISTED = {
    "name": "Bitcoin", "symbol": "BTC", "price": 97000.5, "market_cap": 1.92e12, "volume_24h": 3.1e10,
    "change_1h": -0.1, "change_24h": 1.5, "change_7d": -2.25, "source": "CoinMarketCap",
    "timestamp": "2026-02-14T10:59:30", "ingestion_timestamp": "2026-02-14 10:59:31",
}  # fmt: skip
BITCOIN = {
    "timestamp": "2026-02-14T10:58:36.701397", "bid_price": "97000.10", "ask_price": "97000.20", "bid_qty": 1.5,
    "ask_qty": "0.25", "volume_24h": 31000000000, "market_cap": 1920000000000, "price_change_24h": 1400.0,
    "price_change_percentage_24h": 1.5, "high_24h": 98000, "low_24h": 95000, "trade_timestamp": 1771066716,
}  # fmt: skip
POLLED = {"symbol": "BTCUSDT", "price": "97000.15000000", "eventTime": 1771066716000}


def judge(record, key=None):
    value = record if isinstance(record, bytes) else json.dumps(record).encode()
    table = pa.table(
        {
            "topic": ["crypto-raw-data"],
            "partition": pa.array([0], pa.int32()),
            "offset": pa.array([0], pa.int64()),
            "kafka_time": pa.array([NOW], pa.timestamp("us", "UTC")),
            "key": pa.array([key], pa.string()),
            "schema": [""],
            "source": [""],
            "received_time": pa.array([None], pa.timestamp("us", "UTC")),
            "connection": [""],
            "value": pa.array([value], pa.binary()),
            "row_hash": pa.array([0], pa.int64()),
        }
    )
    return judge_quotes(table, first_hour=FIRST)


def row(record, key=None):
    judged = judge(record, key)
    assert judged.refusals == {}
    return judged.rows.row(0, named=True)


def test_a_listed_coin_keeps_price_cap_volume_and_changes():
    found = row(LISTED, key="BTC_coinmarketcap")
    assert (found["venue"], found["symbol"], found["source"]) == ("coinmarketcap", "BTC-USD", "legacy")
    assert (found["price"], found["market_cap"], found["volume_24h"]) == (
        Decimal("97000.5"), Decimal("1.92e12"), Decimal("3.1e10"),
    )  # fmt: skip
    assert (found["change_1h"], found["change_24h"], found["change_7d"]) == (
        Decimal("-0.1"), Decimal("1.5"), Decimal("-2.25"),
    )  # fmt: skip
    assert found["source_time"] == datetime(2026, 2, 14, 10, 59, 30, tzinfo=UTC)
    assert found["received_time"] == NOW


def test_a_coin_whose_change_had_another_name_keeps_it():
    found = row({"symbol": "ETH", "price": 2700, "percent_change_24h": 1.25, "source": "coingecko",
                 "timestamp": "2026-02-14T10:59:30Z"})  # fmt: skip
    assert (found["venue"], found["change_24h"], found["volume_24h"]) == ("coingecko", Decimal("1.25"), None)


def test_the_record_of_bitcoin_keeps_its_book_and_its_day():
    found = row(BITCOIN)
    assert (found["venue"], found["symbol"], found["price"]) == ("binance", "BTC-USDT", Decimal("97000.15"))
    assert {name: found[name] for name in ("bid_price", "bid_quantity", "ask_price", "ask_quantity")} == {
        "bid_price": Decimal("97000.1"), "bid_quantity": Decimal("1.5"), "ask_price": Decimal("97000.2"),
        "ask_quantity": Decimal("0.25"),
    }  # fmt: skip
    assert (found["high_24h"], found["low_24h"], found["change_24h"]) == (
        Decimal(98000),
        Decimal(95000),
        Decimal("1.5"),
    )
    assert found["source_time"] == datetime(2026, 2, 14, 10, 58, 36, 701397, tzinfo=UTC)


def test_a_polled_price_is_a_quote_of_its_market():
    found = row(POLLED)
    assert (found["venue"], found["symbol"], found["price"]) == ("binance", "BTC-USDT", Decimal("97000.15"))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b'{"hello":1}', "unknown_schema"),
        (b"\xff", "unknown_schema"),
        (LISTED | {"source": "nobody"}, "unknown_symbol"),
        (LISTED | {"timestamp": "soon"}, "bad_time"),
        (BITCOIN | {"ask_price": "n/a"}, "bad_decimal"),
        (POLLED | {"symbol": "BTC"}, "unknown_symbol"),
    ],
)
def test_what_is_of_no_pipeline_or_cannot_be_is_refused(record, reason):
    assert judge(record).refusals[0][0] == reason
