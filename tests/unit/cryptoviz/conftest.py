"""A lake in a directory and candles to put into it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.locations import Location
from cryptoviz.storage.frames import empty

VERSION = HourVersion(1, 1).digest
FIRST_HOUR = Hour(datetime(2026, 1, 2, 3, tzinfo=UTC))


def candle(start, close, *, venue="binance", symbol="BTC-USDT", version=VERSION):
    amounts = ("volume", "quote_volume", "taker_buy_volume", "taker_sell_volume", "taker_buy_quote_volume")
    return {
        **{column.name: None for column in OHLC_1M.columns},
        **dict.fromkeys(amounts, Decimal("0.5")),
        "venue": venue,
        "symbol": symbol,
        "window_start": start,
        "window_end": start + timedelta(minutes=1),
        "close": Decimal(close),
        "trade_count": 1,
        "missing_ids": 0,
        "status": "traded",
        "hash_sum": 0,
        "quoted_ms": 0,
        "spread_integral": Decimal(0),
        "mid_integral": Decimal(0),
        "depth_integral": Decimal(0),
        "minutes": 1,
        "source_version": version,
        "quotes_version": HourVersion().digest,
        "revision": 1,
    }


@pytest.fixture
def lake(tmp_path):
    return Location(uri=str(tmp_path / "home" / "lake"))


@pytest.fixture
def hour():
    return FIRST_HOUR


@pytest.fixture
def make_candles():
    """Makes the minutes of one hour, one for each close given; what else is given holds for all of them."""

    def make(hour, *closes, **values):
        rows = [candle(hour.start + timedelta(minutes=i), close, **values) for i, close in enumerate(closes)]
        return pl.DataFrame(rows, schema=empty(OHLC_1M).schema)

    return make
