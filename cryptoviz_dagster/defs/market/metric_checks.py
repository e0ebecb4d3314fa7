"""Checks of the metrics, by partition: wrong rows stop what follows, a source that fails is told."""

import dagster as dg
import polars as pl

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.metric_tables import HOURLY_METRICS, MARKET_OVERVIEW
from cryptoviz.lake.tables import QUOTES
from cryptoviz_dagster.defs.judging import judge
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.hourly_metrics import HOURS_NEEDED

MAY_BE_NULL = frozenset({"market_cap", "reason", "volume_z_score", "is_volume_spike", "rsi_14"})
"""Columns of ``hourly_metrics`` that may be null in every row: without a source, or undefined where nothing moves."""
DIVERGENCE_BPS = 100.0
"""A fresh source so far from the consensus is told."""
PROMISED = {
    "coingecko": ("market_cap", "volume_24h", "change_1h", "change_24h", "change_7d", "high_24h", "low_24h"),
    "coinmarketcap": ("market_cap", "volume_24h", "change_1h", "change_24h", "change_7d"),
    "cryptocompare": ("market_cap", "volume_24h", "change_1h", "change_24h", "high_24h", "low_24h"),
    "binance": ("volume_24h", "change_24h", "bid_price", "ask_price", "high_24h", "low_24h"),
    "finnhub": ("change_24h", "high_24h", "low_24h"),
}
"""Columns of ``quotes`` that a vendor gives, by its own documentation, beside the price."""
_NOT_EVERYWHERE = frozenset({"market_cap", "market_cap_rank", "consensus_usd"})
_BY_TRADES = ("last_price", "mean_price", "vwap")
_BY_QUOTES = ("spread_mean", "spread_max", "spread_percent", "mid_mean", "liquidity")


