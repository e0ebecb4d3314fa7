"""Rows of a table out of the lake: exact decimals as plain text, UTC times, sorted by the table's key."""

from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal

import polars as pl

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import Table
from cryptoviz.storage.frames import scan_hours

Format = Literal["csv", "json", "parquet"]


def parse_instant(text: str) -> datetime:
    """An ISO date or time, UTC unless it says otherwise. Raises ValueError."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def select_rows(
    table: Table, location: Location, *, first: datetime, last: datetime, symbol: str = "", venue: str = ""
) -> pl.DataFrame:
    """Rows of `[first, last)` by the table's time column."""
    rows = scan_hours(table, location, Hour.containing(first), Hour.containing(last))
    rows = rows.filter(pl.col(table.time_column).is_between(first, last, closed="left"))
    for column, value in (("symbol", symbol), ("venue", venue)):
        if value:
            rows = rows.filter(pl.col(column) == value)
    return rows.sort(table.key).collect()


def write_rows(rows: pl.DataFrame, target: IO[bytes] | Path, form: Format) -> None:
    """Write rows. CSV and JSON carry decimals as text without exponent and trailing zeros; Parquet keeps the types."""
    if form == "parquet":
        rows.write_parquet(target)
    elif form == "csv":
        as_text(rows).write_csv(target)
    else:
        as_text(rows).write_ndjson(target)


def as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Decimals, times and bytes as text that reads back exactly."""
    changes = []
    for name, kind in rows.schema.items():
        if isinstance(kind, pl.Decimal):
            text = pl.col(name).cast(pl.String)
            short = text.str.strip_chars_end("0").str.strip_chars_end(".")
            changes.append(pl.when(text.str.contains(r"\.")).then(short).otherwise(text).alias(name))
        elif isinstance(kind, pl.Datetime):
            changes.append(pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))
        elif kind == pl.Binary:
            changes.append(pl.col(name).bin.encode("base64"))
    return rows.with_columns(changes)
