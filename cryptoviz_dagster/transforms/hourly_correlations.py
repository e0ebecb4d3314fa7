"""Correlations of hourly returns: for each venue and window every pair of its symbols once."""

from datetime import datetime

import polars as pl

from cryptoviz.arithmetic.fold import HOUR
from cryptoviz.lake.metric_tables import HOURLY_CORRELATIONS
from cryptoviz_dagster.transforms.indicators import log_return

WINDOWS = (24, 168)
"""Hourly log returns the correlation is of."""
_PAIR = ("venue", "symbol", "other_symbol")


def build_hourly_correlations(markets: pl.DataFrame, history: pl.DataFrame, *, hour: datetime) -> pl.DataFrame:
    """Rows of ``hourly_correlations`` of one hour, for all pairs of ``markets`` (columns venue and symbol) of a venue.

    ``history`` is what ``build_history`` makes for the hour. Pearson's r is null unless both markets have every return
    of the window, and where a price has not moved in it.
    """
    returns = history.select(
        "venue", "symbol", "window_start", log_return(pl.col("price")).over("venue", "symbol").alias("r")
    )
    pairs = _pairs(markets)
    parts = [_correlate(pairs, returns, window, hour) for window in WINDOWS]
    rows = pl.concat(parts).with_columns(window_start=pl.lit(hour), window_end=pl.lit(hour + HOUR))
    return rows.select(HOURLY_CORRELATIONS.column_names).sort(HOURLY_CORRELATIONS.key)


def _pairs(markets: pl.DataFrame) -> pl.DataFrame:
    symbols = markets.select("venue", "symbol").unique()
    others = symbols.rename({"symbol": "other_symbol"})
    return symbols.join(others, on="venue").filter(pl.col("symbol") < pl.col("other_symbol"))


def _correlate(pairs: pl.DataFrame, returns: pl.DataFrame, window: int, hour: datetime) -> pl.DataFrame:
    recent = returns.drop_nulls("r").filter(pl.col("window_start") > hour - window * HOUR)
    others = recent.rename({"symbol": "other_symbol", "r": "other_r"})
    both = (
        recent.join(others, on=["venue", "window_start"]).filter(pl.col("symbol") < pl.col("other_symbol"))
        .sort(*_PAIR, "window_start").group_by(_PAIR, maintain_order=True)
        .agg(pl.corr("r", "other_r").fill_nan(None).alias("r"), pl.len().cast(pl.Int32).alias("hours"))
    )  # fmt: skip
    rows = pairs.join(both, on=_PAIR, how="left").with_columns(pl.col("hours").fill_null(0))
    known = pl.when(pl.col("hours") == window).then(pl.col("r").clip(-1, 1))
    return rows.with_columns(correlation=known, window_hours=pl.lit(window, pl.Int32))
