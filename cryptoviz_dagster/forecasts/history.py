"""Hourly candles as forecasts read them: ours where they are final, the venues' own before our first hour.

Which of the two an hour comes from is decided by the hour alone, so a forecast made again reads the same source.
"""

from datetime import datetime

import polars as pl

from cryptoviz.forecasting.panel import Panel, build_panel
from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import KLINES
from cryptoviz.storage.frames import TableNotWritten, scan_between
from cryptoviz_dagster.resources import Lake

_COLUMNS = ("window_start", "open", "high", "low", "close", "volume")
_MARKET = pl.concat_str("venue", "symbol", separator=":").alias("market")


def read_panel(lake: Lake, *, begins: Hour, first: Hour, last: Hour) -> Panel:
    """Candles of the hours from ``first`` to ``last``, both included. ``begins`` is the lake's first hour."""
    parts = []
    if first < begins:
        parts.append(_klines(lake, first, min(last, begins.next(-1))))
    if last >= begins:
        parts.append(_final_candles(lake, max(first, begins), last))
    candles = pl.concat(parts).drop_nulls("close")
    return build_panel(candles, first=first.number, last=last.number + 1)


def _klines(lake: Lake, first: Hour, last: Hour) -> pl.DataFrame:
    rows = _read(lake, KLINES, first, last, pl.col("interval") == "1h")
    return rows.sort("market", "window_start")


def _final_candles(lake: Lake, first: Hour, last: Hour) -> pl.DataFrame:
    return _read(lake, OHLC_1H, first, last, pl.col("status") != "open")


def _read(lake: Lake, table: Table, first: Hour, last: Hour, rows: pl.Expr) -> pl.DataFrame:
    try:
        frame = scan_between(table, lake.location, first, last)
    except TableNotWritten:
        return pl.DataFrame(schema={"market": pl.String, "window_start": pl.Datetime("us", "UTC"), **_NUMBERS})
    return (
        frame.filter(rows).select(_MARKET, *_COLUMNS[:1], *(pl.col(c).cast(pl.Float64) for c in _COLUMNS[1:])).collect()
    )


_NUMBERS = dict.fromkeys(_COLUMNS[1:], pl.Float64)


def first_candle(lake: Lake, *, begins: Hour) -> datetime | None:
    """Start of the oldest kline before the lake's first hour; None without any."""
    try:
        frame = scan_between(KLINES, lake.location, Hour.from_number(0), begins.next(-1))
    except TableNotWritten:
        return None
    found = frame.select(pl.col("window_start").min()).collect().item()
    return found if isinstance(found, datetime) else None
