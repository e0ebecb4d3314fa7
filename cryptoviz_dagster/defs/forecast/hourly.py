"""Assets of an hour: forecasts issued at its close, the latest issue, and scores of those whose target it was."""

from collections import Counter

import dagster as dg
import polars as pl
from deltalake import write_deltalake

from cryptoviz.forecasting.issue import HISTORY, STEPS, issue_forecasts
from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.forecast_tables import (
    CALIBRATION,
    FUTURE_PREDICTIONS,
    LSTM_MODEL,
    PREDICTION_METRICS,
    PREDICTIONS,
    VOL_MODEL,
)
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.render import arrow_schema
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import TableNotWritten, empty, read_partition, replace_partition, scan, scan_between
from cryptoviz_dagster.defs.forecast.notes import note
from cryptoviz_dagster.defs.forecast.partitions import DAY_HOURS, WEEK_HOURS, ForecastCalendar, shifted
from cryptoviz_dagster.defs.table_asset import table_asset
from cryptoviz_dagster.forecasts.choice import models_of
from cryptoviz_dagster.forecasts.history import read_panel
from cryptoviz_dagster.forecasts.scored_hours import ScoredHours
from cryptoviz_dagster.partitions import hours_of
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.predictions import prediction_rows, score_predictions


class HourNotSealed(dg.Failure):
    """The hour has not ended, or its candles are not final: a forecast from it would read half a candle."""

    def __init__(self, hour: Hour, found: str) -> None:
        super().__init__(
            description=f"hour {hour.key} is not sealed: {found}; forecasts are issued from closed hours only",
            allow_retries=False,
        )


def hourly_assets(calendar: ForecastCalendar, partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The assets of forecasts over the lake's hours."""
    return [_predictions(calendar, partitions), _future_predictions(partitions), _metrics(calendar, partitions)]


def _predictions(calendar: ForecastCalendar, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        PREDICTIONS,
        partitions,
        deps=[
            dg.AssetDep(OHLC_1H.name),
            dg.AssetDep(VOL_MODEL.name, partition_mapping=shifted(-DAY_HOURS, -DAY_HOURS)),
            dg.AssetDep(CALIBRATION.name, partition_mapping=shifted(-DAY_HOURS, -DAY_HOURS)),
            dg.AssetDep(LSTM_MODEL.name, partition_mapping=shifted(-WEEK_HOURS, -WEEK_HOURS)),
        ],
        group="forecast",
        kinds={"numpy", "polars", "delta"},
    )
    def predictions(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult[None]:
        for hour in sealed_hours(lake, context.partition_keys):
            panel = read_panel(lake, begins=calendar.begins, first=hour.next(1 - HISTORY), last=hour)
            models = models_of(lake, hour)
            rows = prediction_rows(issue_forecasts(panel, hour.number, models), hour)
            replace_partition(PREDICTIONS, lake.location, hour, rows, {})
            states = Counter(rows.filter(pl.col("horizon") == 1).select("model", "status").iter_rows())
            note(
                context,
                lake,
                PREDICTIONS,
                hour,
                {
                    "dagster/partition_row_count": rows.height,
                    "markets": rows.select("venue", "symbol").n_unique(),
                    "vol_model": models.volatility_version or "none",
                    "lstm_model": models.lstm_version or "none",
                    "states": dg.MetadataValue.json({f"{m}: {s}": n for (m, s), n in sorted(states.items())}),
                },
            )
        return dg.MaterializeResult()

    return predictions


def _future_predictions(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        FUTURE_PREDICTIONS,
        partitions,
        deps=[dg.AssetDep(PREDICTIONS.name)],
        group="forecast",
        kinds={"polars", "delta"},
    )
    def future_predictions(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.MaterializeResult[None]:
        newest = Hour.from_key(max(context.partition_keys))
        shown = latest_shown(lake)
        if shown is None or newest >= shown:
            replace_table(lake, read_partition(PREDICTIONS, lake.location, newest), newest)
        for key in context.partition_keys:
            note(context, lake, FUTURE_PREDICTIONS, Hour.from_key(key), {"shows": max(newest, shown or newest).key})
        return dg.MaterializeResult()

    return future_predictions


def _metrics(calendar: ForecastCalendar, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        PREDICTION_METRICS,
        partitions,
        deps=[
            dg.AssetDep(OHLC_1H.name),
            dg.AssetDep(PREDICTIONS.name, partition_mapping=shifted(-DAY_HOURS, -1)),
        ],
        group="forecast",
        kinds={"polars", "delta"},
    )
    def prediction_metrics(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.MaterializeResult[None]:
        scored, standings = ScoredHours(lake), lake.folded_hours()
        for hour in sealed_hours(lake, context.partition_keys):
            version = standings[hour].version if hour in standings else ""
            issued = _issued_before(lake, hour)
            panel = read_panel(lake, begins=calendar.begins, first=hour.next(-len(STEPS)), last=hour)
            rows = score_predictions(issued, panel, hour)
            replace_partition(PREDICTION_METRICS, lake.location, hour, rows, {"cryptoviz.candles": version})
            scored.remember(hour, version)
            found = rows.filter(pl.col("absolute_error").is_not_null())
            note(
                context,
                lake,
                PREDICTION_METRICS,
                hour,
                {
                    "dagster/partition_row_count": rows.height,
                    "scored": found.height,
                    "without_forecast_or_target": rows.height - found.height,
                    **_coverage(found.filter(pl.col("model") == "vol_harx")),
                },
            )
        return dg.MaterializeResult()

    return prediction_metrics


def sealed_hours(lake: Lake, keys: list[str] | tuple[str, ...]) -> list[Hour]:
    """Hours of partition keys. Raises :class:`HourNotSealed` for one in progress or with provisional candles."""
    hours, standings = hours_of(keys, now=lake.now()), lake.folded_hours()
    for hour in hours:
        if hour.end > lake.now():
            raise HourNotSealed(hour, "it ends in the future")
        if hour in standings and standings[hour].is_open:
            raise HourNotSealed(hour, f"its candles in {OHLC_1H.name} are provisional")
    return hours


def replace_table(lake: Lake, rows: pl.DataFrame, hour: Hour) -> None:
    """Make these the only rows of ``future_predictions``, in one commit."""
    table = LakeTable(FUTURE_PREDICTIONS, lake.location)
    whole = rows.sort(FUTURE_PREDICTIONS.key).with_columns(pl.lit(v).alias(n) for n, v in hour.values.items())
    arrow = whole.to_arrow().cast(arrow_schema(FUTURE_PREDICTIONS, partitions=True))
    write_deltalake(table.delta, arrow, mode="overwrite")


def latest_shown(lake: Lake) -> Hour | None:
    """The hour whose issue ``future_predictions`` shows."""
    try:
        newest = scan(FUTURE_PREDICTIONS, lake.location).select(pl.col("window_start").max()).collect().item()
    except TableNotWritten:
        return None
    return Hour(newest) if newest else None


def _issued_before(lake: Lake, hour: Hour) -> pl.DataFrame:
    try:
        rows = scan_between(PREDICTIONS, lake.location, hour.next(-len(STEPS)), hour.next(-1)).collect()
    except TableNotWritten:
        return empty(PREDICTIONS)
    return rows


def _coverage(rows: pl.DataFrame) -> dict[str, float]:
    found = {name: rows[name].cast(pl.Float64).mean() for name in ("is_in_80", "is_in_95")}
    return {name.replace("is_in", "share_inside"): value for name, value in found.items() if isinstance(value, float)}
