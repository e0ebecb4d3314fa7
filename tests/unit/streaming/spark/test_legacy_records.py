"""Records in the shapes of earlier pipelines, without headers and with their own keys, come out with no field lost."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.tables import QUOTES
from streaming.spark.judge_quotes import judge_quotes

NOW = datetime(2026, 2, 14, 11, 0, tzinfo=UTC)
AT = datetime(2026, 2, 14, 10, 58, 36, tzinfo=UTC)
FIRST = Hour(datetime(2025, 1, 1, tzinfo=UTC))
LISTED = {
    "name": "Bitcoin", "symbol": "BTC", "price": 97000.5, "market_cap": 1.92e12, "volume_24h": 3.1e10,
    "change_1h": -0.1, "change_24h": 1.5, "change_7d": -2.25, "source": "CoinMarketCap",
    "timestamp": "2026-02-14T10:58:36", "ingestion_timestamp": "2026-02-14 10:58:40", "year": 2026, "month": 2,
    "day": 14,
}  # fmt: skip
POLLED = {"symbol": "BTCUSDT", "price": "97000.15000000", "eventTime": 1771066716000}
BITCOIN = {
    "timestamp": "2026-02-14T10:58:36.701397", "bid_price": "97000.10", "ask_price": "97000.20", "bid_qty": 1.5,
    "ask_qty": "0.25", "volume_24h": 31000000000, "market_cap": 1920000000000, "price_change_24h": -1400.5,
    "price_change_percentage_24h": 1.5, "high_24h": 98000, "low_24h": 95000, "trade_timestamp": 1771066716,
}  # fmt: skip
COIN = {"symbol": "ETH", "price": 2700.25, "timestamp": 1771066716}
STOCK = {
    "symbol": "AAPL", "price": 146.36, "high": 147.5, "low": 145.01, "open": 146.0, "previous_close": 145.5,
    "timestamp": 1771066716,
}  # fmt: skip
SHAPES = {
    "crypto-raw-data": (
        LISTED,
        "BTC_coinmarketcap",
        {
            "venue": "coinmarketcap", "symbol": "BTC-USD", "name": "Bitcoin", "price": "97000.5",
            "market_cap": "1.92e12", "volume_24h": "3.1e10", "change_1h": "-0.1", "change_24h": "1.5",
            "change_7d": "-2.25", "source_time": AT,
        },
        {"ingestion_timestamp": "2026-02-14 10:58:40", "year": 2026, "month": 2, "day": 14},
    ),
    "crypto_raw": (
        POLLED, None, {"venue": "binance", "symbol": "BTC-USDT", "price": "97000.15", "source_time": AT}, None,
    ),
    "cryptoTopic": (
        BITCOIN,
        None,
        {
            "venue": "binance", "symbol": "BTC-USDT", "price": "97000.15", "bid_price": "97000.1",
            "bid_quantity": "1.5", "ask_price": "97000.2", "ask_quantity": "0.25", "volume_24h": "31000000000",
            "market_cap": "1920000000000", "price_change_24h": "-1400.5", "change_24h": "1.5", "high_24h": "98000",
            "low_24h": "95000", "source_time": AT.replace(microsecond=701397),
        },
        {"trade_timestamp": 1771066716},
    ),
    "crypto_topic": (
        COIN, None, {"venue": "cryptocompare", "symbol": "ETH-USD", "price": "2700.25", "source_time": AT}, None,
    ),
    "stock_topic": (
        STOCK,
        None,
        {
            "venue": "finnhub", "symbol": "AAPL-USD", "price": "146.36", "high_24h": "147.5", "low_24h": "145.01",
            "source_time": AT,
        },
        {"open": 146.0, "previous_close": 145.5},
    ),
}  # fmt: skip


def records(*values, key=None, topic="crypto-raw-data"):
    n = len(values)
    return pa.table(
        {
            "topic": [topic] * n,
            "partition": pa.array([0] * n, pa.int32()),
            "offset": pa.array(range(n), pa.int64()),
            "kafka_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")),
            "key": pa.array([key] * n, pa.string()),
            "schema": [""] * n,
            "source": [""] * n,
            "received_time": pa.array([None] * n, pa.timestamp("us", "UTC")),
            "connection": [""] * n,
            "value": pa.array([v if isinstance(v, bytes) else json.dumps(v).encode() for v in values], pa.binary()),
            "row_hash": pa.array([0] * n, pa.int64()),
        }
    )


def judge(record, **how):
    return judge_quotes(records(record, **how), first_hour=FIRST)


def row(record, **how):
    judged = judge(record, **how)
    assert judged.refusals == {}
    return judged.rows.row(0, named=True)


@pytest.mark.parametrize("topic", SHAPES)
def test_a_record_of_each_pipeline_keeps_every_field(topic):
    record, key, columns, others = SHAPES[topic]
    found = row(record, topic=topic, key=key)
    typed = {name: Decimal(v) if found[name].__class__ is Decimal else v for name, v in columns.items()}
    assert {name: found[name] for name in columns} == typed
    said = {"source", "received_time", "age_ms", "is_stale", "other_fields", *QUOTES.key, "kafka_time", "row_hash"}
    assert {name for name in QUOTES.column_names if found[name] is not None} - said == set(columns)
    assert (json.loads(found["other_fields"]) if found["other_fields"] else None) == others
    assert (found["source"], found["received_time"], found["topic"]) == ("legacy", NOW, topic)


@pytest.mark.parametrize("topic", SHAPES)
def test_on_a_topic_of_another_name_the_shape_tells(topic):
    record, _, columns, _ = SHAPES[topic]
    assert row(record, topic="prices")["venue"] == columns["venue"]


def test_a_stock_with_the_fields_of_a_coin_is_one_by_its_topic():
    found = row({"symbol": "MSFT", "price": 415.5, "volume": 1200, "timestamp": 1771066716.25}, topic="stock_topic")
    assert (found["venue"], found["symbol"]) == ("finnhub", "MSFT-USD")
    assert found["source_time"] == AT.replace(microsecond=250_000)
    assert json.loads(found["other_fields"]) == {"volume": 1200}


@pytest.mark.parametrize(
    ("record", "name", "expected"),
    [
        (LISTED | {"price": "97000.50"}, "price", Decimal("97000.5")),
        (LISTED | {"market_cap": None}, "market_cap", None),
        (LISTED | {"volume_24h": 0}, "volume_24h", None),
        (LISTED | {"change_24h": 0}, "change_24h", Decimal(0)),
        (LISTED | {"source": "coin gecko"}, "venue", "coingecko"),
        ({k: v for k, v in LISTED.items() if k != "change_24h"} | {"percent_change_24h": 2}, "change_24h", Decimal(2)),
        (LISTED | {"percent_change_24h": 9}, "change_24h", Decimal("1.5")),
        (LISTED | {"timestamp": "2026-02-14 10:58:36"}, "source_time", AT),
        (LISTED | {"timestamp": "2026-02-14T11:58:36+01:00"}, "source_time", AT),
        (LISTED | {"timestamp": "2026-02-14T10:58:36Z"}, "source_time", AT),
        (LISTED | {"timestamp": 1771066716}, "source_time", AT),
        (LISTED | {"timestamp": "1771066716000"}, "source_time", AT),
        (LISTED | {"timestamp": 1771066716000000}, "source_time", AT),
        (LISTED | {"name": "Ethereum â€“ Ã©ther"}, "name", "Ethereum â€“ Ã©ther"),
        (LISTED | {"name": None}, "name", None),
        (BITCOIN | {"timestamp": "2026-02-14T11:58:36"}, "source_time", AT),
        (BITCOIN | {"timestamp": "2026-02-13T23:28:37"}, "source_time", AT.replace(second=37)),
        (BITCOIN | {"timestamp": "2026-02-10T00:00:00"}, "source_time", AT),
        (BITCOIN | {"trade_timestamp": None}, "source_time", AT.replace(microsecond=701397)),
        (BITCOIN | {"price": 96999.5}, "price", Decimal("96999.5")),
    ],
)
def test_their_oddities_are_understood(record, name, expected):
    assert row(record)[name] == expected


def test_a_null_where_a_column_is_null_says_nothing_more():
    nothing = dict.fromkeys(("name", "market_cap", "change_1h", "percent_change_1h"))
    others = json.loads(row(LISTED | nothing | {"rank": None})["other_fields"])
    assert others == SHAPES["crypto-raw-data"][3] | {"rank": None}


def test_a_field_that_means_a_column_a_second_time_is_kept_beside_it():
    assert json.loads(row(LISTED | {"percent_change_24h": 9})["other_fields"])["percent_change_24h"] == 9


@pytest.mark.parametrize(
    ("record", "topic", "reason"),
    [
        ({"hello": 1}, "anything", "unknown_schema"),
        (b"\xff", "anything", "unknown_schema"),
        ({"hello": 1}, "crypto-raw-data", "unknown_symbol"),
        ({"hello": 1}, "crypto_raw", "missing_field"),
        (b'{"symbol":"BTC","price":NaN,"source":"coingecko"}', "crypto-raw-data", "malformed_json"),
        (b"ticker", "stock_topic", "malformed_json"),
        (b"[1]", "stock_topic", "wrong_type"),
        (json.dumps(LISTED, ensure_ascii=False).replace("Bitcoin", "é").encode("cp1252"), "crypto-raw-data",
         "invalid_utf8"),
        (LISTED | {"name": 5}, "crypto-raw-data", "wrong_type"),
        (LISTED | {"source": "nobody"}, "crypto-raw-data", "unknown_symbol"),
        (LISTED | {"timestamp": "soon"}, "crypto-raw-data", "bad_time"),
        (LISTED | {"timestamp": 1e300}, "crypto-raw-data", "bad_time"),
        (LISTED | {"price": None}, "crypto-raw-data", "no_quote"),
        (BITCOIN | {"ask_price": "n/a"}, "cryptoTopic", "bad_decimal"),
        (BITCOIN | {"ask_price": None}, "cryptoTopic", "missing_field"),
        (POLLED | {"symbol": "BTC"}, "crypto_raw", "unknown_symbol"),
        (STOCK | {"timestamp": None}, "stock_topic", "missing_field"),
        (STOCK | {"price": -1}, "stock_topic", "not_positive"),
        (COIN | {"timestamp": 1781066716}, "crypto_topic", "far_future"),
    ],
)  # fmt: skip
def test_what_is_of_no_pipeline_or_cannot_be_is_refused(record, topic, reason):
    assert judge(record, topic=topic).refusals[0][0] == reason


def test_one_that_is_refused_leaves_its_neighbours_alone():
    judged = judge_quotes(records(LISTED, b"{", LISTED), first_hour=FIRST)
    assert (judged.rows["record"].to_list(), list(judged.refusals)) == ([0, 2], [1])
