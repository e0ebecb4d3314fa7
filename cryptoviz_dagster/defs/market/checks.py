"""Checks of the candles, by partition and blocking: a wrong number does not spread."""

from decimal import Decimal

import dagster as dg
import polars as pl

from cryptoviz.arithmetic.fold import fold_candles
from cryptoviz.lake.candle_tables import OHLC, OHLC_1M, Interval
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import signed
from cryptoviz_dagster.defs.judging import judge
from cryptoviz_dagster.defs.market.assets import HOURLY_ROLL_UPS
from cryptoviz_dagster.resources import Lake

_MARKET = ("venue", "symbol")
_SUMS = ("volume", "quote_volume", "trade_count")
_ZERO = Decimal(0)


def candle_checks(partitions: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks of the candle assets. A run over a range checks each of its hours."""

    @dg.asset_check(asset=OHLC_1M.name, blocking=True, partitions_def=partitions)
    def high_is_highest_low_is_lowest(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """Low ≤ open, close ≤ high, all positive, and prices exactly where there are trades."""
        return judge(context, lambda hour: list(map(str, impossible(lake.rows(OHLC_1M, hour)).iter_rows(named=True))))

    @dg.asset_check(asset=OHLC_1M.name, blocking=True, partitions_def=partitions)
    def candles_hold_every_trade(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """Row hashes, volume, quote volume and count of the candles equal those of the trades they stand on."""
        return judge(context, lambda hour: _off_trades(lake, hour))

    folds = [_fold_check(interval, partitions) for interval in HOURLY_ROLL_UPS]
    return [high_is_highest_low_is_lowest, candles_hold_every_trade, *folds]


def _fold_check(interval: Interval, partitions: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    table = OHLC[interval]

    @dg.asset_check(asset=table.name, blocking=True, partitions_def=partitions)
    def is_fold_of_minutes(context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
        """Every candle equals the fold of its minutes in every column, to the last digit."""
        return judge(
            context, lambda hour: [] if _is_fold(lake, hour, interval) else [f"{hour.key}: not the fold of its minutes"]
        )

    return is_fold_of_minutes


def impossible(candles: pl.DataFrame) -> pl.DataFrame:
    """Candles that cannot be."""
    prices = [pl.col(name) for name in ("open", "high", "low", "close")]
    inside = [(p <= pl.col("high")) & (p >= pl.col("low")) & (p > _ZERO) for p in prices]
    possible = (
        pl.when(pl.col("trade_count") > 0)
        .then(pl.all_horizontal(inside) & (pl.col("volume") >= _ZERO))
        .otherwise(pl.all_horizontal(p.is_null() for p in prices) & (pl.col("volume") == _ZERO))
    )
    return candles.filter(~possible.fill_null(value=False))


def _off_trades(lake: Lake, hour: Hour) -> list[str]:
    """Differences from the trades. The version the candles name has their sum of hashes, whatever came in since."""
    candles, trades = lake.rows(OHLC_1M, hour), lake.trades(hour)
    if not candles.height:
        return [f"{hour.key}: trades, but no candles"] if trades.frame.height else []
    version = candles["source_version"][0]
    found = signed(int(candles["hash_sum"].cast(pl.Int128).sum()))
    if found != signed(int(version.partition("-")[2], 16)):
        return [f"{hour.key}: row hashes add up to {found}, not to those of {version}"]
    if version != trades.version.digest:
        return []
    rows = trades.frame.with_columns(trade_count=pl.col("last_trade_id") - pl.col("trade_id") + 1)
    true = _sums(rows.rename({"quantity": "volume", "quote_quantity": "quote_volume"}))
    said = _sums(candles.filter(pl.col("trade_count") > 0))
    return [] if said.equals(true) else [f"{hour.key}: candles {said.rows()}, trades {true.rows()}"]


def _sums(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by(_MARKET).agg(pl.col(_SUMS).sum()).sort(_MARKET)


def _is_fold(lake: Lake, hour: Hour, interval: Interval) -> bool:
    minutes, coarse = lake.rows(OHLC_1M, hour), lake.rows(OHLC[interval], hour)
    folded = fold_candles(minutes, interval=interval.length)
    content = [name for name in OHLC_1M.column_names if name != "revision"]
    return folded.select(content).sort(OHLC_1M.key).equals(coarse.select(content).sort(OHLC_1M.key))
