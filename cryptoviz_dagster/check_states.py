"""Which checks fail now, partition by partition, and what has changed since it was last told: level-triggered.

A failed check does not fail its run, and the newest execution says nothing of the other partitions, so the states are
gathered from the executions themselves. What was told lies in the sensor's cursor; without it, all that fails is told
once more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
import msgspec
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)

_PAGES = (20, 480, 1_500, 3_000)
"""Executions read of one check in a tick; the first page is all that a quiet one costs."""
_ABANDONED = timedelta(hours=1)
"""A planned execution this old belongs to a run that died before it."""
_PLANNED = AssetCheckExecutionRecordStatus.PLANNED


class Told(msgspec.Struct):
    """The sensor's memory: up to which execution each check is settled, and which partitions of it fail."""

    settled: dict[str, int] = {}
    failing: dict[str, list[str]] = {}

    @staticmethod
    def decode(cursor: str | None) -> "Told":
        """Memory of a cursor; empty when there is none or it cannot be read."""
        try:
            return msgspec.json.decode(cursor or "{}", type=Told)
        except msgspec.DecodeError:
            return Told()

    def encode(self) -> str:
        """The cursor."""
        return msgspec.json.encode(self).decode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A check that now fails or has recovered, for one partition or, with an empty one, for the asset."""

    key: dg.AssetCheckKey
    partition: str
    has_failed: bool
    evaluation: dg.AssetCheckEvaluation
    run_id: str


def changes(
    instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey], told: Told, *, now: datetime, limit: int
) -> list[Change]:
    """At most ``limit`` changes since ``told``, which is brought up to date with what is returned."""
    found: list[Change] = []
    for key in sorted(keys, key=_name):
        name = _name(key)
        failing, settled = set(told.failing.get(name, [])), told.settled.get(name, 0)
        records = list(_recent(instance, key, settled))
        news = list(_news(key, records, failing))
        taken = news[: limit - len(found)]
        found += taken
        told.failing[name] = sorted(failing ^ {change.partition for change in taken})
        if len(taken) == len(news):
            told.settled[name] = _settled(records, now) or settled
    return found


def _news(key: dg.AssetCheckKey, records: Sequence[AssetCheckExecutionRecord], failing: set[str]) -> Iterator[Change]:
    """Compare the newest finished execution of each partition with what was told of it."""
    looked_at: set[str] = set()
    for record in records:
        evaluation = _evaluation(record)
        partition = record.partition or ""
        if evaluation is None or partition in looked_at:
            continue
        looked_at.add(partition)
        if evaluation.passed == (partition in failing):
            yield Change(
                key=key,
                partition=partition,
                has_failed=not evaluation.passed,
                evaluation=evaluation,
                run_id=record.run_id,
            )


def _recent(instance: dg.DagsterInstance, key: dg.AssetCheckKey, settled: int) -> Iterator[AssetCheckExecutionRecord]:
    """Executions after the settled one, newest first, and some before it."""
    cursor: int | None = None
    for size in _PAGES:
        page = instance.event_log_storage.get_asset_check_execution_history(key, limit=size, cursor=cursor)
        yield from page
        if len(page) < size or page[-1].id <= settled:
            return
        cursor = page[-1].id


def _settled(records: Sequence[AssetCheckExecutionRecord], now: datetime) -> int:
    """Newest execution that has no unfinished one before it; 0 when there is none."""
    oldest_unfinished = min(
        (r.id for r in records if r.status is _PLANNED and now - _planned_at(r) < _ABANDONED), default=None
    )
    newest = max((r.id for r in records), default=0)
    return newest if oldest_unfinished is None else oldest_unfinished - 1


def _planned_at(record: AssetCheckExecutionRecord) -> datetime:
    return datetime.fromtimestamp(record.create_timestamp, UTC)


def _evaluation(record: AssetCheckExecutionRecord) -> dg.AssetCheckEvaluation | None:
    event = record.event.dagster_event if record.event else None
    found = event.event_specific_data if event else None
    return found if isinstance(found, dg.AssetCheckEvaluation) else None


def _name(key: dg.AssetCheckKey) -> str:
    return f"{key.asset_key.to_user_string()}:{key.name}"
