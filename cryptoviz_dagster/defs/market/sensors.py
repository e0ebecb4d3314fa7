"""The sensor that asks for stale hours: wiring between the lake, the rules of `staleness` and Dagster's runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg
from dagster._core.definitions.target import ExecutableDefinition

from cryptoviz.lake.hours import Hour
from cryptoviz_dagster.hour_inputs import input_hours
from cryptoviz_dagster.lake_reports import LakeReports
from cryptoviz_dagster.lanes import BACKLOG
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.run_history import (
    Attempt,
    busy_hours,
    due_attempts,
    hours_of_failed_ranges,
    run_request,
)
from cryptoviz_dagster.staleness import Patience, Reason, StaleHour, plan_runs, stale_hours, without_final_candles

RUNS_AT_ONCE = 12
_ROLL_UP_INTERVAL_S = 30
_FAILED_RECENTLY = timedelta(hours=1)
_RECENT = timedelta(hours=48)
_PRIORITY = {Reason.CLOSED: 5, Reason.LATE: 3, Reason.EDGES: 1, Reason.OPEN: 2}


@dataclass(frozen=True, kw_only=True, slots=True)
class LongPoll:
    """The daemon ticks every 5 s; looking on within a tick for most of that time cuts the wait to one ``pause``.

    The first look of a tick is at every hour, the others are at the last two days alone.
    """

    total: timedelta = timedelta(seconds=4)
    pause: timedelta = timedelta(seconds=0.5)
    wait: Callable[[float], None] = time.sleep

    @property
    def looks(self) -> int:
        """How often a tick looks."""
        return 1 + self.total // self.pause


def hour_sensor(
    job: ExecutableDefinition, *, first: Hour, patience: Patience, poll: LongPoll | None = None
) -> dg.SensorDefinition:
    """The sensor over the hours of trades, from the lake's ``first`` one."""
    polling = poll or LongPoll()
    reports = LakeReports(first=first, refresh=patience.refresh)
    looked = _Looks(patience)

    @dg.sensor(
        name="trades_hour_changed",
        job=job,
        minimum_interval_seconds=1,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for the candles of every hour that do not stand on the trades and quotes in the lake.",
    )
    def trades_hour_changed(context: dg.SensorEvaluationContext, lake: dg.ResourceParam[Lake]) -> dg.SensorResult:
        attempts: list[Attempt] = []
        for look in range(polling.looks):
            if look:
                polling.wait(polling.pause.total_seconds())
            begin = Hour.containing(lake.now() - _RECENT) if look else first
            stale = looked.stale_hours(lake, max(first, begin))
            attempts = _attempts(context.instance, job.name, stale, lake.now()) if stale else []
            if attempts:
                break
        events = reports.news(context.instance, lake, now=lake.now())
        nothing = "every hour stands on what the lake holds" if not (attempts or events) else None
        return dg.SensorResult(asset_events=events, run_requests=list(map(_run_request, attempts)), skip_reason=nothing)

    return trades_hour_changed


def roll_up_sensor() -> dg.AutomationConditionSensorDefinition:
    """The sensor that evaluates the conditions of the daily roll-ups."""
    return dg.AutomationConditionSensorDefinition(
        "roll_ups",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=_ROLL_UP_INTERVAL_S,
        emit_backfills=False,
        description="Folds a day's candles whenever one of its hours has new ones.",
    )


class _Looks:
    """What earlier looks of this process have seen; forgetting it costs an hour at most its patience once more."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._waiting: dict[Hour, datetime] = {}

    def stale_hours(self, lake: Lake, first: Hour) -> list[StaleHour]:
        """Hours from ``first`` on that are due now."""
        inputs, folded, now = input_hours(lake, since=first.start), lake.folded_hours(), lake.now()
        earlier = {hour: since for hour, since in self._waiting.items() if hour < first}
        self._waiting = earlier | without_final_candles(inputs.hours, folded, self._waiting, now)
        return stale_hours(
            inputs.hours,
            folded,
            latest=inputs.latest,
            now=now,
            first=first,
            patience=self._patience,
            waiting=self._waiting,
        )


def _attempts(instance: dg.DagsterInstance, job: str, stale: list[StaleHour], now: datetime) -> list[Attempt]:
    """What to ask now: nothing that is under way, and hour by hour what has failed together."""
    busy = busy_hours(instance, job)
    idle = [hour for hour in stale if hour.hour not in busy]
    requests = plan_runs(idle, alone=hours_of_failed_ranges(instance, job, since=now - _FAILED_RECENTLY))
    return due_attempts(instance, requests, now=now)[:RUNS_AT_ONCE]


def _run_request(attempt: Attempt) -> dg.RunRequest:
    request = attempt.request
    first, last = request.hours[0].key, request.hours[-1].key
    priority = 10 if request.is_urgent else _PRIORITY[request.reason]
    tags = {"cryptoviz/hour": first, "cryptoviz/reason": request.reason.value, "dagster/priority": str(priority)}
    return run_request(attempt, first, last, tags | (BACKLOG if first != last else {}))
