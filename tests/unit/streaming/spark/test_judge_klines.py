from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import KLINES
from cryptoviz.storage.objects import Objects
from streaming.spark.clean_task import Kind, clean_topic
from streaming.spark.judge_klines import judge_klines

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
FIRST = Hour(datetime(2026, 11, 20, tzinfo=UTC))
OPEN = int(datetime(2026, 11, 20, 7, tzinfo=UTC).timestamp())
KRAKEN = b'[%d,"106038.2","106044.3","106038.1","106040.1","106041.7","12.50000000",37]'
BINANCE = b'[%d,"1.0","2.0","0.5","1.5","10.0",%d,"15.0",7,"4.0","6.0","0"]'


def records(*values, key="kraken:BTC-USD", schema="kraken.rest.ohlc"):
    n = len(values)
    return pa.table(
        {
            "topic": ["klines"] * n,
            "partition": pa.array([0] * n, pa.int32()),
            "offset": pa.array(range(n), pa.int64()),
            "kafka_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")),
            "key": pa.array([key] * n, pa.string()),
            "schema": [schema] * n,
            "source": ["backfill"] * n,
            "received_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")),
            "connection": ["rest"] * n,
            "value": pa.array(values, pa.binary()),
            "row_hash": pa.array([0] * n, pa.int64()),
        }
    )


def test_a_candle_of_kraken_has_no_quote_volume_and_no_takers_share():
    row = judge_klines(records(KRAKEN % OPEN), first_hour=FIRST).rows.row(0, named=True)
    assert (row["window_start"], row["window_end"]) == (NOW.replace(hour=7, minute=0), NOW.replace(minute=0))
    assert (row["high"], row["volume"], row["trade_count"]) == (Decimal("106044.3"), Decimal("12.5"), 37)
    assert row["quote_volume"] is None
    assert row["taker_buy_volume"] is row["taker_buy_quote_volume"] is None


def test_a_candle_of_binance_says_what_takers_bought_in_both_units():
    message = BINANCE % (OPEN * 1000, OPEN * 1000 + 3_599_999)
    given = records(message, key="binance:BTC-USDT", schema="binance.rest.kline")
    row = judge_klines(given, first_hour=FIRST).rows.row(0, named=True)
    assert (row["taker_buy_volume"], row["taker_buy_quote_volume"]) == (Decimal(4), Decimal(6))


def test_candles_of_both_venues_go_to_one_table_once(tmp_path):
    table = pa.concat_tables(
        [
            records(KRAKEN % OPEN, KRAKEN % OPEN),
            records(BINANCE % (OPEN * 1000, OPEN * 1000 + 3_599_999), key="binance:BTC-USDT",
                    schema="binance.rest.kline"),
        ]
    )  # fmt: skip
    kind = Kind(table=KLINES, judge=judge_klines)
    report = clean_topic("klines", table, kind, Objects(Location(uri=str(tmp_path))), {}, FIRST)
    assert {file.table: file.rows for file in report.files} == {"klines": 2, "duplicates": 1}


@pytest.mark.parametrize("time", [OPEN + 60, -3600])
def test_what_is_no_whole_hour_is_refused(time):
    assert judge_klines(records(KRAKEN % time), first_hour=FIRST).refusals[0][0] == "bad_kline"


def test_an_amount_that_every_venue_says_may_not_be_missing():
    missing = (KRAKEN % OPEN).replace(b'"12.50000000"', b"null")
    assert judge_klines(records(missing), first_hour=FIRST).refusals[0][0] == "wrong_type"
