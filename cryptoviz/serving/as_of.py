"""Candles as they were known at an earlier instant: revisions replaced since are put back, later hours left out.

A candle was known when its hour (or day) had been published as final by then. Where the record of publications does not
reach back, nothing was known.
"""

from datetime import datetime

import polars as pl

from cryptoviz.lake.candle_tables import CANDLE_PUBLICATIONS, CANDLE_REVISIONS, Interval
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.symbols import Instrument
from cryptoviz.storage.frames import TableNotWritten, empty, scan, scan_between


def known_at(rows: pl.DataFrame, instant: datetime, *, interval: Interval, location: Location) -> pl.DataFrame:
    """Which of these candles of one market were known then, and as what. Raises OSError."""
    if not rows.height:
        return rows
    published = _published(rows, instant, interval, location)
    unit = "1d" if interval.is_daily else "1h"
    known = rows.with_columns(unit=pl.col("window_start").dt.truncate(unit)).join(
        published, left_on="unit", right_on="start", how="semi"
    )
    before = _replaced_since(rows, instant, interval, location)
    columns = rows.columns
    kept = known.select(columns).join(before, on="window_start", how="anti")
    return pl.concat([kept, before.select(columns)]).sort("window_start")


def revisions_of(
    location: Location, instrument: Instrument, *, interval: Interval, start: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Earlier revisions of one candle, and the publications of its hour or day. Raises OSError."""
    revisions = _scan(CANDLE_REVISIONS, location, start, start).filter(
        pl.col("interval") == interval.value, pl.col("venue") == str(instrument.venue),
        pl.col("symbol") == instrument.symbol, pl.col("window_start") == start,
    )  # fmt: skip
    unit = Day.containing(start).start if interval.is_daily else Hour.containing(start).start
    publications = _scan(CANDLE_PUBLICATIONS, location, start, start).filter(
        pl.col("interval") == interval.value, pl.col("start") == unit
    )
    return revisions.sort("revision").collect(), publications.sort("published_time").collect()


def _published(rows: pl.DataFrame, instant: datetime, interval: Interval, location: Location) -> pl.DataFrame:
    first, last = _bounds(rows)
    found = _scan(CANDLE_PUBLICATIONS, location, first, last)
    return (
        found.filter(pl.col("interval") == interval.value, pl.col("published_time") <= instant)
        .select("start").unique().collect()
    )  # fmt: skip


def _replaced_since(rows: pl.DataFrame, instant: datetime, interval: Interval, location: Location) -> pl.DataFrame:
    first, last = _bounds(rows)
    venue, symbol = rows["venue"][0], rows["symbol"][0]
    found = _scan(CANDLE_REVISIONS, location, first, last).filter(
        pl.col("interval") == interval.value, pl.col("venue") == venue, pl.col("symbol") == symbol,
        pl.col("window_start").is_between(first, last), pl.col("superseded_time") > instant,
    )  # fmt: skip
    oldest = found.sort("superseded_time").unique("window_start", keep="first", maintain_order=True).collect()
    windows = rows.select("window_start")
    return oldest.join(windows, on="window_start", how="semi")


def _bounds(rows: pl.DataFrame) -> tuple[datetime, datetime]:
    first, last = rows["window_start"].min(), rows["window_start"].max()
    assert isinstance(first, datetime)  # noqa: S101 - rows are not empty
    assert isinstance(last, datetime)  # noqa: S101
    return first, last


def _scan(table: Table, location: Location, first: datetime, last: datetime) -> pl.LazyFrame:
    """Rows of the partitions that hold these instants and the days of both."""
    try:
        scan(table, location)
    except TableNotWritten:
        return empty(table).lazy()
    return scan_between(table, location, Hour(Day.containing(first).start), Hour.containing(last))
