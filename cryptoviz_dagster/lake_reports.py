"""Materializations of the external lake tables: what Spark has written, told to Dagster's catalogue hour by hour.

Only the picture of the lineage depends on it; no run does. What was told is read back from the events themselves.
Recent days are looked at each time, all hours of one table after another, so that years of them cost little.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import dagster as dg

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import DUPLICATES, QUARANTINE, table_named
from cryptoviz.lake.topics import TOPICS
from cryptoviz.storage.hour_index import HourEntry
from cryptoviz_dagster.defs.lake.assets import topic_key
from cryptoviz_dagster.resources import Lake

REPORTED = (*(table_named(name) for t in TOPICS for name in (t.clean_table, t.raw_table)), QUARANTINE, DUPLICATES)
AT_ONCE = 40
_RECENT = timedelta(hours=48)
_ASKED_AT_ONCE = 5_000
"""So many hours of a table are looked up in a tick: years of them would take a second after each start."""
DATA_VERSION_TAG = "dagster/data_version"
"""The one tag that Dagster indexes by partition."""


class LakeReports:
    """Finds hours of the lake that Dagster does not know at their present version. One per process."""

    def __init__(self, *, first: Hour, refresh: timedelta) -> None:
        self._first, self._refresh = first, refresh
        self._told: dict[str, dict[Hour, str]] = {}
        self._open_told: dict[str, datetime] = {}
        self._turn = 0

    def news(self, instance: dg.DagsterInstance, lake: Lake, *, now: datetime) -> list[dg.AssetMaterialization]:
        """At most :data:`AT_ONCE` events, newest hours first; an hour in progress is told once in ``refresh``."""
        events: list[dg.AssetMaterialization] = []
        whole, has_more = REPORTED[self._turn % len(REPORTED)], False
        for table in REPORTED:
            since = None if table is whole else now - _RECENT
            hours = {
                hour: entry
                for hour, entry in lake.hours(table, since=since).items()
                if self._first <= hour and hour.start <= now
            }
            unknown = self._untold(table.name, hours, now)
            asked = {hour: hours[hour] for hour in unknown[:_ASKED_AT_ONCE]}
            if asked:
                told = _told_versions(instance, table.name, [hour.key for hour in asked])
                self._told.setdefault(table.name, {}).update(told)
            untold = self._untold(table.name, asked, now)[: AT_ONCE - len(events)]
            has_more |= len(asked) < len(unknown)
            events += [_event(table.name, hour, hours[hour]) for hour in untold]
            if any(hour.end > now for hour in untold):
                self._open_told[table.name] = now
                events += _topic_events(table)
        # A table with more to tell than fits keeps its turn.
        self._turn += len(events) < AT_ONCE and not has_more
        return events

    def _untold(self, table: str, hours: Mapping[Hour, HourEntry], now: datetime) -> list[Hour]:
        told = self._told.get(table, {})
        waits = table in self._open_told and now - self._open_told[table] < self._refresh
        return [
            hour
            for hour in sorted(hours, reverse=True)
            if told.get(hour) != hours[hour].version.digest and not (hour.end > now and waits)
        ]


def _told_versions(instance: dg.DagsterInstance, table: str, keys: Sequence[str]) -> dict[Hour, str]:
    """Version in the newest event of each of these hours that has one."""
    tags = instance.event_log_storage.get_latest_tags_by_partition(
        dg.AssetKey(table),
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        [DATA_VERSION_TAG],
        asset_partitions=keys,
    )
    return {Hour.from_key(key): values[DATA_VERSION_TAG] for key, values in tags.items()}


def _topic_events(table: Table) -> list[dg.AssetMaterialization]:
    """A raw table that grows says that its topic is alive; the freshness of topics rests on it."""
    topics = [topic for topic in TOPICS if topic.raw_table == table.name]
    return [dg.AssetMaterialization(topic_key(topic), description="Records reached the lake.") for topic in topics]


def _event(table: str, hour: Hour, entry: HourEntry) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        table,
        partition=hour.key,
        tags={DATA_VERSION_TAG: entry.version.digest},
        metadata={
            "dagster/partition_row_count": entry.version.rows,
            "committed": dg.MetadataValue.timestamp(entry.changed),
        },
    )
