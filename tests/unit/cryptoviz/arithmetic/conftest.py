"""Trades from a few numbers each."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from cryptoviz.lake.tables import TRADES
from cryptoviz.storage.frames import empty

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
UNIT = Decimal(1).scaleb(-18)


def trades_of(*facts, symbol="BTC-USDT"):
    """Trades of (milliseconds into the hour, price, quantity, first id, last id)."""
    rows = []
    for ms, price, quantity, first, last in facts:
        time = START + timedelta(milliseconds=ms)
        exact = {"price": Decimal(price), "quantity": Decimal(quantity)}
        rows.append(
            {
                "venue": "binance", "symbol": symbol, "trade_id": first, "last_trade_id": last, "event_time": time,
                **exact, "quote_quantity": (exact["price"] * exact["quantity"]).quantize(UNIT),
                "side": "buy" if first % 3 else "sell", "source": "ws", "received_time": None, "lateness_ms": 0,
                "topic": "trades", "partition": 0, "offset": first, "kafka_time": time, "row_hash": first * 2**40,
            }
        )  # fmt: skip
    return pl.DataFrame(rows, schema=empty(TRADES).schema)


@pytest.fixture
def make_trades():
    return trades_of


@pytest.fixture
def hour_start():
    return START
