"""Metrics as assets: what is known of an hour's markets, from its candles and the thirty days before.

What the rows of an hour say follows from the lake's content alone, whatever the time and the order of runs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
import polars as pl

from cryptoviz.lake.candle_tables import OHLC_1H, OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.metric_tables import HOURLY_CORRELATIONS, HOURLY_METRICS, HOURLY_QUOTES, MARKET_OVERVIEW
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import KLINES, QUOTES
from cryptoviz.storage.frames import replace_partition, version_of
from cryptoviz_dagster.defs.market.assets import ids_known_at
from cryptoviz_dagster.defs.market.metric_metadata import describe
from cryptoviz_dagster.defs.table_asset import table_asset
from cryptoviz_dagster.folded_hours import Standing
from cryptoviz_dagster.followers import stamp
from cryptoviz_dagster.partitions import hours_of
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.history import LOOK_BACK, account_for_hours, build_history
from cryptoviz_dagster.transforms.hourly_correlations import WINDOWS, build_hourly_correlations
from cryptoviz_dagster.transforms.hourly_metrics import build_hourly_metrics
from cryptoviz_dagster.transforms.hourly_quotes import build_hourly_quotes
from cryptoviz_dagster.transforms.market_overview import (
    build_market_overview,
    latest_market_caps,
    observe_candles,
    observe_quotes,
)

Built = tuple[pl.DataFrame, Mapping[str, str]]
"""Rows of an hour and the metadata of the commit that writes them."""
_HISTORY_COLUMNS = ("venue", "symbol", "window_start", "high", "low", "close", "volume", "quote_volume")


@dataclass(frozen=True, slots=True)
class LookBack:
    """What is accounted for of the hours of a run and of the look-back before the first one, read once."""

    accounted: pl.DataFrame

    @classmethod
    def read(cls, lake: Lake, hours: Sequence[Hour], *, length: int = LOOK_BACK) -> "LookBack":
        """What the lake has now of ``length`` hours up to each of ``hours``."""
        first, last = min(hours).next(1 - length), max(hours)
        candles = lake.rows_between(OHLC_1H, first, last).select(*_HISTORY_COLUMNS, "status")
        klines = lake.rows_between(KLINES, first, last).select(*_HISTORY_COLUMNS, "interval")
        return cls(account_for_hours(candles.collect(), klines.collect()))

    def history(self, hour: Hour) -> pl.DataFrame:
        """The unbroken history up to one hour."""
        return build_history(self.accounted, hour=hour.start)


def metric_assets(partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The assets of metrics over the lake's hours; a range of hours is one run."""
    return [_metrics(partitions), _correlations(partitions), _overview(partitions), _quotes(partitions)]


def _metrics(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        HOURLY_METRICS,
        partitions,
        deps=[OHLC_1H.name, OHLC_1M.name, KLINES.name, QUOTES.name],
        group="market",
        about="Indicators stand on the unbroken hours of the last 30 days; what lacks history is null with a reason.",
    )
    def hourly_metrics(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult[None]:
        hours = hours_of(context.partition_keys, now=lake.now())
        past = LookBack.read(lake, hours)

        def build(hour: Hour) -> Built:
            hourly, minutes = lake.rows(OHLC_1H, hour), lake.rows(OHLC_1M, hour)
            caps = latest_market_caps(lake.rows(QUOTES, hour))
            rows = build_hourly_metrics(hourly, minutes, past.history(hour), caps)
            return rows, Standing.of(rows, as_of=ids_known_at(context.instance, hour)).metadata(hour)

        return _materialize(context, lake, HOURLY_METRICS, hours, build)

    return hourly_metrics


def _correlations(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        HOURLY_CORRELATIONS,
        partitions,
        deps=[OHLC_1H.name, KLINES.name],
        group="market",
        about="Over one day and one week of hourly log returns.",
    )
    def hourly_correlations(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.MaterializeResult[None]:
        def build(hour: Hour) -> Built:
            candles = lake.rows(OHLC_1H, hour)
            rows = build_hourly_correlations(candles, past.history(hour), hour=hour.start)
            return rows, stamp(hour, candles=candles)

        hours = hours_of(context.partition_keys, now=lake.now())
        past = LookBack.read(lake, hours, length=max(WINDOWS) + 1)
        return _materialize(context, lake, HOURLY_CORRELATIONS, hours, build)

    return hourly_correlations


def _overview(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        MARKET_OVERVIEW,
        partitions,
        deps=[OHLC_1M.name, QUOTES.name],
        group="market",
        about="Prices of the venues' last trades and of the vendors, each beside the median of the fresh ones.",
    )
    def market_overview(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult[None]:
        def build(hour: Hour) -> Built:
            before, minutes = lake.rows(OHLC_1M, hour.next(-1)), lake.rows(OHLC_1M, hour)
            quotes_before, quotes = lake.rows(QUOTES, hour.next(-1)), lake.rows(QUOTES, hour)
            venues = observe_candles(pl.concat([before, minutes]))
            vendors = observe_quotes(pl.concat([quotes_before, quotes]))
            rows = build_market_overview(venues, vendors, minutes["window_start"])
            return rows, stamp(hour, candles=minutes, quotes=version_of(quotes))

        hours = hours_of(context.partition_keys, now=lake.now())
        return _materialize(context, lake, MARKET_OVERVIEW, hours, build)

    return market_overview


def _quotes(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        HOURLY_QUOTES, partitions, deps=[QUOTES.name], group="market", about="The roll-up of the vendors' quotes."
    )
    def hourly_quotes(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult[None]:
        def build(hour: Hour) -> Built:
            quotes = lake.rows(QUOTES, hour)
            version = version_of(quotes)
            return build_hourly_quotes(quotes, hour=hour.start, version=version), stamp(hour, quotes=version)

        return _materialize(context, lake, HOURLY_QUOTES, hours_of(context.partition_keys, now=lake.now()), build)

    return hourly_quotes


def _materialize(
    context: dg.AssetExecutionContext,
    lake: Lake,
    table: Table,
    hours: Sequence[Hour],
    build: Callable[[Hour], Built],
) -> dg.MaterializeResult[None]:
    for hour in hours:
        rows, note = build(hour)
        replace_partition(table, lake.location, hour, rows, note)
        context.add_asset_metadata(
            {**describe(table, rows), "dagster/uri": lake.uri(table, hour)}, partition_key=hour.key
        )
    return dg.MaterializeResult()
