"""The filled view of candles: windows without a trade show the price before them, and say so."""

from datetime import datetime

import polars as pl

from cryptoviz.arithmetic.fold import MARKET, Step

_PRICES = ("open", "high", "low", "close")


def fill_candles(candles: pl.DataFrame, *, step: Step, start: datetime, end: datetime) -> pl.DataFrame:
    """Every window of `[start, end)` for each market of ``candles``, with the column ``is_filled``.

    A window without a price has the close before it as open, high, low and close, and is filled; its volume, count and
    status are what they were. A window that is not among the candles is added as blind, amounts null. ``candles`` may
    begin before ``start``, which is a window's start as ``end`` is: the price before it is then known. Windows before
    the first price stay without one.
    """
    starts = pl.datetime_range(start, end, step, closed="left", time_unit="us", time_zone="UTC", eager=True)
    grid = candles.select(MARKET).unique().join(pl.DataFrame({"window_start": starts}), how="cross")
    before = candles.filter(pl.col("window_start") < start).select(*MARKET, "window_start")
    every = pl.concat([before, grid]).sort(*MARKET, "window_start")
    rows = every.join(candles, on=[*MARKET, "window_start"], how="left", maintain_order="left")
    known = pl.col("close").forward_fill().over(MARKET)
    is_filled = pl.col("close").is_null() & known.is_not_null()
    return (
        rows.with_columns(
            *(pl.when(is_filled).then(known).otherwise(pl.col(name)).alias(name) for name in _PRICES),
            pl.col("status").fill_null("blind"),
            window_end=pl.col("window_start").dt.offset_by(step)
            if isinstance(step, str)
            else pl.col("window_start") + step,
            is_filled=is_filled,
        )
        .filter(pl.col("window_start") >= start)
        .select(*candles.columns, "is_filled")
    )
