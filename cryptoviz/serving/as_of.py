"""Candles as they were to be read at an earlier instant, and what is on record about one: revisions, publications."""

from datetime import datetime

import polars as pl

from cryptoviz.arithmetic.as_of import as_of
from cryptoviz.lake.candle_tables import CANDLE_PUBLICATIONS, CANDLE_REVISIONS, Interval
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.symbols import Instrument
from cryptoviz.serving.reading import scan_promptly
from cryptoviz.storage.frames import TableNotWritten, empty


def known_at(rows: pl.DataFrame, instant: datetime, *, interval: Interval, location: Location) -> pl.DataFrame:
    """Which of these candles of one market were final then, and as what. Raises OSError."""
    if not rows.height:
        return rows
    first, last = rows["window_start"].min(), rows["window_start"].max()
    assert isinstance(first, datetime)  # noqa: S101 - rows are not empty
    assert isinstance(last, datetime)  # noqa: S101
    mine = (pl.col("venue") == rows["venue"][0]) & (pl.col("symbol") == rows["symbol"][0])
    revisions = _scan(CANDLE_REVISIONS, location, first, last).filter(mine).collect()
    publications = _scan(CANDLE_PUBLICATIONS, location, first, last).collect()
    known = as_of(instant, interval, candles=rows, revisions=revisions, publications=publications)
    return known.filter(pl.col("window_start").is_between(first, last))


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


def _scan(table: Table, location: Location, first: datetime, last: datetime) -> pl.LazyFrame:
    """Rows of the days that hold these instants."""
    begin, end = Day.containing(first), Day.containing(last)
    spans = (begin, end) if table.is_daily else (Hour(begin.start), Hour(end.start).next(23))
    try:
        return scan_promptly(table, location, *spans)
    except TableNotWritten:
        return empty(table).lazy()
