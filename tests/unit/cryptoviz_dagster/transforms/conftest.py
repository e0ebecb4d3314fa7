"""Candles and klines by the row; what is not given is null, zero or the venue's plain case."""

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest

from cryptoviz.lake.schema import Type
from cryptoviz.storage.frames import empty

_DEFAULTS = {Type.STRING: "-", Type.DECIMAL: Decimal(0), Type.INT64: 0, Type.INT32: 0}


def rows_of(table, *rows):
    """A frame of the table's shape; columns that may be null are so unless given."""
    plain = {c.name: None if c.nullable else _DEFAULTS.get(c.type) for c in table.columns}
    return pl.DataFrame([{**plain, **row} for row in rows], schema=empty(table).schema)


def a_candle(start, close=None, *, volume="1", length=timedelta(hours=1), **values):
    """A traded candle of one price, or a quiet one without."""
    price = None if close is None else Decimal(str(close))
    volume = Decimal(0) if price is None else Decimal(volume)
    return {
        "venue": "binance", "symbol": "BTC-USDT", "window_start": start, "window_end": start + length,
        "open": price, "high": price, "low": price, "close": price, "volume": volume,
        "quote_volume": volume * (price or 0), "trade_count": int(price is not None),
        "status": "quiet" if price is None else "traded", "interval": "1h", **values,
    }  # fmt: skip


@pytest.fixture
def frame_of():
    def make(table, *rows):
        names = set(table.column_names)
        return rows_of(table, *({k: v for k, v in row.items() if k in names} for row in rows))

    return make


@pytest.fixture
def make_candle():
    return a_candle
