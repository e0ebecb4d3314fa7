"""The page of forecasts as an asset: pictures as metadata, the page as a file in the lake."""

import base64

import dagster as dg

from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import PREDICTION_METRICS, PREDICTION_PERFORMANCE, PREDICTIONS
from cryptoviz.lake.hours import Hour
from cryptoviz.storage.frames import read_partition
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.defs.forecast.hourly import latest_shown
from cryptoviz_dagster.defs.forecast.partitions import DAY_HOURS, shifted
from cryptoviz_dagster.defs.forecast.scores import read_metrics
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
        newest = latest_shown(lake)
        for key in context.partition_keys:
            hour = Hour.from_key(key)
            context.add_asset_metadata(_publish(lake, hour, is_newest=hour == newest), partition_key=key)
        return dg.MaterializeResult()

    return [forecast_evaluation]


def _publish(lake: Lake, hour: Hour, *, is_newest: bool) -> dict[str, dg.MetadataValue]:
    day = Day.containing(hour.start)
    metrics = read_metrics(lake, hour, hours=PAGE_DAYS * DAY_HOURS)
    charts = forecast_charts(read_partition(PREDICTIONS, lake.location, hour), metrics)
    performance = read_partition(PREDICTION_PERFORMANCE, lake.location, day.next(-1))
    page, path = forecast_page(charts, performance, hour).encode(), f"{PAGES}/{day.key}.html"
    objects = Objects(lake.location)
    for place in (path, f"{PAGES}/latest.html") if is_newest else (path,):
        objects.put(place, page)
    pictures = {name.replace(" ", "_"): _picture(name, charts[name]) for name in _IN_METADATA if metrics.height}
    return {
        "page": dg.MetadataValue.text(f"{lake.location.uri}/{path}"),
        "forecasts_scored": dg.MetadataValue.int(metrics.height),
        **pictures,
    }


def _picture(name: str, svg: str) -> dg.MetadataValue:
    return dg.MetadataValue.md(f"![{name}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})")
