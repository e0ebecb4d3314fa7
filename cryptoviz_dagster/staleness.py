"""Which hours of candles are stale and in which runs they are made: pure rules, no Dagster, no clock of their own.

Level-triggered: the rules compare what is with what should be, so a lost event, cursor or run heals by itself.
Compaction and replays leave an hour's version as it is and start nothing; a late trade changes it and always does.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.storage.hour_index import HourEntry
from cryptoviz_dagster.folded_hours import Standing

_NOTHING = HourVersion()


class Reason(StrEnum):
    """Why an hour is folded."""

    OPEN = "open"
    """In progress: a provisional fold, so that people see candles before the hour ends."""
    CLOSED = "closed"
    """Its first fold since it ended."""
    LATE = "late"
    """Trades or quotes came in after it was folded."""
    EDGES = "edges"
    """It has blind minutes, and the hours beside it now know more ids."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long to wait for what.

    An ended hour is complete once a later hour has trades and ``overlap`` has passed, at the latest after ``grace``.
    Late data settles for ``settle``, unless it has kept coming for ``settle_limit``; so does an hour that is first
    seen longer than ``on_time`` after its end, which is one that is being backfilled. An hour without any input waits
    until the one before it has been left alone for ``settle_limit``: history arrives hour by hour. ``refresh`` spaces
    the provisional folds.
    """

    refresh: timedelta
    overlap: timedelta = timedelta(seconds=2)
    grace: timedelta = timedelta(seconds=15)
    settle: timedelta = timedelta(seconds=20)
    settle_limit: timedelta = timedelta(minutes=5)
    on_time: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class StaleHour:
    """An hour to fold: the version of its input and, for edges, that of its neighbours."""

    hour: Hour
    version: HourVersion
    reason: Reason
    beside: HourVersion = _NOTHING


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A run over consecutive hours, in order; usually one. ``key`` names the hours and what they are folded from."""

    hours: Sequence[Hour]
    key: str
    reason: Reason
    is_urgent: bool = False


def stale_hours(
    inputs: Mapping[Hour, HourEntry],
    folded: Mapping[Hour, Standing],
    *,
    latest: Hour | None,
    now: datetime,
    first: Hour,
    patience: Patience,
    waiting: Mapping[Hour, datetime] | None = None,
) -> list[StaleHour]:
    """Hours from ``first`` whose candles do not stand on the ``inputs`` in the lake and that are due, newest first.

    ``latest`` is the hour that every kind of input has reached. ``waiting`` says since when each hour without final
    candles has been seen; of an hour that it does not name nobody knows that it has waited.
    """
    hours, stale = with_empty_hours(inputs, now), []
    for hour in sorted(hours, reverse=True):
        if hour < first or hour.start > now:
            continue
        entry, standing = hours[hour], folded.get(hour)
        if not is_closed(hour, latest or hour, now, patience):
            if now < hour.end and _is_refresh_due(entry, standing, now, patience):
                stale.append(StaleHour(hour=hour, version=entry.version, reason=Reason.OPEN))
        elif standing is None or standing.is_open:
            if not _is_filling(hour, entry, (waiting or {}).get(hour, now), now, patience):
                stale.append(StaleHour(hour=hour, version=entry.version, reason=Reason.CLOSED))
        elif standing.version != entry.version.digest:
            if _has_settled(entry, standing, now, patience):
                stale.append(StaleHour(hour=hour, version=entry.version, reason=Reason.LATE))
        elif standing.is_blind and (news := _news_beside(hour, hours, standing, now, patience)):
            stale.append(StaleHour(hour=hour, version=entry.version, reason=Reason.EDGES, beside=news))
    return stale


def with_empty_hours(inputs: Mapping[Hour, HourEntry], now: datetime, look_back: int = 24) -> dict[Hour, HourEntry]:
    """The hours with input, and those without between them, as far as ``look_back`` hours after one with input.

    The latter changed when that one did.
    """
    known = sorted(hour for hour in inputs if hour.start <= now)
    between = {
        before.next(step): HourEntry(_NOTHING, inputs[before].changed)
        for before, after in pairwise(known)
        for step in range(1, min(after.number - before.number, look_back + 1))
    }
    return between | dict(inputs)


