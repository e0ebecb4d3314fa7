"""Candles of one hour, and their load as the loader makes it."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import Type
from cryptoviz.storage.frames import empty
from cryptoviz.storage.partition_files import PartitionState
from cryptoviz.warehouse.load import load_partition
from cryptoviz.warehouse.publications import BY_NAME
from cryptoviz.warehouse.server import Role

_hours = itertools.count()
_FILLED = {Type.STRING: "v", Type.INT32: 1, Type.INT64: 1, Type.DECIMAL: Decimal(1)}


@pytest.fixture
def hour() -> Hour:
    """An hour that no other test of the session uses."""
    return Hour(datetime(2026, 1, 1, tzinfo=UTC)).next(next(_hours))


@pytest.fixture
def minutes():
    """Makes the sixty minutes of an hour; what is given holds for all of them."""

    def make(hour: Hour, **values) -> pl.DataFrame:
        filled = {c.name: None if c.nullable else _FILLED.get(c.type) for c in OHLC_1M.columns}
        prices = dict.fromkeys(("open", "high", "low", "close"), Decimal("100.25"))
        market = {"venue": "binance", "symbol": "BTC-USDT", "trade_count": 3, "status": "traded"}
        rows = [
            {
                **filled,
                **prices,
                **market,
                "window_start": hour.start + timedelta(minutes=n),
                "window_end": hour.start + timedelta(minutes=n + 1),
                **values,
            }
            for n in range(60)
        ]
        return pl.DataFrame(rows, schema=empty(OHLC_1M).schema)

    return make


@pytest.fixture
def load(postgres):
    """Loads rows as a partition of `ohlc_1m`."""

    def put(hour: Hour, rows: pl.DataFrame, *, version: int, digest: str = "", table_id: str = "t"):
        state = PartitionState(table_id=table_id, lake_version=version, digest=digest or f"d{version}")
        with postgres.connect(Role.LOADER) as connection:
            return load_partition(connection, BY_NAME["ohlc_1m"], hour, state, rows)

    return put


@pytest.fixture
def ask(postgres):
    """Rows of a query asked as the reader."""

    def rows(query: str, *values):
        with postgres.connect() as connection:
            return connection.execute(query, values).fetchall()

    return rows
