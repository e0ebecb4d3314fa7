"""Assets that judge: scores of the last 90 days beside last price, and the models to believe."""

import dagster as dg
import polars as pl

from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import CHAMPIONS, PREDICTION_METRICS, PREDICTION_PERFORMANCE
from cryptoviz.lake.hours import Hour
from cryptoviz.storage.frames import TableNotWritten, empty, replace_partition, scan_between
from cryptoviz_dagster.defs.forecast.notes import note
from cryptoviz_dagster.defs.forecast.partitions import DAY_HOURS, ForecastCalendar, day_of, shifted
from cryptoviz_dagster.defs.table_asset import table_asset
from cryptoviz_dagster.forecasts.done import done_days, done_weeks, history_before, history_version
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.performance import CHAMPION_DAYS, WINDOW_DAYS, champion_rows, performance_rows


def score_assets(calendar: ForecastCalendar) -> list[dg.AssetsDefinition]:
    """The assets over days and weeks."""
    return [_performance(calendar), _champions(calendar)]


def _performance(calendar: ForecastCalendar) -> dg.AssetsDefinition:
    @table_asset(
        PREDICTION_PERFORMANCE,
        calendar.days(),
        deps=[dg.AssetDep(PREDICTION_METRICS.name, partition_mapping=shifted(1 - WINDOW_DAYS, 0))],
        group="forecast",
        kinds={"polars", "delta"},
    )
    def prediction_performance(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.MaterializeResult[None]:
        tried_with = history_version(history_before(lake, calendar.begins))
        for key in context.partition_keys:
            day = day_of(key)
            rows = performance_rows(read_metrics(lake, last_hour(day), hours=WINDOW_DAYS * DAY_HOURS), day)
            replace_partition(PREDICTION_PERFORMANCE, lake.location, day, rows, {})
            note(
                context,
                lake,
                PREDICTION_PERFORMANCE,
                day,
                {
                    "dagster/partition_row_count": rows.height,
                    "forecasts": int(rows["forecasts"].sum()),
                    "verdicts": dg.MetadataValue.json(_verdicts(rows)),
                },
            )
        done_days(lake).remember(PREDICTION_PERFORMANCE, list(map(day_of, context.partition_keys)), tried_with)
        return dg.MaterializeResult()

    return prediction_performance


def _champions(calendar: ForecastCalendar) -> dg.AssetsDefinition:
    @table_asset(
        CHAMPIONS,
        calendar.weeks(),
        deps=[dg.AssetDep(PREDICTION_METRICS.name, partition_mapping=shifted(0, 0))],
        group="forecast",
        kinds={"numpy", "delta"},
    )
    def champions(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult[None]:
        tried_with = history_version(history_before(lake, calendar.begins))
        for key in context.partition_keys:
            week = day_of(key)
            rows = champion_rows(read_metrics(lake, last_hour(week.next(6)), hours=CHAMPION_DAYS * DAY_HOURS), week)
            replace_partition(CHAMPIONS, lake.location, week, rows, {})
            table = {f"{task} {band}": f"{one}: {why}" for task, band, one, why in _decisions(rows)}
            note(context, lake, CHAMPIONS, week, {"decisions": dg.MetadataValue.json(table)})
        done_weeks(lake).remember(CHAMPIONS, list(map(day_of, context.partition_keys)), tried_with)
        return dg.MaterializeResult()

    return champions


def read_metrics(lake: Lake, last: Hour, *, hours: int) -> pl.DataFrame:
    """Scores of so many hours up to ``last``, this one included."""
    try:
        return scan_between(PREDICTION_METRICS, lake.location, last.next(1 - hours), last).collect()
    except TableNotWritten:
        return empty(PREDICTION_METRICS)


def last_hour(day: Day) -> Hour:
    """The last hour of a day."""
    return Hour(day.end).next(-1)


def _verdicts(rows: pl.DataFrame) -> dict[str, int]:
    counts = rows.filter(pl.col("verdict") != "").group_by("model", "verdict").len().sort("model", "verdict")
    return {f"{model}: {verdict}": count for model, verdict, count in counts.iter_rows()}


def _decisions(rows: pl.DataFrame) -> list[tuple[str, str, str, str]]:
    return rows.select("task", "band", "champion", "decision").rows()
