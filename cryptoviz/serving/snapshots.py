"""The newest known state of each table: which files hold which partition. Kept when the store does not answer.

A file of a Delta table never changes, so its path is a cache key that holds the revision: what a correction replaced
cannot be served from a cache, whatever its age.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from cryptoviz.inspect.reach import require_lake
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import table_named
from cryptoviz.storage.frames import TableNotWritten, open_table

_SILENT_S = 15.0
"""An object store's client tries again for minutes before it gives up; nobody should wait for that to be told.

So a server that refuses connections is found out before the client is asked, and one that hangs by its silence.
"""
Partition = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """A table as of one version. ``files`` are URIs by day, or month of a daily table; empty when not written yet."""

    version: int
    files: Mapping[Partition, tuple[str, ...]]
    checked: float
    failure: str = ""

    @property
    def age_s(self) -> float:
        """Seconds since the store last confirmed that this is the newest state."""
        return max(0.0, time.monotonic() - self.checked)

    @property
    def doubt(self) -> str:
        """Why this may not be the newest state; empty while the store answers."""
        if self.failure:
            return self.failure
        return f"no answer for {self.age_s:.0f} s" if self.age_s > _SILENT_S else ""


@dataclass(slots=True)
class _Watched:
    lock: threading.Lock = field(default_factory=threading.Lock)
    delta: DeltaTable | None = None
    snapshot: Snapshot | None = None


class StoreUnavailable(ConnectionError):
    """The store does not answer and the table was never read before."""


class Snapshots:
    """Snapshots of the tables of one lake. Safe to use from threads.

    A table is opened when first asked for. From then on :meth:`refresh` moves it on; ``prepare`` is called with each
    new state before anybody sees it, so that what is needed from it can be read ahead.
    """

    def __init__(self, location: Location, *, prepare: Callable[[Table, Snapshot], None] | None = None) -> None:
        self.location = location
        self.prepare = prepare
        self._tables: defaultdict[str, _Watched] = defaultdict(_Watched)

    def known(self, table: Table) -> Snapshot | None:
        """The state last seen; None when the table was never asked for."""
        return self._tables[table.name].snapshot

    def watched(self) -> dict[str, Snapshot]:
        """Every table asked for so far."""
        return {name: entry.snapshot for name, entry in list(self._tables.items()) if entry.snapshot}

    def latest(self, table: Table) -> Snapshot:
        """The newest state known. Raises :class:`StoreUnavailable` when there is none and the store does not answer."""
        watched = self._tables[table.name]
        if watched.snapshot is None:
            with watched.lock:
                if watched.snapshot is None:
                    watched.snapshot = self._refresh(table, watched)
        return watched.snapshot

    def refresh(self) -> None:
        """See what was committed since, in every table asked for; a failure is kept in the snapshot."""
        for name, watched in list(self._tables.items()):
            if watched.snapshot is None:
                continue
            table = table_named(name)
            with watched.lock:
                fresh = self._refresh(table, watched)
                if self.prepare and fresh.version != watched.snapshot.version:
                    self.prepare(table, fresh)
                watched.snapshot = fresh

    def _refresh(self, table: Table, watched: _Watched) -> Snapshot:
        now, before = time.monotonic(), watched.snapshot
        try:
            require_lake(self.location)
            if watched.delta is None:
                watched.delta = open_table(table, self.location)
            else:
                watched.delta.update_incremental()
            version = watched.delta.version()
            same = before is not None and before.version == version
            files = before.files if same and before else _files(watched.delta, table)
        except TableNotWritten:
            return Snapshot(version=-1, files={}, checked=now)
        except (OSError, DeltaError) as error:
            reason = str(error).split("\n", maxsplit=1)[0][:200]
            if before is None:
                raise StoreUnavailable(f"the lake does not answer: {reason}") from error
            return Snapshot(version=before.version, files=before.files, checked=before.checked, failure=reason)
        return Snapshot(version=version, files=files, checked=now)


def _files(delta: DeltaTable, table: Table) -> dict[Partition, tuple[str, ...]]:
    actions = pl.DataFrame(delta.get_add_actions(flatten=True))
    if not actions.height:
        return {}
    names = [f"partition.{name}" for name in table.partition_columns[:-1]]
    rows = actions.select("path", pl.concat_list(pl.col(name).cast(pl.String) for name in names)).iter_rows()
    root, found = delta.table_uri.rstrip("/"), defaultdict(list)
    for path, values in rows:
        found[tuple(values)].append(f"{root}/{path}")
    return {partition: tuple(sorted(paths)) for partition, paths in sorted(found.items())}
