"""What a table no longer needs: files replaced or never committed, old commits of its log, rows past keeping.

Nothing is deleted that a reader may still be at, that a writer owes to a table, or that a start would resume from.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from cryptoviz.lake.ledger import State
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import table_named
from cryptoviz.lake.topics import TOPICS
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import TableNotWritten, open_table
from cryptoviz.storage.live_files import files_by_span, replace_files
from cryptoviz.storage.objects import Objects

LOG_KEPT = timedelta(days=30)
"""As ``delta.logRetentionDuration`` of the tables."""


class StateMissing(RuntimeError):
    """A commit names a state object that is not in the store: what is owed to other tables cannot be known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expired:
    """What retention took: hours (or days) and the bytes of their files."""

    spans: int = 0
    size: int = 0


def vacuum(table: Table, location: Location, *, kept: timedelta, owed: Collection[str]) -> int:
    """Delete the table's files that no version younger than ``kept`` has; how many.

    ``owed`` are the paths of :func:`owed_files`, written but not committed, which stay however old they are.
    """
    try:
        delta = open_table(table, location)
    except TableNotWritten:
        return 0
    hours = max(1, kept // timedelta(hours=1))
    unused = delta.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False, full=True)
    paths = [path for path in (f"{table.name}/{name}" for name in unused) if path not in owed]
    Objects(location).delete(paths)
    return len(paths)


def owed_files(location: Location) -> set[str]:
    """Paths of files that the newest commits of the clean tables owe to other tables. Raises :class:`StateMissing`."""
    owed: set[str] = set()
    for table in (table_named(topic.clean_table) for topic in TOPICS):
        if not DeltaTable.is_deltatable(location.table(table.name), location.storage_options):
            continue
        entry = LakeTable(table, location).last_entry()
        if entry is None or not entry.state:
            continue
        payload = Objects(location).get(entry.state)
        if payload is None:
            raise StateMissing(f"table {table.name}: its last commit names {entry.state}, which is gone from the store")
        owed |= {f"{file.table}/{file.path}" for file in State.decode(payload).owed}
    return owed


def clean_log(table: Table, location: Location, *, now: datetime) -> bool:
    """Write a checkpoint and delete commits older than :data:`LOG_KEPT`; tells whether it was done.

    It is put off while the newest commit that carried data is that old itself: a writer's start resumes from it.
    """
    if not DeltaTable.is_deltatable(location.table(table.name), location.storage_options):
        return False
    lake_table = LakeTable(table, location)
    entry = lake_table.last_entry()
    if entry is not None and datetime.fromisoformat(entry.valid_through or now.isoformat()) < now - LOG_KEPT:
        return False
    lake_table.delta.create_checkpoint()
    lake_table.delta.cleanup_metadata()
    return True


def expire(table: Table, location: Location, *, kept: timedelta, now: datetime) -> Expired:
    """Take the hours (days of a daily table) that ended longer than ``kept`` ago out of the table.

    Their files stay readable for those who opened an older version until they are vacuumed. An hour that is being
    changed is left for the next time.
    """
    try:
        delta = open_table(table, location)
    except TableNotWritten:
        return Expired()
    spans = size = 0
    for span, files in sorted(files_by_span(table, delta).items(), key=lambda item: item[0].start):
        if span.end + kept > now:
            continue
        try:
            replace_files(delta, table, span, files, [], {"cryptoviz.expired": span.key}, same_rows=False)
        except CommitFailedError:
            continue
        finally:
            delta.update_incremental()
        spans += 1
        size += sum(file.size for file in files)
    return Expired(spans=spans, size=size)
