from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.tables import INSTRUMENTS
from cryptoviz.storage.frames import empty
from cryptoviz_dagster.defs.market.listing_checks import not_as_listed

START, MINUTE = datetime(2026, 11, 20, 8, tzinfo=UTC), timedelta(minutes=1)


def version(minute, *, tick="0.01", status="trading", offset=0):
    return {
        **dict.fromkeys(INSTRUMENTS.column_names), "venue": "binance", "symbol": "BTC-USDT", "venue_symbol": "BTCUSDT",
        "base": "BTC", "quote": "USDT", "tick_size": tick and Decimal(tick), "status": status,
        "event_time": START + minute * MINUTE, "offset": offset,
    }  # fmt: skip


def candles(*closes):
    rows = [
        {
            "venue": "binance", "symbol": symbol, "window_start": START + n * MINUTE,
            "trade_count": 0 if close is None else 1, **dict.fromkeys(("open", "high", "low"), Decimal("1.5")),
            "close": close and Decimal(close),
        }
        for n, (symbol, close) in enumerate(closes)
    ]  # fmt: skip
    return pl.DataFrame(rows, empty(OHLC_1M).select(*rows[0]).schema)


def registry(*versions):
    return pl.DataFrame(list(versions), empty(INSTRUMENTS).schema)


def test_prices_on_the_grid_of_their_time_are_as_listed():
    rows = candles(("BTC-USDT", "1.51"), ("BTC-USDT", "1.5"), ("BTC-USDT", None), ("XYZ-USDT", "1.2345"))
    assert not_as_listed(rows, registry(version(0), version(1, tick="0.5", offset=1))) == []
    assert not_as_listed(rows, empty(INSTRUMENTS)) == []
    assert not_as_listed(rows, registry(version(0, tick=None))) == []


def test_a_price_off_the_grid_is_told_once_a_market():
    rows = candles(("BTC-USDT", "1.51"), ("BTC-USDT", "1.512"), ("BTC-USDT", "1.513"))
    assert not_as_listed(rows, registry(version(0))) == [
        "binance:BTC-USDT: 08:01 1.512 is no multiple of 0.01, 2 minutes"
    ]


def test_what_is_traded_in_a_delisted_market_is_told():
    rows = candles(("BTC-USDT", "1.51"), ("BTC-USDT", "1.51"))
    found = not_as_listed(rows, registry(version(0), version(1, status="delisted", offset=1)))
    assert found == ["binance:BTC-USDT: 08:01 traded though delisted, 1 minutes"]