def is_closed(hour: Hour, latest: Hour, now: datetime, patience: Patience) -> bool:
    """Whether the trades of an ended hour can be taken as complete."""
    return now >= hour.end + (patience.overlap if latest > hour else patience.grace)


def plan_runs(
    stale: Sequence[StaleHour], *, alone: Collection[Hour] = (), range_from: int = 6, range_limit: int = 48
) -> list[Request]:
    """Runs over stale hours, newest first: the newest alone, long stretches of older ones in one run each.

    Stretches shorter than ``range_from`` stay one run an hour; none is longer than ``range_limit``. Hours that are to
    run ``alone`` do, so that a bad one does not hold up its neighbours.
    """
    requests = [_request([hour], is_urgent=True) for hour in stale[:1]]
    stretch: list[StaleHour] = []
    for hour in stale[1:]:
        follows = stretch and stretch[-1].hour.next(-1) == hour.hour and len(stretch) < range_limit
        if not follows or hour.hour in alone or stretch[-1].hour in alone:
            requests += _requests(stretch, range_from)
            stretch = []
        stretch.append(hour)
    return requests + _requests(stretch, range_from)


def without_final_candles(
    inputs: Mapping[Hour, HourEntry], folded: Mapping[Hour, Standing], before: Mapping[Hour, datetime], now: datetime
) -> dict[Hour, datetime]:
    """Since when each hour that has no final candles has been seen, given what was known ``before``."""
    return {
        hour: before.get(hour, now) for hour in inputs if (standing := folded.get(hour)) is None or standing.is_open
    }


def _is_filling(hour: Hour, entry: HourEntry, since: datetime, now: datetime, patience: Patience) -> bool:
    """Whether an hour that ended long ago is still coming in: folded now it would be published twice."""
    if entry.version == _NOTHING:
        return now - entry.changed < patience.settle_limit
    is_on_time = now < hour.end + patience.on_time
    return not is_on_time and now - entry.changed < patience.settle and now - since < patience.settle_limit


def _is_refresh_due(entry: HourEntry, standing: Standing | None, now: datetime, patience: Patience) -> bool:
    if standing is None:
        return True
    return standing.version != entry.version.digest and now - standing.as_of >= patience.refresh


def _has_settled(entry: HourEntry, standing: Standing, now: datetime, patience: Patience) -> bool:
    return now - entry.changed >= patience.settle or now - standing.as_of >= patience.settle_limit


def _news_beside(
    hour: Hour, hours: Mapping[Hour, HourEntry], standing: Standing, now: datetime, patience: Patience
) -> HourVersion | None:
    """Version of the neighbours when they changed since the fold.

    A neighbour in progress changes all the time: it is asked after pauses that double, from ``refresh`` on.
    """
    beside = [(h, hours[h]) for h in (hour.next(-1), hour.next()) if h in hours]
    changed = [(h, e) for h, e in beside if e.changed > standing.as_of]
    pause = max(patience.refresh, standing.as_of - hour.end)
    ended = any(now >= h.end + patience.grace and now - e.changed >= patience.settle for h, e in changed)
    if not ended and not (changed and now - standing.as_of >= pause):
        return None
    version = _NOTHING
    for _, entry in beside:
        version = version.plus(entry.version)
    return version


def _requests(stretch: Sequence[StaleHour], range_from: int) -> list[Request]:
    return [_request(stretch)] if len(stretch) >= range_from else [_request([hour]) for hour in stretch]


def _request(newest_first: Sequence[StaleHour], *, is_urgent: bool = False) -> Request:
    hours = newest_first[::-1]
    version = beside = _NOTHING
    for stale in hours:
        version, beside = version.plus(stale.version), beside.plus(stale.beside)
    first, last, reason = hours[0].hour.key, hours[-1].hour.key, hours[0].reason
    key = f"trades:{first if first == last else f'{first}..{last}'}@{version.digest}"
    if reason is Reason.OPEN:
        key += "/open"
    if beside != _NOTHING:
        key += f"/beside@{beside.digest}"
    return Request(hours=[stale.hour for stale in hours], key=key, reason=reason, is_urgent=is_urgent)