def metric_checks(partitions: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks of the metric assets. A run over a range checks each of its hours."""

    @dg.asset_check(asset=HOURLY_METRICS.name, blocking=True, partitions_def=partitions)
    def every_market_has_one_row(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """One row for each hourly candle, of the same versions."""
        return judge(context, lambda hour: off_candles(lake.rows(HOURLY_METRICS, hour), lake.rows(OHLC_1H, hour)))

    @dg.asset_check(asset=HOURLY_METRICS.name, blocking=True, partitions_def=partitions)
    def ranges_contain_prices(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """Low of the day ≤ prices ≤ high of the day, bands in order, rsi and ranks within their bounds."""
        return judge(context, lambda hour: _texts(out_of_range(lake.rows(HOURLY_METRICS, hour))))

    @dg.asset_check(asset=HOURLY_METRICS.name, partitions_def=partitions)
    def columns_have_values(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """No column is null in every row that has the history, trades or quotes it needs."""
        return judge(
            context, lambda hour: empty_columns(lake.rows(HOURLY_METRICS, hour)), severity=dg.AssetCheckSeverity.WARN
        )

    return [every_market_has_one_row, ranges_contain_prices, columns_have_values, *_overview_checks(partitions)]


def _overview_checks(partitions: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    warn = dg.AssetCheckSeverity.WARN

    @dg.asset_check(asset=MARKET_OVERVIEW.name, partitions_def=partitions)
    def sources_give_every_column(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """No source leaves a column null in the whole hour that it is known to give."""

        def missing(hour: Hour) -> list[str]:
            overview, quotes = lake.rows(MARKET_OVERVIEW, hour), lake.rows(QUOTES, hour)
            return columns_without_value(overview) + promises_not_kept(quotes)

        return judge(context, missing, severity=warn, excuse_of=lambda hour: too_early(lake, hour))

    @dg.asset_check(asset=MARKET_OVERVIEW.name, partitions_def=partitions)
    def sources_are_fresh(context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
        """No source is stale in every minute of the hour."""
        return judge(
            context,
            lambda hour: stale_sources(lake.rows(MARKET_OVERVIEW, hour)),
            severity=warn,
            excuse_of=lambda hour: too_early(lake, hour),
        )

    @dg.asset_check(asset=MARKET_OVERVIEW.name, partitions_def=partitions)
    def sources_agree(context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
        """Every fresh price is within 100 basis points of the consensus."""
        return judge(context, lambda hour: divergent_sources(lake.rows(MARKET_OVERVIEW, hour)), severity=warn)

    return [sources_give_every_column, sources_are_fresh, sources_agree]


def too_early(lake: Lake, hour: Hour) -> str:
    """Why sources cannot be judged by an hour; empty once one has been watched from its start.

    Vendors tell of the present alone: of the hours before the first quote nothing is known, of its own hour a part.
    """
    watched = min(lake.hours(QUOTES), default=None)
    if watched is None or hour > watched:
        return ""
    return f"too early: the first whole hour of quotes is {watched.next().key}"


def off_candles(metrics: pl.DataFrame, candles: pl.DataFrame) -> list[str]:
    """Markets whose rows are not exactly those of the hourly candles."""
    identity = [*HOURLY_METRICS.key, "source_version", "quotes_version"]
    ours, theirs = (frame.select(identity).sort(HOURLY_METRICS.key) for frame in (metrics, candles))
    if ours.equals(theirs):
        return []
    apart = pl.concat([ours.join(theirs, on=identity, how="anti"), theirs.join(ours, on=identity, how="anti")])
    return _texts(apart) or [f"{ours.height} rows for {theirs.height} candles"]


def out_of_range(metrics: pl.DataFrame) -> pl.DataFrame:
    """Rows that cannot be; unknown values are not held against them."""
    c = pl.col
    facts = [
        c("low_24h") <= c("last_price"),
        c("last_price") <= c("high_24h"),
        c("low_24h") <= c("mean_price"),
        c("mean_price") <= c("high_24h"),
        c("volume") <= c("volume_24h"),
        c("bollinger_lower") <= c("bollinger_middle"),
        c("bollinger_middle") <= c("bollinger_upper"),
        c("rsi_14").is_between(0, 100),
        c("volatility_rank").is_between(0, 1),
        c("spread_mean") <= c("spread_max"),
        c("quoted_ms").is_between(0, 3_600_000),
    ]
    is_possible = pl.all_horizontal(fact.fill_null(value=True) for fact in facts)
    return metrics.filter(~is_possible).select(*HOURLY_METRICS.key, "last_price", "mean_price", "low_24h", "high_24h")


def empty_columns(metrics: pl.DataFrame) -> list[str]:
    """Columns null in all rows that have what they need."""
    needs = {
        **{name: pl.col("hours") >= hours for name, hours in HOURS_NEEDED.items()},
        **dict.fromkeys(_BY_TRADES, pl.col("trade_count") > 0),
        **dict.fromkeys(_BY_QUOTES, pl.col("quoted_ms") > 0),
        "realised_volatility": (pl.col("trade_count") > 0) & (pl.col("status") != "blind"),
    }
    names = [name for name in HOURLY_METRICS.column_names if name not in MAY_BE_NULL]
    able = {name: metrics.filter(needs[name]) if name in needs else metrics for name in names}
    return [name for name, rows in able.items() if rows.height and rows[name].null_count() == rows.height]


def columns_without_value(overview: pl.DataFrame) -> list[str]:
    """``source: column`` where a source has no value in any row; what depends on other sources is not missed."""
    names = [name for name in MARKET_OVERVIEW.column_names if name not in _NOT_EVERYWHERE]
    nulls = overview.group_by("source").agg(pl.col(name).is_null().all() for name in names if name != "source")
    return [
        f"{row['source']}: {name}"
        for row in nulls.sort("source").iter_rows(named=True)
        for name in row
        if row[name] is True
    ]


def promises_not_kept(quotes: pl.DataFrame) -> list[str]:
    """``vendor: column`` where a vendor that quoted left a promised column null in every quote."""
    seen = quotes.group_by("venue").agg(pl.all().exclude("venue").is_not_null().any())
    return [
        f"{row['venue']}: {name}"
        for row in seen.sort("venue").iter_rows(named=True)
        for name in PROMISED.get(row["venue"], ())
        if not row[name]
    ]


def stale_sources(overview: pl.DataFrame) -> list[str]:
    """Sources of a market that were stale throughout."""
    by_source = overview.group_by("source", "asset", "quote").agg(pl.col("is_stale").all(), pl.col("age_s").min())
    return _texts(by_source.filter("is_stale").drop("is_stale").sort("source", "asset", "quote"))


def divergent_sources(overview: pl.DataFrame) -> list[str]:
    """Fresh prices far from the consensus, the farthest of each source and market."""
    far = overview.filter(~pl.col("is_stale"), pl.col("residual_bps").abs() > DIVERGENCE_BPS)
    farthest = far.sort(pl.col("residual_bps").abs(), descending=True).unique(
        ["source", "asset", "quote"], keep="first"
    )
    return _texts(farthest.select(*MARKET_OVERVIEW.key, "residual_bps").sort(MARKET_OVERVIEW.key))


def _texts(rows: pl.DataFrame) -> list[str]:
    return list(map(str, rows.iter_rows(named=True)))
