"""Publication to PostgreSQL as one part of the code location: assembly, nothing else."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from cryptoviz.settings import Settings
from cryptoviz_dagster.defs.serving.assets import publication_assets
from cryptoviz_dagster.defs.serving.sensors import publication_sensor
from cryptoviz_dagster.partitions import daily_from, hourly_from
from cryptoviz_dagster.warehouse import Warehouse

_RUN_LIMIT_S = 600


def serving_definitions(settings: Settings) -> dg.Definitions:
    """Published tables, their two jobs and what asks for them. Uses the resource ``lake``.

    Publication begins before the lake's first hour, where the venues' own klines begin.
    """
    first = settings.first_hour.next(-settings.backfill_klines)
    hours, days = publication_assets(hours=hourly_from(first), days=daily_from(first))
    jobs = [_job(hours, "publish_hours_job"), _job(days, "publish_days_job")]
    sensor = publication_sensor(hours=jobs[0], days=jobs[1], first=first, refresh=settings.open_hour_refresh)
    return dg.Definitions(
        assets=[hours, days],
        jobs=jobs,
        sensors=[sensor],
        resources={"warehouse": Warehouse(settings.sql, settings.lake)},
    )


def _job(assets: dg.AssetsDefinition, name: str) -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*assets.keys),
        description="PostgreSQL made equal to the lake, one or more partitions.",
        tags={"dagster/max_runtime": str(_RUN_LIMIT_S)},
        executor_def=dg.in_process_executor,
    )
