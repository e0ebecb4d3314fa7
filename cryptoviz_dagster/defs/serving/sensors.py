"""The sensor that keeps PostgreSQL equal to the lake: it compares both and asks for a run when they differ.

Level-triggered, so a lost run, a wiped database or a lake begun anew heals without a hand. One run at a time.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta

import dagster as dg
from dagster._core.definitions.target import ExecutableDefinition

from cryptoviz.warehouse.publications import BY_NAME, Span
from cryptoviz_dagster.defs.serving.assets import LOADED_CHECK, publication_key
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.run_history import REQUEST_TAG, due_attempts, is_under_way
from cryptoviz_dagster.staleness import Reason, Request
from cryptoviz_dagster.warehouse import Warehouse, WarehouseDown

_PRIORITY = "4"
"""After hours that just closed, before late data and whatever is computed over history."""


def publication_sensor(job: ExecutableDefinition, *, refresh: timedelta) -> dg.SensorDefinition:
    """The sensor over every published table; partitions in progress count once in ``refresh``."""

    @dg.sensor(
        name="lake_differs_from_postgres",
        job=job,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for a run over the tables whose rows in PostgreSQL are not those of the lake.",
    )
    def lake_differs_from_postgres(
        context: dg.SensorEvaluationContext, lake: dg.ResourceParam[Lake], warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.SensorResult:
        try:
            lacking = warehouse.lacking(now=lake.now(), refresh=refresh)
        except WarehouseDown as error:
            return dg.SensorResult(skip_reason=str(error))
        if not any(lacking.values()):
            return dg.SensorResult(skip_reason="PostgreSQL has what the lake has")
        if is_under_way(context.instance, job.name):
            return dg.SensorResult(skip_reason="a run is under way")
        request = Request(hours=(), key=request_key(lacking), reason=Reason.LATE)
        attempts = due_attempts(context.instance, [request], now=lake.now())
        tags = {REQUEST_TAG: request.key, "dagster/priority": _PRIORITY}
        tables = [publication_key(BY_NAME[name]) for name, spans in lacking.items() if spans]
        checks = [dg.AssetCheckKey(table, LOADED_CHECK) for table in tables]
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=one.run_key, tags=tags, asset_selection=tables, asset_check_keys=checks)
                for one in attempts
            ]
        )

    return lake_differs_from_postgres


def request_key(lacking: Mapping[str, Mapping[Span, str]]) -> str:
    """Names what is to be loaded: the number of partitions and a digest of their changes."""
    parts = [f"{name} {span.key} {change}\n" for name, spans in lacking.items() for span, change in spans.items()]
    return f"publish:{len(parts)}@{hashlib.sha256(''.join(sorted(parts)).encode()).hexdigest()[:16]}"
