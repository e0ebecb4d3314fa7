"""Tables as their logs have them, and the markets in them: ranges, rows and hours."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl
from deltalake import DeltaTable

from cryptoviz.inspect.reach import reading
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import TABLES
from cryptoviz.storage.frames import TableNotWritten, open_table, scan


@dataclass(frozen=True, kw_only=True, slots=True)
class TableStatus:
    """A table as its log has it, without reading data."""

    name: str
    rows: int
    hours: int
    files: int
    bytes: int
    last_commit: str
    age_s: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def tables(location: Location) -> list[TableStatus]:
    """Every table that exists. Raises :class:`~cryptoviz.inspect.reach.Unreachable` when the store does not answer."""
    found = []
    with reading(location):
        for table in TABLES:
            try:
                found.append(_status(table, open_table(table, location)))
            except TableNotWritten:
                continue
    return found


def markets(location: Location, table: Table) -> pl.DataFrame:
    """Range, rows and hours of each venue and symbol of a table; a record without a market counts under nulls."""
    time = pl.col(table.time_column)
    return (
        scan(table, location)
        .group_by(_market(table))
        .agg(first=time.min(), last=time.max(), rows=pl.len(), hours=pl.struct(table.partition_columns).n_unique())
        .sort("venue", "symbol")
        .collect()
    )


def _market(table: Table) -> list[pl.Expr]:
    if "symbol" in table.column_names:
        return [pl.col("venue"), pl.col("symbol")]
    parts = pl.col("key").str.splitn(":", 2).struct
    return [parts.field("field_0").alias("venue"), parts.field("field_1").alias("symbol")]


def _status(table: Table, delta: DeltaTable) -> TableStatus:
    actions = pl.DataFrame(delta.get_add_actions(flatten=True))
    newest = datetime.fromtimestamp(delta.history(1)[0]["timestamp"] / 1000, UTC)
    hours = [f"partition.{name}" for name in table.partition_columns]
    has_files = actions.height > 0
    return TableStatus(
        name=table.name,
        rows=int(actions["num_records"].sum()) if has_files else 0,
        hours=actions.select(hours).n_unique() if has_files else 0,
        files=actions.height,
        bytes=int(actions["size_bytes"].sum()) if has_files else 0,
        last_commit=newest.isoformat(timespec="milliseconds"),
        age_s=max(0, int((datetime.now(UTC) - newest).total_seconds())),
    )
