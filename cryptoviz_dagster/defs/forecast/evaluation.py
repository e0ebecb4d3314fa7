"""The page of forecasts as an asset: pictures as metadata, the page as a file in the lake."""

import base64

import dagster as dg
import polars as pl

from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import FUTURE_PREDICTIONS, PREDICTION_METRICS, PREDICTION_PERFORMANCE
from cryptoviz.storage.frames import TableNotWritten, empty, read_partition, scan
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.defs.forecast.house import GROUP, OWNERS
from cryptoviz_dagster.defs.forecast.partitions import ForecastCalendar, day_of, shifted
from cryptoviz_dagster.defs.forecast.scores import read_metrics
from cryptoviz_dagster.forecasts.page import forecast_charts, forecast_page
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.performance import WINDOW_DAYS

PAGES = "pages/forecasts"
_IN_METADATA = ("coverage over time", "skill by horizon", "reliability", "variance by horizon")


def evaluation_assets(calendar: ForecastCalendar) -> list[dg.AssetsDefinition]:
    """The page over the days of the calendar."""

    @dg.asset(
        name="forecast_evaluation",
        description="How forecasts of 90 days turned out: fan, coverage, skill, reliability; a page in the lake.",
        partitions_def=calendar.days(),
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[
            dg.AssetDep(PREDICTION_PERFORMANCE.name),
            dg.AssetDep(PREDICTION_METRICS.name, partition_mapping=shifted(1 - WINDOW_DAYS, 0)),
            dg.AssetDep(FUTURE_PREDICTIONS.name, partition_mapping=shifted(0, 0)),
        ],
        group_name=GROUP,
        kinds={"svg", "html"},
        owners=OWNERS,
        code_version="1",
    )
    def forecast_evaluation(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.MaterializeResult[None]:
        latest = _latest(lake)
        for key in context.partition_keys:
            context.add_asset_metadata(_publish(lake, day_of(key), latest), partition_key=key)
        return dg.MaterializeResult()

    return [forecast_evaluation]


def _publish(lake: Lake, day: Day, latest: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    metrics = read_metrics(lake, day, days=WINDOW_DAYS)
    charts = forecast_charts(latest, metrics)
    performance = read_partition(PREDICTION_PERFORMANCE, lake.location, day)
    page, path = forecast_page(charts, performance, day), f"{PAGES}/{day.key}.html"
    Objects(lake.location).put(path, page.encode())
    pictures = {name.replace(" ", "_"): _picture(name, charts[name]) for name in _IN_METADATA if metrics.height}
    return {
        "page": dg.MetadataValue.text(f"{lake.location.uri}/{path}"),
        "forecasts_scored": dg.MetadataValue.int(metrics.height),
        **pictures,
    }


def _picture(name: str, svg: str) -> dg.MetadataValue:
    return dg.MetadataValue.md(f"![{name}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})")


def _latest(lake: Lake) -> pl.DataFrame:
    try:
        return scan(FUTURE_PREDICTIONS, lake.location).collect()
    except TableNotWritten:
        return empty(FUTURE_PREDICTIONS)
