"""What each partition of a table is made of right now: the live files of its Delta log, named by a digest.

A digest changes with every rewrite of the partition, be it by a merge of files alone; equal digests mean equal rows.
This holds for every table, whoever writes it.
"""

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.schema import DAY_COLUMNS, Table
from cryptoviz.storage.frames import TableNotWritten, empty, open_table
from cryptoviz.storage.objects import Objects

Span = Hour | Day
_READS_AT_ONCE = 8


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
            files = _files(self._table, self._delta)
            self._known = {span: _digest(found) for span, found in files.items()}
            self._version = self._delta.version()
        return self._known


class LakeFileGone(RuntimeError):
    """A file of a snapshot was vacuumed before it was read; look at the table again."""


class TableSnapshot:
    """One table as it was when this was made: states and rows of its partitions agree. Raises TableNotWritten."""

    def __init__(self, table: Table, location: Location) -> None:
        delta = open_table(table, location)
        self._table, self._objects = table, Objects(location)
        self._files = _files(table, delta)
        self._counts = _row_counts(table, delta)
        self._version, self._table_id = delta.version(), str(delta.metadata().id)

    def state(self, span: Span) -> PartitionState:
        """What a partition is made of; its digest is empty when it has no files."""
        files = self._files.get(span)
        digest = _digest(files) if files else ""
        return PartitionState(table_id=self._table_id, lake_version=self._version, digest=digest)

    def row_counts(self) -> dict[Span, int]:
        """Rows of every partition, from the log alone."""
        return dict(self._counts)

    def rows(self, span: Span, columns: Sequence[str]) -> pl.DataFrame:
        """The rows of a partition. Raises :class:`LakeFileGone`."""
        paths = [f"{self._table.name}/{path}" for path, _ in self._files.get(span, [])]
        if not paths:
            return empty(self._table).select(columns)
        with ThreadPoolExecutor(max_workers=_READS_AT_ONCE) as pool:
            parts = list(pool.map(lambda path: read_live_file(self._table, self._objects, path), paths))
        rows = pl.from_arrow(pa.concat_tables(parts))
        assert isinstance(rows, pl.DataFrame)  # noqa: S101 - from_arrow of a table is a frame
        return rows.select(columns)


def read_live_file(table: Table, objects: Objects, path: str) -> pa.Table:
    """The data columns of one file, by its path under the root of the lake. Raises :class:`LakeFileGone`."""
    payload = objects.get(path)
    if payload is None:
        raise LakeFileGone(f"{path} was replaced and then removed; read table {table.name} anew")
    rows = pq.read_table(io.BytesIO(payload), columns=list(table.column_names), partitioning=None)
    return rows.cast(arrow_schema(table))


def live_files(table: Table, location: Location) -> list[tuple[Span, str]]:
    """Every live file of a table with its partition, by a path under the table. Raises TableNotWritten."""
    files = _files(table, open_table(table, location))
    return [(span, path) for span, found in files.items() for path, _ in found]


def _files(table: Table, delta: DeltaTable) -> dict[Span, list[tuple[str, int]]]:
    """Path and size of the live files of each partition."""
    actions = pa.table(delta.get_add_actions(flatten=True))
    files: dict[Span, list[tuple[str, int]]] = {}
    for path, size in zip(actions["path"].to_pylist(), actions["size_bytes"].to_pylist(), strict=True):
        files.setdefault(_span(table, path), []).append((path, size))
    return files


def _row_counts(table: Table, delta: DeltaTable) -> dict[Span, int]:
    actions = pa.table(delta.get_add_actions(flatten=True))
    counts: dict[Span, int] = {}
    for path, rows in zip(actions["path"].to_pylist(), actions["num_records"].to_pylist(), strict=True):
        span = _span(table, path)
        counts[span] = counts.get(span, 0) + (rows or 0)
    return counts


def _digest(files: Iterable[tuple[str, int]]) -> str:
    return hashlib.sha256("\n".join(sorted(f"{path}:{size}" for path, size in files)).encode()).hexdigest()[:32]


def _span(table: Table, path: str) -> Span:
    if table.partition_columns != DAY_COLUMNS:
        return Hour.from_path(path)
    values = dict(part.split("=", 1) for part in path.split("/") if "=" in part)
    return Day.from_key("-".join(values[name] for name in DAY_COLUMNS))
