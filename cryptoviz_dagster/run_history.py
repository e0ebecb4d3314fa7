"""What Dagster has already been asked: hours being folded now, requests that ended and may be asked again.

A run key that has a run is never run again by Dagster, so a failed run would leave its hour stale for good. Each
attempt at a request therefore has a key of its own; a pause that doubles keeps a hopeless one from spinning.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from cryptoviz.lake.hours import Hour, hours_between
from cryptoviz_dagster.staleness import Request

REQUEST_TAG = "cryptoviz/request"
PARTITION_TAG = "dagster/partition"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=30)
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One more try of a request; ``number`` counts the runs that ended and left it unsatisfied."""

    request: Request
    number: int = 0

    @property
    def run_key(self) -> str:
        """A key no earlier attempt has."""
        return f"{self.request.key}#{self.number}" if self.number else self.request.key


@dataclass(frozen=True, slots=True)
class _Ended:
    count: int
    last: datetime

    def may_retry(self, now: datetime) -> bool:
        doubled: timedelta = FIRST_PAUSE * 2 ** min(self.count - 1, 10)
        return now >= self.last + min(LONGEST_PAUSE, doubled)


def is_under_way(instance: dg.DagsterInstance, job: str) -> bool:
    """Whether a run of the job is queued or running."""
    return bool(instance.get_runs(filters=dg.RunsFilter(job_name=job, statuses=_UNDER_WAY), limit=1))


def run_request(
    attempt: Attempt,
    first: str,
    last: str,
    tags: Mapping[str, str],
    *,
    job: str | None = None,
    only: Sequence[dg.AssetKey] | None = None,
) -> dg.RunRequest:
    """One run over the partitions from ``first`` to ``last``, under the attempt's key."""
    known = {REQUEST_TAG: attempt.request.key, **tags}
    is_one = first == last
    return dg.RunRequest(
        run_key=attempt.run_key,
        job_name=job,
        partition_key=first if is_one else None,
        tags=known if is_one else {**known, **dict(zip(RANGE_TAGS, (first, last), strict=True))},
        asset_selection=only,
    )


def busy_hours(instance: dg.DagsterInstance, job: str) -> set[Hour]:
    """Hours of runs that are queued or running: what they find is not known yet."""
    runs = instance.get_runs(filters=dg.RunsFilter(job_name=job, statuses=_UNDER_WAY))
    return {hour for run in runs for hour in _hours_of(run.tags.get(PARTITION_TAG), run.tags)}


def due_attempts(instance: dg.DagsterInstance, requests: Sequence[Request], *, now: datetime) -> list[Attempt]:
    """Requests that may be asked now: new ones at once, others when their pause is over."""
    ended = _ended(instance, [request.key for request in requests])
    attempts = []
    for request in requests:
        before = ended.get(request.key)
        if before is None:
            attempts.append(Attempt(request=request))
        elif before.may_retry(now):
            attempts.append(Attempt(request=request, number=before.count))
    return attempts


def hours_of_failed_ranges(instance: dg.DagsterInstance, job: str, *, since: datetime) -> set[Hour]:
    """Hours of runs over a range that failed: one of them is bad, and alone it fails alone."""
    failed = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since)
    runs = [run for run in instance.get_runs(filters=failed) if RANGE_TAGS[0] in run.tags]
    return {hour for run in runs for hour in _hours_of(None, run.tags)}


def _ended(instance: dg.DagsterInstance, keys: list[str]) -> dict[str, _Ended]:
    if not keys:
        return {}
    records = instance.get_run_records(filters=dg.RunsFilter(tags={REQUEST_TAG: keys}, statuses=_ENDED))
    found: dict[str, _Ended] = {}
    for record in records:
        key, at = record.dagster_run.tags[REQUEST_TAG], record.update_timestamp.replace(tzinfo=UTC)
        known = found.get(key, _Ended(0, at))
        found[key] = _Ended(known.count + 1, max(known.last, at))
    return found


def _hours_of(partition: str | None, tags: Mapping[str, str]) -> Iterator[Hour]:
    if partition:
        yield Hour.from_key(partition)
    elif all(tag in tags for tag in RANGE_TAGS):
        first, last = (Hour.from_key(tags[tag]) for tag in RANGE_TAGS)
        yield from hours_between(first.start, last.end)
