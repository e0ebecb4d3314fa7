"""Publication to PostgreSQL as one part of the code location: assembly, nothing else."""

import dagster as dg

from cryptoviz.settings import Settings
from cryptoviz_dagster.defs.serving.assets import publication_assets
from cryptoviz_dagster.defs.serving.counts import count_checks, count_schedule
from cryptoviz_dagster.defs.serving.sensors import publication_sensor
from cryptoviz_dagster.lanes import FOLLOWING
from cryptoviz_dagster.warehouse import Warehouse

_RUN_LIMIT_S = 600


def serving_definitions(settings: Settings) -> dg.Definitions:
    """Published tables, their job and what asks for it. Uses the resource ``lake``."""
    tables, counts = publication_assets(), count_checks()
    job = dg.define_asset_job(
        "publish_to_postgres",
        selection=dg.AssetSelection.assets(*tables.keys) - dg.AssetSelection.checks(counts),
        description="PostgreSQL made equal to the lake.",
        tags={**FOLLOWING, "dagster/max_runtime": str(_RUN_LIMIT_S)},
        executor_def=dg.in_process_executor,
    )
    return dg.Definitions(
        assets=[tables],
        asset_checks=[counts],
        jobs=[job],
        sensors=[publication_sensor(job, refresh=settings.open_hour_refresh)],
        schedules=[count_schedule(counts)],
        resources={"warehouse": Warehouse(settings.sql, settings.lake)},
    )
