"""Rows of any table of the contract by name: of a market and a range of time, bounded, with the reason when none."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import UnknownTable, table_named
from cryptoviz.serving.reading import scan_promptly
from cryptoviz.storage.frames import TableNotWritten


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Rows `[first, end)` by the table's time, of a venue and symbol when given; at most ``limit``, the newest."""

    first: datetime
    end: datetime
    limit: int
    venue: str = ""
    symbol: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Rows by time, and why there are none."""

    frame: pl.DataFrame
    reason: str = ""


def rows_of(name: str, location: Location, wanted: Selection) -> Rows:
    """Rows of a table; one that the contract does not have yet or nobody has written has none. Raises OSError."""
    try:
        table = table_named(name)
    except UnknownTable:
        return Rows(frame=pl.DataFrame(), reason=f"this version of the lake has no table {name}")
    try:
        rows = scan_promptly(table, location, _span(table, wanted.first), _span(table, _last(wanted)))
    except TableNotWritten:
        return Rows(frame=pl.DataFrame(), reason=f"table {name} has not been written yet")
    time = pl.col(table.time_column)
    filters = [time.is_between(wanted.first, wanted.end, closed="left")]
    filters += [pl.col("venue") == wanted.venue] if wanted.venue and "venue" in table.column_names else []
    filters += [pl.col("symbol") == wanted.symbol] if wanted.symbol and "symbol" in table.column_names else []
    found = rows.filter(*filters).sort(table.time_column, *table.key).tail(wanted.limit).collect()
    return Rows(frame=found, reason="" if found.height else f"table {name} has no such rows")


def _span(table: Table, instant: datetime) -> Hour | Day:
    return Day.containing(instant) if table.is_daily else Hour.containing(instant)


def _last(wanted: Selection) -> datetime:
    return max(wanted.first, wanted.end - timedelta(microseconds=1))
