"""Recorded bytes of the venues, judged and folded, equal the candles that others made of the same trades."""

import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import polars as pl
import pyarrow as pa
import pytest

from cryptoviz.arithmetic.fold import HOUR, fold_candles
from cryptoviz.lake.hours import Hour, hours_between
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.tables import BOOK_TICKERS
from cryptoviz.storage.frames import empty
from cryptoviz_dagster.transforms.candles import HourInputs, build_candles
from streaming.feeds import binance_messages, kraken_messages
from streaming.spark.judge_trades import judge_trades

RECORDINGS = Path(os.environ.get("CRYPTOVIZ_RECORDINGS", Path(__file__).parents[2] / ".." / "shared" / "data"))
pytestmark = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="no recordings; name their folder in CRYPTOVIZ_RECORDINGS"
)
FIRST = Hour(datetime(2019, 1, 1, tzinfo=UTC))
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def judged(values, *, key, schema):
    n = len(values)
    table = pa.table(
        {
            "topic": ["trades"] * n,
            "partition": pa.array([0] * n, pa.int32()),
            "offset": pa.array(range(n), pa.int64()),
            "kafka_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")),
            "key": [key] * n,
            "schema": [schema] * n,
            "source": ["replay"] * n,
            "received_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")),
            "connection": ["1"] * n,
            "value": pa.array(values, pa.binary()),
            "row_hash": pa.array(range(n), pa.int64()),
        }
    )
    result = judge_trades(table, first_hour=FIRST)
    assert not result.refusals
    return result.rows


def minutes(rows, key):
    seen = {key: IdSet(rows.select("trade_id", "last_trade_id").iter_rows())}
    hours = hours_between(rows["event_time"].min(), rows["event_time"].max() + timedelta(microseconds=1))
    return pl.concat(
        build_candles(
            HourInputs(
                trades=rows.filter(pl.col("event_time").is_between(h.start, h.end, closed="left")),
                quotes=empty(BOOK_TICKERS),
                seen=seen,
            ),
            start=h.start, end=h.end, now=NOW,
        )
        for h in hours
    )  # fmt: skip


def at(candles):
    return {row["window_start"]: row for row in candles.iter_rows(named=True)}


def ohlcv(row):
    return tuple(row[name] for name in ("open", "high", "low", "close", "volume"))


def test_kraken_409_of_409_minutes_equal_the_exchange():
    values = kraken_messages.rest_rows((RECORDINGS / "kraken_xbtusdt" / "http_trades.json").read_bytes())
    ours = at(minutes(judged(values, key="kraken:BTC-USDT", schema="kraken.rest.trade"), "kraken:BTC-USDT"))
    theirs = json.loads((RECORDINGS / "kraken_xbtusdt" / "http_ohlc.json").read_text())["result"]["XBTUSDT"]
    first, last = datetime(2025, 11, 10, 17, 24, tzinfo=UTC), datetime(2025, 11, 11, 0, 12, tzinfo=UTC)
    compared = empty = 0
    for time, o, h, low, c, _, volume, count in theirs:
        start = datetime.fromtimestamp(time, UTC)
        if first <= start <= last:
            row = ours[start]
            assert (row["volume"], row["trade_count"]) == (Decimal(volume), count)
            if count:
                assert ohlcv(row)[:4] == tuple(map(Decimal, (o, h, low, c)))
            else:
                assert ohlcv(row)[:4] == (None,) * 4
                assert row["status"] == "quiet"
            compared, empty = compared + 1, empty + (not count)
    assert (compared, empty) == (409, 137)


def test_binance_10_of_10_minutes_equal_the_exchange():
    values = []
    for day in ("20240808", "20240809"):
        with gzip.open(RECORDINGS / "binance_btcusdt_ws" / f"btcusdt_{day}.gz", "rb") as lines:
            frames = (line.partition(b" ")[2] for line in lines)
            values += [binance_messages.unwrap(f)[1] for f in frames if b'"btcusdt@trade"' in f]
    assert len(values) == 19_904
    ours = at(minutes(judged(values, key="binance:BTC-USDT", schema="binance.ws.trade"), "binance:BTC-USDT"))
    theirs = pl.read_ipc(RECORDINGS / "binance_btcusdt_ws" / "klines_1m_2024-07-26_2024-08-25.feather")
    first, last = datetime(2024, 8, 8, 23, 55, tzinfo=UTC), datetime(2024, 8, 9, 0, 4, tzinfo=UTC)
    rows = theirs.filter(pl.col("date").is_between(first, last))
    assert rows.height == 10
    for row in rows.iter_rows(named=True):
        expected = tuple(Decimal(repr(row[name])) for name in ("open", "high", "low", "close", "volume"))
        assert ohlcv(ours[row["date"]]) == expected


@pytest.fixture(scope="module")
def xrp_eth():
    """Our minutes of 59 hours of XRP/ETH."""

    class Entry(msgspec.Struct):
        info: msgspec.Raw

    body = gzip.decompress((RECORDINGS / "binance_xrpeth" / "aggtrades.json.gz").read_bytes())
    values = [bytes(entry.info) for entry in msgspec.json.decode(body, type=list[Entry])]
    return minutes(judged(values, key="binance:XRP-ETH", schema="binance.rest.aggTrade"), "binance:XRP-ETH")


@pytest.mark.parametrize(("interval", "count"), [("1m", 2469), ("5m", 706)])
def test_an_independent_program_made_the_same_candles_of_xrp_eth(xrp_eth, interval, count):
    candles = xrp_eth if interval == "1m" else fold_candles(xrp_eth, interval=interval)
    ours = at(candles)
    theirs = pl.read_ipc(RECORDINGS / "binance_xrpeth" / f"candles_{interval}.feather")
    assert theirs.height == count
    for row in theirs.iter_rows(named=True):
        found = ohlcv(ours[row["date"]])
        assert tuple(map(float, found[:4])) == tuple(row[name] for name in ("open", "high", "low", "close"))
        assert abs(found[4] - Decimal(repr(row["volume"]))) < Decimal("1e-6")
    # They skip windows without a trade and end in the middle of the last hour; so has each side what the other has.
    traded = candles.filter(pl.col("trade_count") > 0)["window_start"].sort()
    assert traded.to_list() == theirs["date"].to_list()


def test_the_fold_of_minutes_is_the_fold_of_trades():
    values = kraken_messages.rest_rows((RECORDINGS / "kraken_xbtusdt" / "http_trades.json").read_bytes())
    rows = judged(values, key="kraken:BTC-USDT", schema="kraken.rest.trade")
    for (hour,), mine in rows.group_by(pl.col("event_time").dt.truncate("1h")):
        start = Hour.containing(hour)
        inputs = HourInputs(trades=mine, quotes=empty(BOOK_TICKERS))
        candles = build_candles(inputs, start=start.start, end=start.end, now=NOW)
        folded = fold_candles(candles, interval=HOUR).row(0, named=True)
        ordered = mine.sort("event_time", "trade_id")
        assert folded["open"] == ordered["price"][0]
        assert folded["close"] == ordered["price"][-1]
        assert folded["volume"] == sum(ordered["quantity"].to_list())
        assert folded["quote_volume"] == sum(p * q for p, q in ordered.select("price", "quantity").iter_rows())
        assert folded["trade_count"] == mine.height
