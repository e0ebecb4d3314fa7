"""Maintenance as one part of the code location: assembly, nothing else."""

import dagster as dg

from cryptoviz.lake.tables import RAW_TRADES
from cryptoviz.settings import Settings
from cryptoviz_dagster.defs.maintenance.audits import audit_asset, audit_schedule
from cryptoviz_dagster.defs.maintenance.check_reports import check_sensor
from cryptoviz_dagster.defs.maintenance.freshness import with_freshness
from cryptoviz_dagster.defs.maintenance.object_store import ObjectStore
from cryptoviz_dagster.defs.maintenance.rebuild import SparkCluster, rebuild_job, spark_config
from cryptoviz_dagster.defs.maintenance.storage_checks import storage_checks, storage_schedule
from cryptoviz_dagster.defs.maintenance.upkeep import upkeep_job, upkeep_schedule


def with_maintenance(location: dg.Definitions, settings: Settings) -> dg.Definitions:
    """The code location with what keeps it well. Its resource ``lake`` is used by both."""
    budgets = storage_checks()
    upkeep = upkeep_job(settings.retention, settings.keep_replaced, has_bucket=settings.lake.is_s3)
    own = dg.Definitions(
        assets=[audit_asset(settings.first_hour, settings.retention.get(RAW_TRADES.name))],
        asset_checks=[budgets],
        jobs=[upkeep, rebuild_job()],
        resources={"object_store": ObjectStore(settings.lake), "spark": SparkCluster(spark_config(settings))},
        sensors=[check_sensor()],
        schedules=[upkeep_schedule(upkeep), storage_schedule(budgets), audit_schedule()],
    )
    return dg.Definitions.merge(with_freshness(location), own)
