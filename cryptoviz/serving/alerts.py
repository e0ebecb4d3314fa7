"""What is wrong, by rules that need no configuration: silent venues and stores, services down, gaps, unequal candles.

Conditions of this moment (a service, a venue, the lake) are looked at every few seconds and remembered with their end;
those of the data (gaps, blind minutes, candles that differ from the venue's) are read from the data itself.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta

import polars as pl

from cryptoviz.inspect.gaps import gaps
from cryptoviz.inspect.reach import Unreachable
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.gaps import GapState
from cryptoviz.serving import quality
from cryptoviz.serving.conditions import Alert
from cryptoviz.serving.parts import Parts
from cryptoviz.serving.services import services
from cryptoviz.serving.snapshots import StoreUnavailable

_LOOK_EVERY_S = 5.0
_BLIND, _SCHEMA_TIME = "blind", pl.Datetime("us", "UTC")


async def watch(parts: Parts) -> None:
    """Look every few seconds until cancelled."""
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        found = await asyncio.to_thread(look, parts)
        parts.conditions.see(found, parts.clock())


def look(parts: Parts) -> list[Alert]:
    """What is wrong at this moment with services, venues and the lake."""
    return [*_silent_venues(parts), *_lake(parts), *_feed(parts), *_services(parts)]


def _silent_venues(parts: Parts) -> Iterator[Alert]:
    now = parts.clock()
    for venue, fresh in list(parts.live.venues.items()):
        silent_s = now.timestamp() - fresh.heard
        if silent_s > fresh.stale_after_s:
            since = now - timedelta(seconds=silent_s - fresh.stale_after_s)
            yield Alert(
                fired_time=since, rule="venue_silent", severity="critical", subject=str(venue),
                value=f"{fresh.stale_after_s:.0f} s", venue=str(venue),
            )  # fmt: skip


def _lake(parts: Parts) -> Iterator[Alert]:
    snapshot = parts.snapshots.known(OHLC_1M)
    if snapshot and snapshot.doubt:
        since = parts.clock() - timedelta(seconds=snapshot.age_s)
        yield Alert(fired_time=since, rule="lake_silent", severity="critical", subject="lake", value=snapshot.doubt)


def _feed(parts: Parts) -> Iterator[Alert]:
    health = parts.live_health()
    if health and not health.get("connected"):
        reason = str(health.get("reason") or "")
        yield Alert(fired_time=parts.clock(), rule="feed_lost", severity="critical", subject="kafka", value=reason)


def _services(parts: Parts) -> Iterator[Alert]:
    for one in services(parts.settings):
        if one["state"] != "ready":
            yield Alert(
                fired_time=parts.clock(), rule=f"service_{one['state']}", subject=one["name"],
                severity="critical" if one["state"] == "down" else "warning", value=_summary(one["detail"]),
            )  # fmt: skip


def _summary(detail: object) -> str:
    """What a service says of itself in a line; parts in the same state are counted."""
    if not isinstance(detail, dict):
        return str(detail or "")
    states = Counter(str(state) for state in detail.values() if isinstance(state, str))
    return ", ".join(f"{count} {state}" if count > 1 else state for state, count in states.most_common())


def of_the_data(parts: Parts, first: datetime, end: datetime) -> list[Alert]:
    """Gaps, blind minutes and unequal candles of a range. Raises StoreUnavailable, OSError."""
    return [*_gaps(parts, first, end), *_blind(parts, first, end), *_unequal(parts, first, end)]


def _gaps(parts: Parts, first: datetime, end: datetime) -> Iterator[Alert]:
    try:
        known = gaps(parts.settings.lake)
    except Unreachable as error:
        raise StoreUnavailable(str(error)) from error
    for row in known.filter(pl.col("opened_time").is_between(first, end)).iter_rows(named=True):
        repaired = row["opened_time"] + timedelta(seconds=row["seconds"]) if row["state"] == GapState.REPAIRED else None
        yield Alert(
            fired_time=row["opened_time"], rule=f"gap_{row['cause']}", venue=row["venue"], symbol=row["symbol"],
            severity="critical" if row["state"] == GapState.UNRECOVERABLE else "warning",
            subject=f"{row['venue']}:{row['symbol']}", value=str(row["ids"]), ended_time=repaired,
        )  # fmt: skip


def _blind(parts: Parts, first: datetime, end: datetime) -> Iterator[Alert]:
    found = quality.unknown_stretches(quality.minutes_between(parts, first, end))
    for row in found.filter(pl.col("status") == _BLIND).iter_rows(named=True):
        yield Alert(
            fired_time=row["start"], rule="minutes_blind", severity="warning", venue=row["venue"],
            symbol=row["symbol"], subject=f"{row['venue']}:{row['symbol']}", value=str(row["minutes"]),
        )  # fmt: skip


def _unequal(parts: Parts, first: datetime, end: datetime) -> Iterator[Alert]:
    found = quality.reconciled(parts, first, end)
    for row in found.filter(pl.col("differs").list.len() > 0).iter_rows(named=True) if found.height else []:
        yield Alert(
            fired_time=row["window_start"], rule="candle_differs", severity="warning", venue=row["venue"],
            symbol=row["symbol"], subject=f"{row['venue']}:{row['symbol']}", value=", ".join(row["differs"]),
        )  # fmt: skip


def frame_of(alerts: Iterable[Alert]) -> pl.DataFrame:
    """Alerts as rows, by time; those without an end are still firing."""
    text = ("rule", "severity", "subject", "value", "venue", "symbol")
    schema = {"fired_time": _SCHEMA_TIME, **dict.fromkeys(text, pl.String()), "ended_time": _SCHEMA_TIME}
    return pl.DataFrame([asdict(one) for one in alerts], schema=schema).sort("fired_time", "rule", "subject")
