"""Candles and bars read from the lake in any interval: a table as it is, a fold of one, or a fold of trades."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl

from cryptoviz.arithmetic.bars import BarKind, build_bars
from cryptoviz.arithmetic.filled import fill_candles
from cryptoviz.arithmetic.fold import fold_candles
from cryptoviz.arithmetic.intervals import ReadInterval
from cryptoviz.arithmetic.trades import candles_of_trades
from cryptoviz.lake.candle_tables import OHLC, OHLC_1M, Interval
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.symbols import Instrument
from cryptoviz.lake.tables import TRADES
from cryptoviz.storage.frames import TableNotWritten, empty, scan_between, version_of

_INSTANT = timedelta(microseconds=1)


def read_candles(
    location: Location,
    instrument: Instrument,
    interval: ReadInterval,
    *,
    start: datetime,
    end: datetime,
    now: datetime,
    is_filled: bool = False,
) -> pl.DataFrame:
    """Candles of one market whose windows overlap `[start, end)`, by time, in the columns of a candle table.

    Read from the coarsest source that has any, else folded from trades (of the hours around, which prove the edges).
    A window that ends after ``now`` is open. With ``is_filled`` windows without a trade show the price before them
    within the range and are flagged, see :func:`cryptoviz.arithmetic.filled.fill_candles`. Raises ValueError for a
    range without an instant.
    """
    _refuse_empty(start, end)
    first, last = interval.covering(start, end)
    read = _of_tables if interval.sources else _of_trades
    candles = read(location, instrument, interval, first, last, now)
    if not is_filled:
        return candles
    return fill_candles(
        candles, step=interval.step, start=first, end=min(last, interval.end_of(interval.start_of(now)))
    )


def read_bars(
    location: Location, instrument: Instrument, *, kind: BarKind, size: Decimal, start: datetime, end: datetime
) -> pl.DataFrame:
    """Bars of one market of the days that overlap `[start, end)`, each day counted from its first trade.

    Those whose trades all lie outside the range are left out; ``day`` is the day that a bar is numbered in. Raises
    ValueError for a range without an instant and a size that is not positive.
    """
    _refuse_empty(start, end)
    frames = [_bars_of_no_day()]
    day = Day.containing(start)
    while day.start < end:
        trades = _rows(TRADES, location, instrument, Hour(day.start), Hour(day.start).next(23))
        frames.append(build_bars(trades, kind=kind, size=size).with_columns(day=pl.lit(day.date)))
        day = day.next()
    bars = pl.concat(frames)
    return bars.filter(pl.col("last_time") >= start, pl.col("first_time") < end)


def _refuse_empty(start: datetime, end: datetime) -> None:
    if end <= start:
        raise ValueError(f"the end {end.isoformat()} is not after the start {start.isoformat()}")


def _bars_of_no_day() -> pl.DataFrame:
    return build_bars(empty(TRADES), kind=BarKind.TICK, size=Decimal(1)).with_columns(day=pl.lit(None, pl.Date))


def _of_trades(
    location: Location, instrument: Instrument, interval: ReadInterval, first: datetime, last: datetime, now: datetime
) -> pl.DataFrame:
    around = Hour.containing(first).next(-1), Hour.containing(last)
    trades = _rows(TRADES, location, instrument, *around)
    candles = candles_of_trades(
        trades, interval=interval.length, start=first, end=last, now=now, version=version_of(trades)
    )
    return candles.select(OHLC_1M.column_names)


def _of_tables(
    location: Location, instrument: Instrument, interval: ReadInterval, first: datetime, last: datetime, now: datetime
) -> pl.DataFrame:
    for source in interval.sources:
        rows = _candles(location, instrument, source, first, last)
        if rows.height and interval.is_folded_from(source):
            return fold_candles(rows, interval=interval.step, settled=now).select(rows.columns)
        if rows.height:
            return rows
    return empty(OHLC_1M)


def _candles(
    location: Location, instrument: Instrument, source: Interval, first: datetime, last: datetime
) -> pl.DataFrame:
    spans: Sequence[Hour | Day] = [
        Day.containing(at) if source.is_daily else Hour.containing(at) for at in (first, last - _INSTANT)
    ]
    rows = _rows(OHLC[source], location, instrument, *spans)
    return rows.filter(pl.col("window_start").is_between(first, last, closed="left")).sort("window_start")


def _rows(
    table: Table, location: Location, instrument: Instrument, first: Hour | Day, last: Hour | Day
) -> pl.DataFrame:
    try:
        rows = scan_between(table, location, first, last)
    except TableNotWritten:
        return empty(table)
    return rows.filter(pl.col("venue") == str(instrument.venue), pl.col("symbol") == instrument.symbol).collect()
