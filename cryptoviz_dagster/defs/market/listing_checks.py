"""A check of candles against how their market was listed at their time. It warns: the registry may have learnt late."""

from decimal import Decimal

import dagster as dg
import polars as pl

from cryptoviz.arithmetic.listings import DELISTED, as_listed
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz_dagster.defs.judging import judge
from cryptoviz_dagster.resources import Lake

_PRICES = ("open", "high", "low", "close")


def listing_checks(partitions: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The check, by partition."""

    @dg.asset_check(asset=OHLC_1M.name, partitions_def=partitions)
    def prices_are_as_listed(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """Prices are on the venue's grid of their time, and nothing was traded in a market that was delisted."""
        versions = lake.instruments()
        return judge(
            context, lambda hour: not_as_listed(lake.rows(OHLC_1M, hour), versions), severity=dg.AssetCheckSeverity.WARN
        )

    return [prices_are_as_listed]


def not_as_listed(candles: pl.DataFrame, versions: pl.DataFrame) -> list[str]:
    """What contradicts the registry, a line a market. Markets that no venue has listed are not judged."""
    traded = candles.filter(pl.col("trade_count") > 0).select("venue", "symbol", "window_start", *_PRICES)
    found: dict[str, list[str]] = {}
    for row in as_listed(traded, versions, on="window_start").iter_rows(named=True):
        if problem := _problem(row):
            found.setdefault(f"{row['venue']}:{row['symbol']}", []).append(f"{row['window_start']:%H:%M} {problem}")
    return [f"{market}: {lines[0]}, {len(lines)} minutes" for market, lines in sorted(found.items())]


def _problem(row: dict[str, object]) -> str:
    if row["status"] == DELISTED:
        return "traded though delisted"
    tick = row["tick_size"]
    if not isinstance(tick, Decimal) or not tick:
        return ""
    off = [price for name in _PRICES if isinstance(price := row[name], Decimal) and price % tick]
    return f"{off[0].normalize():f} is no multiple of {tick.normalize():f}" if off else ""
