"""Quotes of polled vendors rolled up by the hour: what their samples say, and how good they were."""

from datetime import datetime

import polars as pl

from cryptoviz.arithmetic.exact import quotient
from cryptoviz.arithmetic.fold import DECIMAL, HOUR, MARKET, refuse_overflow
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.metric_tables import HOURLY_QUOTES

_LATEST = ("market_cap", "volume_24h", "change_1h", "change_24h", "change_7d", "bid_price", "ask_price", "high_24h",
           "low_24h")  # fmt: skip


def build_hourly_quotes(quotes: pl.DataFrame, *, hour: datetime, version: HourVersion) -> pl.DataFrame:
    """Rows of ``hourly_quotes`` of one hour, from all rows of ``quotes`` of it and their ``version``.

    Samples are taken in the order they were received. Raises :class:`SumTooLarge`.
    """
    refuse_overflow(quotes, ("price",))
    rows = quotes.sort("received_time", "partition", "offset").group_by(MARKET, maintain_order=True)
    folded = rows.agg(
        pl.len().cast(pl.Int64).alias("samples"),
        pl.col("is_stale").sum().cast(pl.Int64).alias("stale_samples"),
        pl.col("price").first().alias("first_price"),
        pl.col("price").max().alias("highest_price"),
        pl.col("price").min().alias("lowest_price"),
        pl.col("price").last().alias("last_price"),
        pl.col("price").sum().alias("total"),
        *(pl.col(name).drop_nulls().last() for name in _LATEST),
        pl.col("age_ms").max().alias("oldest_ms"),
    )
    means = [quotient(total, samples) for total, samples in folded.select("total", "samples").iter_rows()]
    return (
        folded.with_columns(
            pl.Series("mean_price", means, DECIMAL),
            window_start=pl.lit(hour),
            window_end=pl.lit(hour + HOUR),
            source_version=pl.lit(version.digest),
        )
        .select(HOURLY_QUOTES.column_names)
        .sort(HOURLY_QUOTES.key)
    )
