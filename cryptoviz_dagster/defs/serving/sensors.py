"""The sensor that keeps PostgreSQL equal to the lake: it compares both and asks for the newest stretch that differs.

Level-triggered, so a lost run, a wiped database or a lake begun anew heals without a hand. One run a job at a time.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg
from dagster._core.definitions.target import ExecutableDefinition

from cryptoviz.lake.hours import Hour
from cryptoviz.warehouse.publications import PUBLICATIONS, Span
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.run_history import RANGE_TAGS, REQUEST_TAG, due_attempts
from cryptoviz_dagster.staleness import Reason, Request
from cryptoviz_dagster.warehouse import Warehouse, WarehouseDown

LONGEST_STRETCH = 100
_ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Consecutive partitions to publish in one run; ``key`` names them and what they are loaded from."""

    first: Span
    last: Span
    key: str


def publication_sensor(
    *, hours: ExecutableDefinition, days: ExecutableDefinition, first: Hour, refresh: timedelta
) -> dg.SensorDefinition:
    """The sensor over every published table; partitions before ``first`` are left alone."""

    @dg.sensor(
        name="lake_differs_from_postgres",
        jobs=[hours, days],
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for every partition whose rows in PostgreSQL are not those of the lake.",
    )
    def lake_differs_from_postgres(
        context: dg.SensorEvaluationContext, lake: dg.ResourceParam[Lake], warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.SensorResult:
        try:
            lacking = warehouse.lacking(now=lake.now(), refresh=refresh, first=first.start)
        except WarehouseDown as error:
            return dg.SensorResult(skip_reason=str(error))
        daily = {publication.name for publication in PUBLICATIONS if publication.is_daily}
        groups = (
            (hours.name, {name: spans for name, spans in lacking.items() if name not in daily}),
            (days.name, {name: spans for name, spans in lacking.items() if name in daily}),
        )
        requests = [
            request for job, spans in groups for request in _run_requests(context.instance, job, spans, lake.now())
        ]
        return dg.SensorResult(
            run_requests=requests, skip_reason=None if requests else "PostgreSQL has what the lake has"
        )

    return lake_differs_from_postgres


def newest_stretch(job: str, lacking: Mapping[str, Mapping[Span, str]]) -> Stretch | None:
    """The newest consecutive partitions that any table lacks, at most :data:`LONGEST_STRETCH`; None when none does."""
    spans: list[Span] = sorted({span for digests in lacking.values() for span in digests}, reverse=True)
    if not spans:
        return None
    length = 1
    while length < min(len(spans), LONGEST_STRETCH) and spans[length].next() == spans[length - 1]:
        length += 1
    chosen = spans[:length]
    parts = [f"{name} {s.key} {lacking[name][s]}" for name in sorted(lacking) for s in chosen if s in lacking[name]]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    first, last = chosen[-1], chosen[0]
    return Stretch(first=first, last=last, key=f"{job}:{first.key}..{last.key}@{digest}")


def _run_requests(
    instance: dg.DagsterInstance, job: str, lacking: Mapping[str, Mapping[Span, str]], now: datetime
) -> Sequence[dg.RunRequest]:
    stretch = newest_stretch(job, lacking)
    if stretch is None or instance.get_runs(filters=dg.RunsFilter(job_name=job, statuses=_ACTIVE), limit=1):
        return []
    request = Request(hours=(), key=stretch.key, reason=Reason.LATE)
    return [_run_request(job, stretch, attempt.run_key) for attempt in due_attempts(instance, [request], now=now)]


def _run_request(job: str, stretch: Stretch, run_key: str) -> dg.RunRequest:
    first, last = stretch.first.key, stretch.last.key
    tags = {REQUEST_TAG: stretch.key, "dagster/priority": "-1"}
    if first == last:
        return dg.RunRequest(run_key=run_key, job_name=job, partition_key=first, tags=tags)
    return dg.RunRequest(
        run_key=run_key, job_name=job, tags={**tags, **dict(zip(RANGE_TAGS, (first, last), strict=True))}
    )
