"""The page of forecasts as an asset: pictures as metadata, the page as a file in the lake."""

import base64

import dagster as dg
import polars as pl

from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import (
    FUTURE_PREDICTIONS,
    PREDICTION_METRICS,
    PREDICTION_PERFORMANCE,
    PREDICTIONS,
)
from cryptoviz.lake.hours import Hour
from cryptoviz.storage.frames import read_partition
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.defs.forecast.hourly import latest_shown
from cryptoviz_dagster.defs.forecast.partitions import DAY_HOURS, shifted
from cryptoviz_dagster.defs.forecast.scores import last_hour, read_metrics
from cryptoviz_dagster.defs.table_asset import OWNERS
from cryptoviz_dagster.forecasts.page import forecast_charts, forecast_page
from cryptoviz_dagster.resources import Lake

PAGES = "pages/forecasts"
PAGE_DAYS = 7
_IN_METADATA = ("coverage over time", "skill by horizon", "reliability", "variance by horizon")


def evaluation_assets(partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The page over the lake's hours; each day keeps its last one, and ``latest.html`` shows the newest hour's."""

    @dg.asset(
        name="forecast_evaluation",
        description="How forecasts of seven days turned out: fan, coverage, skill, reliability; a page in the lake.",
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[
            dg.AssetDep(PREDICTION_METRICS.name, partition_mapping=shifted(-PAGE_DAYS * DAY_HOURS, 0)),
            dg.AssetDep(PREDICTIONS.name),
            dg.AssetDep(FUTURE_PREDICTIONS.name),
            dg.AssetDep(PREDICTION_PERFORMANCE.name, partition_mapping=shifted(-DAY_HOURS, -DAY_HOURS)),
        ],
        group_name="forecast",
        kinds={"svg", "html"},
        owners=OWNERS,
        code_version="1",
    )
    def forecast_evaluation(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.MaterializeResult[None]:
        hours = list(map(Hour.from_key, context.partition_keys))
        for hour in hours:
            context.add_asset_metadata(_pictures(lake, hour), partition_key=hour.key)
        for day in sorted({Day.containing(hour.start) for hour in hours}, key=lambda day: day.date):
            _put_page(lake, day)
        return dg.MaterializeResult()

    return [forecast_evaluation]


def page_path(day: Day) -> str:
    """Where the page of a day lies under the root of the lake."""
    return f"{PAGES}/{day.key}.html"


def _pictures(lake: Lake, hour: Hour) -> dict[str, dg.MetadataValue]:
    metrics = read_metrics(lake, hour, hours=PAGE_DAYS * DAY_HOURS)
    charts = forecast_charts(read_partition(PREDICTIONS, lake.location, hour), metrics)
    return {
        "page": dg.MetadataValue.text(f"{lake.location.uri}/{page_path(Day.containing(hour.start))}"),
        "forecasts_scored": dg.MetadataValue.int(metrics.height),
        **{name.replace(" ", "_"): _picture(name, charts[name]) for name in _IN_METADATA if metrics.height},
    }


def _put_page(lake: Lake, day: Day) -> None:
    """The page of a day shows its last issue, whichever of its hours was made again."""
    hour = _last_issue(lake, day)
    metrics = read_metrics(lake, hour, hours=PAGE_DAYS * DAY_HOURS)
    charts = forecast_charts(read_partition(PREDICTIONS, lake.location, hour), metrics)
    performance = read_partition(PREDICTION_PERFORMANCE, lake.location, day.next(-1))
    page = forecast_page(charts, performance, hour).encode()
    objects = Objects(lake.location)
    for place in (page_path(day), f"{PAGES}/latest.html") if hour == latest_shown(lake) else (page_path(day),):
        objects.put(place, page)


def _last_issue(lake: Lake, day: Day) -> Hour:
    """The last hour of a day that has forecasts; its first one when none has."""
    first, last = Hour(day.start), last_hour(day)
    newest = lake.rows_between(PREDICTIONS, first, last).select(pl.col("window_start").max()).collect().item()
    return Hour(newest) if newest else first


def _picture(name: str, svg: str) -> dg.MetadataValue:
    return dg.MetadataValue.md(f"![{name}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})")
