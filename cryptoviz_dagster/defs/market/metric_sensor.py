"""The sensor that lets metrics follow their history: a late trade reaches every hour that looks back to it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import dagster as dg
import polars as pl
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import WRAP
from cryptoviz.lake.metric_tables import HOURLY_CORRELATIONS, HOURLY_METRICS
from cryptoviz_dagster.defs.market.metrics import LookBack
from cryptoviz_dagster.lanes import FOLLOWING
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.run_history import Attempt, busy_hours, due_attempts, run_request
from cryptoviz_dagster.staleness import Reason, Request
from cryptoviz_dagster.transforms.history import LOOK_BACK
from cryptoviz_dagster.transforms.stale_metrics import stale_metrics

_JOB = "metrics"
_INTERVAL_S = 120
_RUN_LIMIT_S = 900
_HOURS_A_RUN = 240
_PRIORITY = "0"
_NAMED = ("venue", "symbol", "window_start", "status", "history_version")


def metrics_job() -> UnresolvedAssetJobDefinition:
    """Metrics and correlations of hours whose candles are as they were, but not their history."""
    return dg.define_asset_job(
        _JOB,
        selection=dg.AssetSelection.assets(HOURLY_METRICS.name, HOURLY_CORRELATIONS.name),
        description="Metrics of hours whose history has changed, and their checks.",
        tags={**FOLLOWING, "dagster/max_runtime": str(_RUN_LIMIT_S)},
        executor_def=dg.in_process_executor,
    )


def history_sensor(job: UnresolvedAssetJobDefinition, *, hour_job: str) -> dg.SensorDefinition:
    """The sensor over the metrics of the last 30 days. It waits for runs of ``hour_job`` over the hours it asks for."""

    @dg.sensor(
        name="history_changed",
        job=job,
        minimum_interval_seconds=_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for the metrics of every hour of the last 30 days whose look-back is no longer what it was.",
    )
    def history_changed(context: dg.SensorEvaluationContext, lake: dg.ResourceParam[Lake]) -> dg.SensorResult:
        if busy_hours(context.instance, job.name):
            return dg.SensorResult(skip_reason="metrics are being made")
        busy = busy_hours(context.instance, hour_job)
        requests = [request for request in stale_requests(lake) if busy.isdisjoint(request.hours)]
        attempts = due_attempts(context.instance, requests, now=lake.now())
        nothing = None if attempts else "every hour's metrics stand on the history in the lake"
        return dg.SensorResult(run_requests=list(map(_run_request, attempts)), skip_reason=nothing)

    return history_changed


def stale_requests(lake: Lake) -> list[Request]:
    """Runs over the ended hours of the look-back whose metrics name another history than there is, the newest first."""
    last = Hour.containing(lake.now()).next(-1)
    hours = [last.next(1 - LOOK_BACK), last]
    metrics = lake.rows_between(HOURLY_METRICS, *hours).select(_NAMED).collect()
    if not metrics.height:
        return []
    past = LookBack.read(lake, hours)
    digest = int(past.accounted["row_hash"].cast(pl.Int128).sum()) % WRAP
    stretches = list(_stretches(stale_metrics(metrics, past.accounted)))
    return [_request(stretch, digest) for stretch in reversed(stretches)]


def _stretches(starts: Sequence[datetime]) -> Iterator[list[Hour]]:
    stretch: list[Hour] = []
    for hour in map(Hour, starts):
        if stretch and (hour != stretch[-1].next() or len(stretch) == _HOURS_A_RUN):
            yield stretch
            stretch = []
        stretch.append(hour)
    if stretch:
        yield stretch


def _request(hours: list[Hour], digest: int) -> Request:
    return Request(hours=hours, key=f"history:{hours[0].key}..{hours[-1].key}@{digest:016x}", reason=Reason.LATE)


def _run_request(attempt: Attempt) -> dg.RunRequest:
    first, last = attempt.request.hours[0].key, attempt.request.hours[-1].key
    return run_request(attempt, first, last, {"cryptoviz/reason": "history", "dagster/priority": _PRIORITY})
