"""Candles as they were to be read at an earlier instant."""

from datetime import datetime

import polars as pl

from cryptoviz.lake.candle_tables import OHLC, Interval

_KEY = ("venue", "symbol", "window_start")


def as_of(
    instant: datetime,
    interval: Interval,
    *,
    candles: pl.DataFrame,
    revisions: pl.DataFrame,
    publications: pl.DataFrame,
) -> pl.DataFrame:
    """The final candles that readers found at ``instant``: each with the revision that was the newest then.

    ``candles`` are rows of the interval's table, ``revisions`` and ``publications`` those of `candle_revisions` and
    `candle_publications` over the same windows. Provisional candles are never among the result: nobody keeps them. The
    versions in a row are those of the hour when that row was last written.
    """
    columns = OHLC[interval].column_names
    later = revisions.filter(pl.col("interval") == interval.value, pl.col("superseded_time") > instant)
    then = later.sort("superseded_time").unique(_KEY, keep="first")
    current = candles.filter(pl.col("revision") > 0).join(then, on=_KEY, how="anti")
    rows = pl.concat([current.select(columns), then.filter(pl.col("revision") > 0).select(columns)])
    published = _published(instant, interval, publications)
    return rows.join(published, left_on=_part(interval), right_on="part", how="semi").sort(_KEY)


def _published(instant: datetime, interval: Interval, publications: pl.DataFrame) -> pl.DataFrame:
    """Hours or days whose candles had been published by then; of a first publication tried twice, the second counts."""
    first = publications.filter(pl.col("interval") == interval.value, pl.col("cause") == "first")
    by_start = first.group_by(part="start").agg(pl.col("published_time").max())
    return by_start.filter(pl.col("published_time") <= instant)


def _part(interval: Interval) -> pl.Expr:
    return pl.col("window_start").dt.truncate("1d" if interval.is_daily else "1h")
