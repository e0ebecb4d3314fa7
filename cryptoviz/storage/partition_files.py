"""What each partition of a table is made of right now: the live files of its Delta log, named by a digest.

A digest changes with every rewrite of the partition, be it by a merge of files alone; equal digests mean equal rows.
This holds for every table, whoever writes it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import DAY_COLUMNS, Table
from cryptoviz.storage.frames import TableNotWritten, empty, open_table

Span = Hour | Day


@dataclass(frozen=True, kw_only=True, slots=True)
class PartitionState:
    """The files of one partition at one version of its table; ``table_id`` tells a table begun anew from the old."""

    table_id: str
    lake_version: int
    digest: str

    def emptied(self) -> "PartitionState":
        """The state of the partition when nothing of it is to be kept."""
        return replace(self, digest="")


class PartitionFiles:
    """Digests of all partitions of one table; a look costs one listing while nothing is committed."""

    def __init__(self, table: Table, location: Location) -> None:
        self._table, self._location = table, location
        self._delta: DeltaTable | None = None
        self._known: dict[Span, str] = {}
        self._version = -1

    def read(self) -> Mapping[Span, str] | None:
        """Digest of every partition that has files; None when the table is not written yet."""
        try:
            self._delta = self._delta or open_table(self._table, self._location)
            self._delta.update_incremental()
        except TableNotWritten:
            return None
        if self._delta.version() != self._version:
            self._known, self._version = _digests(self._table, self._delta), self._delta.version()
        return self._known


class TableSnapshot:
    """One table as it was when this was made: states and rows of its partitions agree. Raises TableNotWritten."""

    def __init__(self, table: Table, location: Location) -> None:
        self._table, self._delta = table, open_table(table, location)
        self._digests = _digests(table, self._delta)
        self._table_id = str(self._delta.metadata().id)

    def state(self, span: Span) -> PartitionState:
        """What a partition is made of; its digest is empty when it has no files."""
        digest = self._digests.get(span, "")
        return PartitionState(table_id=self._table_id, lake_version=self._delta.version(), digest=digest)

    def rows(self, span: Span, columns: Sequence[str]) -> pl.DataFrame:
        """The rows of a partition."""
        if span not in self._digests:
            return empty(self._table).select(columns)
        names = self._table.partition_columns
        inside = (pl.col(name) == int(value) for name, value in span.values.items())
        rows = pl.scan_delta(self._delta).with_columns(pl.col(names).cast(pl.Int32)).filter(*inside)
        return rows.select(columns).collect()


def live_files(table: Table, location: Location) -> list[tuple[Span, str]]:
    """Every live file of a table with its partition, by a path under the table. Raises TableNotWritten."""
    actions = pa.table(open_table(table, location).get_add_actions(flatten=True))
    return [(_span(table, path), path) for path in actions["path"].to_pylist()]


def _digests(table: Table, delta: DeltaTable) -> dict[Span, str]:
    actions = pa.table(delta.get_add_actions(flatten=True))
    files: dict[Span, list[str]] = {}
    for path, size in zip(actions["path"].to_pylist(), actions["size_bytes"].to_pylist(), strict=True):
        files.setdefault(_span(table, path), []).append(f"{path}:{size}")
    return {span: hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:32] for span, names in files.items()}


def _span(table: Table, path: str) -> Span:
    if table.partition_columns != DAY_COLUMNS:
        return Hour.from_path(path)
    values = dict(part.split("=", 1) for part in path.split("/") if "=" in part)
    return Day.from_key("-".join(values[name] for name in DAY_COLUMNS))
