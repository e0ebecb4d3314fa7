"""Versions of a table's hours as small objects, one a day, so that a sensor sees what changed without reading the log.

The index repeats what the commits say. Its one writer is the table's writer, which publishes after each commit and
again at start, so a crash between commit and index heals itself.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import msgspec

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.storage.objects import ObjectInfo, Objects

_READS_AT_ONCE = 8


class HourEntry(msgspec.Struct, frozen=True):
    """Version of an hour and when it came to be."""

    version: HourVersion
    changed: datetime


_Day = dict[str, HourEntry]


class HourIndex:
    """Hours of one table. Reads are cached by the objects' tags: a quiet tick costs one listing."""

    def __init__(self, objects: Objects, table: str) -> None:
        self._objects = objects
        self._root = f"_ledger/{table}/hours"
        self._days: dict[str, tuple[str, dict[Hour, HourEntry]]] = {}

    def read(self, *, since: datetime | None = None) -> dict[Hour, HourEntry]:
        """Every hour of the table with its current version, or those of the days from ``since`` on.

        Years of hours take a tenth of a second even when all of them are known; a few days take next to nothing.
        """
        # Paths of the day itself come after the bare date.
        after = f"{self._root}/{since:%Y-%m-%d}" if since else None
        listed = self._objects.list(self._root, after=after)
        changed = [info for info in listed if self._days.get(info.path, ("",))[0] != info.tag]
        with ThreadPoolExecutor(_READS_AT_ONCE) as readers:
            days = self._days | dict(readers.map(self._day, changed))
        # Others may read at the same time, so what is returned never depends on what is kept.
        self._days = days if since else {info.path: days[info.path] for info in listed}
        return {hour: entry for info in listed for hour, entry in days[info.path][1].items()}

    def version(self, hour: Hour) -> HourVersion | None:
        """Version of one hour as the index has it."""
        entry = self._load(self._path(hour)).get(hour.key)
        return entry.version if entry else None

    def publish(self, versions: Mapping[Hour, HourVersion], *, now: datetime) -> None:
        """Record new versions; an hour whose version is already there keeps its time of change."""
        by_day: dict[str, dict[Hour, HourVersion]] = {}
        for hour, version in versions.items():
            by_day.setdefault(self._path(hour), {})[hour] = version
        for path, changes in by_day.items():
            day = self._load(path)
            fresh = {h.key: HourEntry(v, now) for h, v in changes.items() if _version(day.get(h.key)) != v}
            if fresh:
                self._objects.put(path, msgspec.json.encode({**day, **fresh}))

    def _day(self, info: ObjectInfo) -> tuple[str, tuple[str, dict[Hour, HourEntry]]]:
        entries = self._load(info.path)
        return info.path, (info.tag, {Hour.from_key(key): entry for key, entry in entries.items()})

    def _path(self, hour: Hour) -> str:
        return f"{self._root}/{hour.start:%Y-%m-%d}.json"

    def _load(self, path: str) -> _Day:
        payload = self._objects.get(path)
        return msgspec.json.decode(payload, type=_Day) if payload else {}


def _version(entry: HourEntry | None) -> HourVersion | None:
    return entry.version if entry else None


def utc_now() -> datetime:
    """The wall clock, aware; injected where time matters to the result."""
    return datetime.now(UTC)
