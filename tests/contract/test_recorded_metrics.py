"""Metrics of a recorded month, hour by hour, beside an independent library and beside plain Python."""

import math
from datetime import timedelta
from itertools import pairwise

import polars as pl
import pyarrow.feather
import pytest
from talipp.indicators import BB, MACD, RSI

from cryptoviz.arithmetic.fold import HOUR
from cryptoviz.lake.candle_tables import OHLC_1H, OHLC_1M
from cryptoviz.lake.tables import KLINES, QUOTES
from cryptoviz.storage.frames import empty
from cryptoviz_dagster.transforms.history import account_for_hours, build_history
from cryptoviz_dagster.transforms.hourly_metrics import build_hourly_metrics
from cryptoviz_dagster.transforms.market_overview import latest_market_caps

EVERY = 37
"""Hours from one compared hour to the next."""


@pytest.fixture(scope="module")
def hours(recordings):
    """The whole hours of the month, from its minutes."""
    path = recordings / "binance_btcusdt_ws" / "klines_1m_2024-07-26_2024-08-25.feather"
    minutes = pl.from_arrow(pyarrow.feather.read_table(path))
    start = pl.col("date").cast(pl.Datetime("us", "UTC")).dt.truncate(HOUR)
    hourly = minutes.sort("date").group_by(start.alias("window_start"), maintain_order=True).agg(
        pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(),
        pl.col("volume").sum(), minutes=pl.len(),
    )  # fmt: skip
    return hourly.filter(pl.col("minutes") == 60).drop("minutes")


@pytest.fixture(scope="module")
def metrics(hours):
    """Metrics of every hour compared, by its start; the venue's klines are the history."""
    decimals = [
        pl.col(name).cast(pl.Decimal(38, 8)).cast(pl.Decimal(38, 18))
        for name in ("open", "high", "low", "close", "volume")
    ]
    facts = {"venue": "binance", "symbol": "BTC-USDT", "status": "traded", "interval": "1h"}
    rows = hours.with_columns(*decimals, **{name: pl.lit(value) for name, value in facts.items()}).with_columns(
        quote_volume=pl.col("volume"), window_end=pl.col("window_start") + HOUR, trade_count=pl.lit(1, pl.Int64)
    )
    klines = pl.concat([empty(KLINES), rows], how="diagonal").select(KLINES.column_names)
    candles = pl.concat([empty(OHLC_1H), rows], how="diagonal").select(OHLC_1H.column_names)
    past = account_for_hours(empty(OHLC_1H), klines)
    no_caps, found = latest_market_caps(empty(QUOTES)), {}
    for start in hours["window_start"].to_list()[::EVERY]:
        one = candles.filter(pl.col("window_start") == start)
        found[start] = build_hourly_metrics(one, empty(OHLC_1M), build_history(past, hour=start), no_caps).row(
            0, named=True
        )
    return found


def test_indicators_of_every_hour_are_those_of_an_independent_library(hours, metrics):
    closes = hours["close"].to_list()
    lines, bands, strengths = (MACD(12, 26, 9, closes), BB(20, 2, closes), RSI(14, closes))
    first, compared = hours["window_start"][0], 0
    for start, row in metrics.items():
        at = (start - first) // HOUR
        if at < 33 or row["hours"] != at + 1:
            continue
        compared += 1
        assert row["rsi_14"] == pytest.approx(strengths[at], rel=1e-9)
        assert row["macd"] == pytest.approx(lines[at].macd, rel=1e-6, abs=1e-6)
        assert row["macd_signal"] == pytest.approx(lines[at].signal, rel=1e-6, abs=1e-6)
        assert row["bollinger_upper"] == pytest.approx(bands[at].ub, rel=1e-9)
        assert row["bollinger_lower"] == pytest.approx(bands[at].lb, rel=1e-9)
    assert compared >= 18


def test_the_day_and_the_week_are_those_counted_by_hand(hours, metrics):
    rows, first = hours.rows(named=True), hours["window_start"][0]
    for start, row in metrics.items():
        at = (start - first) // HOUR
        day, closes = rows[max(0, at - 23) : at + 1], [r["close"] for r in rows[: at + 1]]
        if at >= 24:
            assert float(row["high_24h"]) == max(r["high"] for r in day)
            assert float(row["low_24h"]) == min(r["low"] for r in day)
            assert row["price_change_percent_24h"] == pytest.approx(100 * (closes[-1] / closes[-25] - 1))
            squares = [math.log(b / a) ** 2 for a, b in pairwise(closes[-25:])]
            assert row["volatility_24h"] == pytest.approx(math.sqrt(sum(squares)))
        if at >= 168:
            assert row["price_change_percent_7d"] == pytest.approx(100 * (closes[-1] / closes[-169] - 1))
    assert max(metrics) - first > timedelta(days=28)
