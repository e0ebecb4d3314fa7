"""The level-triggered sensor: compares the hours of trades with what the candles stand on, and asks for the rest.

Nothing depends on having seen an event: a lost cursor, a crash or a reset heals at the next tick. Compaction and
replays leave an hour's version as it is, so they start nothing; a late trade changes it, so it always does.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.target import ExecutableDefinition

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.tables import TRADES
from cryptoviz.storage.hour_index import HourEntry
from cryptoviz_dagster.resources import Lake

GRACE = timedelta(seconds=10)
SETTLE = timedelta(seconds=20)
_LONG_POLL_S, _POLL_S = 4.0, 0.5
_RUNS_A_TICK = 12
_RANGE_FROM = 6


@dataclass(frozen=True, slots=True)
class Request:
    """A run over consecutive hours; usually one."""

    hours: Sequence[Hour]
    digest: str
    is_newest: bool

    @property
    def run_key(self) -> str:
        """One run for these hours at these versions."""
        first, last = self.hours[0].key, self.hours[-1].key
        return f"trades:{first}@{self.digest}" if first == last else f"trades:{first}..{last}@{self.digest}"


def stale_hours(
    lake: Mapping[Hour, HourEntry], folded: Mapping[Hour, str], now: datetime, *, first: Hour, refresh: timedelta
) -> list[Hour]:
    """Hours whose candles do not stand on the version in the lake, newest first.

    A closed hour runs at once the first time, and again when late data has settled; the hour in progress every
    ``refresh``, aligned to the clock.
    """
    wanted = []
    for hour in sorted(lake, reverse=True):
        entry = lake[hour]
        if hour < first or folded.get(hour) == entry.version.digest:
            continue
        is_closed = now >= hour.end + GRACE
        settled = hour not in folded or now - entry.changed >= SETTLE
        if (is_closed and settled) or (not is_closed and _is_refresh_due(now, refresh)):
            wanted.append(hour)
    return wanted


def plan_runs(hours: Sequence[Hour], lake: Mapping[Hour, HourEntry]) -> list[Request]:
    """Runs over stale hours, newest first: the newest alone, long stretches of older ones in one run each."""
    if not hours:
        return []
    newest, older = hours[0], sorted(hours[1:])
    stretches: list[list[Hour]] = []
    for hour in older:
        if stretches and stretches[-1][-1].next() == hour:
            stretches[-1].append(hour)
        else:
            stretches.append([hour])
    groups = [g for s in reversed(stretches) for g in ([s] if len(s) >= _RANGE_FROM else [[h] for h in reversed(s)])]
    return [Request(g, _digest(g, lake), is_newest=g == [newest]) for g in [[newest], *groups]][:_RUNS_A_TICK]


def hour_sensor(job: ExecutableDefinition, *, first: Hour, refresh: timedelta) -> dg.SensorDefinition:
    """The sensor over the hours of trades."""

    @dg.sensor(
        name="trades_hour_changed",
        job=job,
        minimum_interval_seconds=1,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for the candles of every hour whose trades are not those the candles were folded from.",
    )
    def trades_hour_changed(context: dg.SensorEvaluationContext, lake: dg.ResourceParam[Lake]) -> dg.SensorResult:
        reported: dict[str, str] = json.loads(context.cursor or "{}")
        deadline = time.monotonic() + _LONG_POLL_S
        while True:
            hours = lake.trade_hours()
            folded = lake.folded_hours()
            now = datetime.now(UTC)
            requests = plan_runs(stale_hours(hours, folded, now, first=first, refresh=refresh), hours)
            news = {h: e for h, e in hours.items() if reported.get(h.key) != e.version.digest and h >= first}
            if requests or news or time.monotonic() >= deadline:
                break
            time.sleep(_POLL_S)
        cursor = {h.key: e.version.digest for h, e in hours.items()}
        return dg.SensorResult(
            asset_events=[_event(hour, entry) for hour, entry in sorted(news.items())],
            run_requests=[_run_request(request) for request in requests],
            cursor=json.dumps(cursor),
        )

    return trades_hour_changed


def _is_refresh_due(now: datetime, refresh: timedelta) -> bool:
    return now.timestamp() % refresh.total_seconds() < _LONG_POLL_S + 2


def _digest(hours: Sequence[Hour], lake: Mapping[Hour, HourEntry]) -> str:
    versions = [lake[hour].version for hour in hours]
    total = versions[0]
    for version in versions[1:]:
        total = total.plus(version)
    return total.digest


def _event(hour: Hour, entry: HourEntry) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        TRADES.name,
        partition=hour.key,
        tags={"dagster/data_version": entry.version.digest},
        metadata={"dagster/partition_row_count": entry.version.rows},
    )


def _run_request(request: Request) -> dg.RunRequest:
    first, last = request.hours[0].key, request.hours[-1].key
    tags = {"cryptoviz/hour": first, "dagster/priority": "10" if request.is_newest else "0"}
    if first == last:
        return dg.RunRequest(run_key=request.run_key, partition_key=first, tags=tags)
    ends = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    return dg.RunRequest(run_key=request.run_key, tags={**tags, **ends})
