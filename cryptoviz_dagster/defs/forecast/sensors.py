"""The sensor that asks for models, forecasts and scores: wiring between the lake, the rules of `due` and runs."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import PREDICTION_METRICS
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.locations import Location
from cryptoviz_dagster.defs.forecast.partitions import ForecastCalendar
from cryptoviz_dagster.forecasts.done import (
    DoneDays,
    done_days,
    done_weeks,
    history_before,
    history_version,
    is_history_coming,
)
from cryptoviz_dagster.forecasts.due import due_days, due_hours, due_weeks, stretches
from cryptoviz_dagster.forecasts.scored_hours import ScoredHours, stamp
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.run_history import Attempt, due_attempts, is_under_way, run_request
from cryptoviz_dagster.staleness import Reason, Request

_EVER = datetime.max.replace(tzinfo=UTC)
_PRIORITY = "4"


class ForecastJobs:
    """The three jobs of forecasts, by the length of their partitions."""

    def __init__(
        self,
        *,
        day: UnresolvedAssetJobDefinition,
        week: UnresolvedAssetJobDefinition,
        hour: UnresolvedAssetJobDefinition,
    ) -> None:
        self.day, self.week, self.hour = day, week, hour


def forecast_sensor(jobs: ForecastJobs, calendar: ForecastCalendar) -> dg.SensorDefinition:
    """The sensor over the calendar: one run of each job at a time, models before the forecasts that use them."""
    records: dict[Location, _Records] = {}

    @dg.sensor(
        name="forecast_hour_sealed",
        jobs=[jobs.day, jobs.week, jobs.hour],
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for models of days and weeks that are over, then for forecasts and scores of sealed hours.",
    )
    def forecast_hour_sealed(context: dg.SensorEvaluationContext, lake: dg.ResourceParam[Lake]) -> dg.SensorResult:
        record = records.setdefault(lake.location, _Records(lake))
        history, folded = history_before(lake, calendar.begins), lake.folded_hours()
        if is_history_coming(history, folded, now=lake.now()):
            return dg.SensorResult(skip_reason="history of the venues is still to come")
        version = history_version(history)
        asked = _Asked(context.instance, lake.now(), version.digest)
        days_done, weeks_done = record.done(version)
        days = due_days(days_done, first=calendar.first_day, now=lake.now())
        weeks = due_weeks(weeks_done, days_done, first=calendar.first_week, now=lake.now())
        to_come = due_weeks(weeks_done, {*days, *days_done}, first=calendar.first_week, now=lake.now())
        requests = asked.spans(jobs.day.name, stretches(days))
        requests += asked.spans(jobs.week.name, stretches(weeks, step=7))
        pending = asked.untried(jobs.day.name, stretches(days)) | asked.untried(
            jobs.week.name, stretches(to_come, step=7)
        )
        hours = due_hours(folded, record.scored.read(), first=calendar.begins, pending=pending)
        requests += asked.spans(jobs.hour.name, stretches(hours.unissued)[::-1])
        if not hours.unissued:
            versions = {hour: stamp(folded[hour].version).digest for hour in hours.rescored}
            requests += asked.again(jobs.hour.name, versions)
        return dg.SensorResult(run_requests=requests, skip_reason=None if requests else "every forecast is there")

    return forecast_hour_sealed


class _Records:
    """What is done, opened at the first look and kept: a quiet look reads what is new."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    @cached_property
    def _done(self) -> tuple[DoneDays, DoneDays]:
        return done_days(self._lake), done_weeks(self._lake)

    def done(self, version: HourVersion) -> tuple[set[Day], set[Day]]:
        """Days and Mondays that were tried with this history."""
        days, weeks = self._done
        return days.read(version), weeks.read(version)

    @cached_property
    def scored(self) -> ScoredHours:
        return ScoredHours(self._lake)


class _Asked:
    """What Dagster has been asked before, and requests for what it has not."""

    def __init__(self, instance: dg.DagsterInstance, now: datetime, history: str) -> None:
        self._instance, self._now, self._history = instance, now, history

    def spans(self, job: str, found: Sequence[Sequence[Day]] | Sequence[Sequence[Hour]]) -> list[dg.RunRequest]:
        """The first stretch that may be asked for now; none while a run of the job is under way."""
        if not found or is_under_way(self._instance, job):
            return []
        requests = [_request(job, stretch, self._history) for stretch in found]
        keys = [request.key for request in requests]
        attempts = due_attempts(self._instance, requests, now=self._now)[:1]
        return [_run(job, attempt, found[keys.index(attempt.request.key)]) for attempt in attempts]

    def again(self, job: str, versions: dict[Hour, str]) -> list[dg.RunRequest]:
        """Scores alone, of hours whose candles have changed; the forecasts stay as they were issued."""
        if not versions or is_under_way(self._instance, job):
            return []
        requests = {_request(job, [hour], version).key: hour for hour, version in versions.items()}
        wanted = [Request(hours=[hour], key=key, reason=Reason.LATE) for key, hour in requests.items()]
        attempts = due_attempts(self._instance, wanted, now=self._now)[:1]
        only = [dg.AssetKey(PREDICTION_METRICS.name)]
        return [_run(job, attempt, [requests[attempt.request.key]], only=only) for attempt in attempts]

    def untried(self, job: str, found: Iterable[Sequence[Day]]) -> set[Day]:
        """Days of stretches that no run has ended on without making them."""
        pending: set[Day] = set()
        for stretch in found:
            attempts = due_attempts(self._instance, [_request(job, stretch, self._history)], now=_EVER)
            if all(attempt.number == 0 for attempt in attempts):
                pending.update(stretch)
        return pending


def _request(job: str, stretch: Sequence[Day] | Sequence[Hour], version: str) -> Request:
    first, last = stretch[0].key, stretch[-1].key
    spans = first if first == last else f"{first}..{last}"
    hours = [span for span in stretch if isinstance(span, Hour)]
    return Request(hours=hours, key=f"{job}:{spans}@{version}", reason=Reason.CLOSED)


def _run(
    job: str,
    attempt: Attempt,
    stretch: Sequence[Day] | Sequence[Hour],
    *,
    only: Sequence[dg.AssetKey] | None = None,
) -> dg.RunRequest:
    priority = {"dagster/priority": _PRIORITY}
    return run_request(attempt, stretch[0].key, stretch[-1].key, priority, job=job, only=only)
