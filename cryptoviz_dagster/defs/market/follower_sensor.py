"""The sensor that lets no table of an hour stay behind when its run failed after the metrics were made."""

import hashlib

import dagster as dg
from dagster._core.definitions.target import ExecutableDefinition

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import QUOTES
from cryptoviz_dagster.followers import Followers, Unfinished
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.run_history import busy_hours, due_attempts, run_request
from cryptoviz_dagster.staleness import Reason, Request

_INTERVAL_S = 60
_RUNS_AT_ONCE = 4
_PRIORITY = "1"


def follower_sensor(job: ExecutableDefinition, *, first: Hour) -> dg.SensorDefinition:
    """The sensor over the tables beside the metrics, from the lake's ``first`` hour; it asks for these tables alone."""
    opened: dict[Location, Followers] = {}

    @dg.sensor(
        name="hour_left_unfinished",
        job=job,
        minimum_interval_seconds=_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks again for correlations, overview and quotes of hours whose run did not come to them, or "
        "whose quotes came in later.",
    )
    def hour_left_unfinished(context: dg.SensorEvaluationContext, lake: dg.ResourceParam[Lake]) -> dg.SensorResult:
        followers = opened.setdefault(lake.location, Followers(lake.location))
        busy = busy_hours(context.instance, job.name)
        left = {
            _request(one).key: one
            for one in followers.unfinished(lake.folded_hours(), lake.hours(QUOTES), now=lake.now())
            if one.hour >= first and one.hour not in busy
        }
        attempts = due_attempts(context.instance, [_request(one) for one in left.values()], now=lake.now())
        requests = []
        for attempt in attempts[:_RUNS_AT_ONCE]:
            one = left[attempt.request.key]
            tags = {"cryptoviz/hour": one.hour.key, "cryptoviz/reason": "unfinished", "dagster/priority": _PRIORITY}
            only = [dg.AssetKey(table.name) for table in one.tables]
            requests.append(run_request(attempt, one.hour.key, one.hour.key, tags, only=only))
        nothing = None if requests else "every hour has all its tables"
        return dg.SensorResult(run_requests=requests, skip_reason=nothing)

    return hour_left_unfinished


def _request(one: Unfinished) -> Request:
    what = " ".join([*(table.name for table in one.tables), *one.wanted.values()])
    digest = hashlib.sha256(what.encode()).hexdigest()[:16]
    return Request(hours=[one.hour], key=f"unfinished:{one.hour.key}@{digest}", reason=Reason.LATE)
