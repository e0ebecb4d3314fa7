"""Rows of a table out of the lake: exact decimals as plain text, UTC times, sorted by the table's key."""

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import IO

import polars as pl

from cryptoviz.inspect.reach import reading
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.storage.frames import scan_between


class Format(StrEnum):
    """Forms of exported rows. JSON is one object a line."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def parse_instant(text: str) -> datetime:
    """An ISO date or time, UTC unless it says otherwise. Raises ValueError naming what was found."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no ISO date or time such as 2026-11-20 or 2026-11-20T08:30") from None
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def select_rows(
    table: Table, location: Location, *, first: datetime, last: datetime, symbol: str = "", venue: str = ""
) -> pl.DataFrame:
    """Rows of `[first, last)` by the table's time column.

    Raises ValueError for a range without an instant or a filter the table has no column for, TableNotWritten, and
    :class:`~cryptoviz.inspect.reach.Unreachable`.
    """
    if last <= first:
        raise ValueError(f"--to {last.isoformat()} is not after --from {first.isoformat()}")
    wanted = {name: value for name, value in (("symbol", symbol), ("venue", venue)) if value}
    if missing := sorted(set(wanted) - set(table.column_names)):
        raise ValueError(f"table {table.name} has no column {' or '.join(missing)}")
    inside = [pl.col(table.time_column).is_between(first, last, closed="left")]
    chosen = [pl.col(name) == value for name, value in wanted.items()]
    last_hour = Hour.containing(last - timedelta(microseconds=1))
    with reading(location):
        rows = scan_between(table, location, Hour.containing(first), last_hour)
        return rows.filter(*inside, *chosen).sort(table.key).collect()


def write_rows(rows: pl.DataFrame, target: IO[bytes] | Path, form: Format) -> None:
    """Write rows. CSV and JSON carry decimals as text without exponent and trailing zeros; Parquet keeps the types."""
    match form:
        case Format.PARQUET:
            rows.write_parquet(target)
        case Format.CSV:
            as_text(rows).write_csv(target)
        case Format.JSON:
            as_text(rows).write_ndjson(target)


def as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Decimals, times, bytes and nested values as text that reads back exactly; numbers and booleans as they are."""
    return rows.with_columns(_column_as_text(column) for column in rows.iter_columns())


def _column_as_text(column: pl.Series) -> pl.Series:
    match column.dtype:
        case pl.Decimal():
            return _plain(column)
        case pl.Datetime(time_zone=None):
            return column.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
        case pl.Datetime():
            return column.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        case pl.Binary():
            return column.bin.encode("base64")
        case pl.List() | pl.Array() | pl.Struct():
            values = (None if value is None else json.dumps(value, default=str) for value in column.to_list())
            return pl.Series(column.name, values, dtype=pl.String)
    return column


def _plain(column: pl.Series) -> pl.Series:
    text = column.cast(pl.String)
    short = text.str.strip_chars_end("0").str.strip_chars_end(".")
    return short.zip_with(text.str.contains(".", literal=True).fill_null(value=False), text)
