"""Checks of the candles, by partition and blocking: a wrong number does not spread."""

from decimal import Decimal

import dagster as dg
import polars as pl

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.tables import OHLC_1H, OHLC_1M
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.candles import HOUR, fold_candles

_SUMMED = ("volume", "quote_volume", "trade_count")


def candle_checks(partitions: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks of the candle assets."""

    @dg.asset_check(asset=OHLC_1M.name, blocking=True, partitions_def=partitions)
    def high_is_highest_low_is_lowest(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """Low ≤ open, close ≤ high, all positive, and prices exactly where there are trades."""
        broken = sum(impossible(lake.candles(OHLC_1M, hour)).height for hour in _hours(context))
        return dg.AssetCheckResult(passed=broken == 0, metadata={"impossible_candles": broken})

    @dg.asset_check(asset=OHLC_1M.name, blocking=True, partitions_def=partitions)
    def candles_hold_every_trade(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """Volume, quote volume and count of the candles equal those of the trades they were folded from."""
        off = [problem for hour in _hours(context) for problem in _compare_with_trades(lake, hour)]
        return dg.AssetCheckResult(passed=not off, metadata={"differences": off[:20]})

    @dg.asset_check(asset=OHLC_1H.name, blocking=True, partitions_def=partitions)
    def hour_is_fold_of_minutes(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """The hourly candle equals the fold of its minutes in every column, to the last digit."""
        off = [hour.key for hour in _hours(context) if not _is_fold(lake, hour)]
        return dg.AssetCheckResult(passed=not off, metadata={"hours_that_differ": off[:20]})

    return [high_is_highest_low_is_lowest, candles_hold_every_trade, hour_is_fold_of_minutes]


def impossible(candles: pl.DataFrame) -> pl.DataFrame:
    """Candles that cannot be."""
    prices = [pl.col(name) for name in ("open", "high", "low", "close")]
    zero = Decimal(0)
    inside = [(p <= pl.col("high")) & (p >= pl.col("low")) & (p > zero) for p in prices]
    possible = (
        pl.when(pl.col("trade_count") > 0)
        .then(pl.all_horizontal(inside))
        .otherwise(pl.all_horizontal(p.is_null() for p in prices) & (pl.col("volume") == zero))
    )
    return candles.filter(~possible.fill_null(value=False))


def _hours(context: dg.AssetCheckExecutionContext) -> list[Hour]:
    return [Hour.from_key(key) for key in context.partition_keys]


def _compare_with_trades(lake: Lake, hour: Hour) -> list[str]:
    candles, trades = lake.candles(OHLC_1M, hour), lake.trades(hour)
    if candles.height and candles["source_version"][0] != trades.version:
        return []  # trades came in since; the sensor asks for this hour again
    rows = trades.frame.with_columns(trade_count=pl.col("last_trade_id") - pl.col("trade_id") + 1)
    said = candles.group_by("venue", "symbol").agg(pl.col(_SUMMED).sum()).sort("venue", "symbol")
    true = (
        rows.rename({"quantity": "volume", "quote_quantity": "quote_volume"})
        .group_by("venue", "symbol").agg(pl.col(_SUMMED).sum()).sort("venue", "symbol")
    )  # fmt: skip
    return [] if said.equals(true) else [f"{hour.key}: candles {said.rows()}, trades {true.rows()}"]


def _is_fold(lake: Lake, hour: Hour) -> bool:
    minutes, hourly = lake.candles(OHLC_1M, hour), lake.candles(OHLC_1H, hour)
    if not minutes.height:
        return not hourly.height
    folded = fold_candles(minutes, interval=HOUR, version=minutes["source_version"][0])
    return folded.select(OHLC_1H.column_names).sort(OHLC_1H.key).equals(hourly.sort(OHLC_1H.key))
