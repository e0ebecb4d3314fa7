"""Tables as Polars frames: scanned with partition pruning, one hour or day read whole, or replaced atomically."""

import random
import time
from collections.abc import Mapping

import polars as pl
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import WRAP, HourVersion
from cryptoviz.lake.locations import Location
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.schema import Table
from cryptoviz.storage.delta import LakeTable

_COMMIT_ATTEMPTS = 10


class TableNotWritten(LookupError):
    """The table is of the contract, but nobody has written it yet."""


def open_table(table: Table, location: Location) -> DeltaTable:
    """The Delta table for reading. Raises :class:`TableNotWritten` when it does not exist yet."""
    try:
        return DeltaTable(location.table(table.name), storage_options=location.storage_options)
    except TableNotFoundError:
        raise TableNotWritten(
            f"table {table.name} does not exist in {location.uri} yet; {table.owner} writes it"
        ) from None


def scan(table: Table, location: Location) -> pl.LazyFrame:
    """The table as a lazy frame; filters on its partition columns prune files."""
    return pl.scan_delta(open_table(table, location)).with_columns(pl.col(table.partition_columns).cast(pl.String))


def scan_between(table: Table, location: Location, first: Hour | Day, last: Hour | Day) -> pl.LazyFrame:
    """Rows of the hours (or days) from ``first`` to ``last``, both included, without the partition columns."""
    inside = pl.concat_str(table.partition_columns).is_between(pl.lit(_compact(first)), pl.lit(_compact(last)))
    years = pl.col("year").is_between(pl.lit(first.values["year"]), pl.lit(last.values["year"]))
    return scan(table, location).filter(years, inside).select(table.column_names)


def read_partition(table: Table, location: Location, span: Hour | Day) -> pl.DataFrame:
    """All rows of one hour or day, data columns only; no rows when the table or the partition does not exist yet."""
    try:
        frame = scan(table, location)
    except TableNotWritten:
        return empty(table)
    return frame.filter(*(pl.col(n) == v for n, v in span.values.items())).select(table.column_names).collect()


def empty(table: Table) -> pl.DataFrame:
    """A frame of the table's shape without rows."""
    frame = pl.from_arrow(arrow_schema(table).empty_table())
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - from_arrow of a table is a frame
    return frame


def version_of(frame: pl.DataFrame) -> HourVersion:
    """Version of the rows at hand, from their ``row_hash`` column: a reader records what it really read."""
    total = frame["row_hash"].cast(pl.Int128).sum() if frame.height else 0
    return HourVersion(rows=frame.height, hash_sum=int(total) % WRAP)


def replace_partition(
    table: Table, location: Location, span: Hour | Day, frame: pl.DataFrame, metadata: Mapping[str, str]
) -> int:
    """Replace one hour or day of a table in one commit and return its version. Readers see old or new, never a mix.

    Rows are sorted by the table's key, so the same rows give the same bytes.
    """
    handle = LakeTable(table, location)
    rows = (
        frame.select(table.column_names)
        .sort(table.key)
        .with_columns(pl.lit(v).alias(n) for n, v in span.values.items())
    )
    arrow = rows.to_arrow().cast(arrow_schema(table, partitions=True))
    predicate = " AND ".join(f"{name} = '{value}'" for name, value in span.values.items())
    for attempt in range(1, _COMMIT_ATTEMPTS + 1):
        try:
            write_deltalake(
                handle.delta,
                arrow,
                mode="overwrite",
                predicate=predicate,
                writer_properties=WriterProperties(compression="ZSTD", compression_level=3),
                commit_properties=CommitProperties(custom_metadata=dict(metadata), max_commit_retries=20),
            )
        except CommitFailedError:
            if attempt == _COMMIT_ATTEMPTS:
                raise
            time.sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311 - jitter
            handle.refresh()
        else:
            break
    return handle.delta.version()


def append_rows(table: Table, location: Location, frame: pl.DataFrame) -> None:
    """Add rows in one commit, each to the directory of its time column."""
    time_column = pl.col(table.time_column)
    formats = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H"}
    directories = [time_column.dt.strftime(formats[name]).alias(name) for name in table.partition_columns]
    rows = frame.select(*table.column_names, *directories)
    write_deltalake(
        LakeTable(table, location).delta,
        rows.to_arrow().cast(arrow_schema(table, partitions=True)),
        mode="append",
        writer_properties=WriterProperties(compression="ZSTD", compression_level=3),
        commit_properties=CommitProperties(max_commit_retries=20),
    )


def _compact(span: Hour | Day) -> str:
    return "".join(span.values.values())
