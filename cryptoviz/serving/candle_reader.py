"""Candles of a market and interval out of the lake: read from a table, or folded from a finer one without it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from cryptoviz.arithmetic.fold import fold_candles
from cryptoviz.lake.candle_tables import OHLC, Interval
from cryptoviz.lake.schema import Table
from cryptoviz.lake.symbols import Instrument
from cryptoviz.serving.binance_rows import encode_candles, join_rows
from cryptoviz.serving.chunks import Chunk, Chunks
from cryptoviz.serving.intervals import Served
from cryptoviz.serving.snapshots import Partition, Snapshot, Snapshots
from cryptoviz.serving.venue_history import VENUE_STATUS, VenueHistory
from cryptoviz.storage.frames import empty

_LOOK_BACK = (2, 8, 32, 128)
"""Days (or months) examined for the last candles of a market, step by step."""
_LAST = datetime(9999, 1, 1, tzinfo=UTC)
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Which candles: those that start in `[first, end)`, at most ``limit``; the last ones when ``first`` is open."""

    first: datetime | None
    end: datetime | None
    limit: int

    @property
    def is_from_start(self) -> bool:
        """Whether the limit counts from the start of the range."""
        return self.first is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Candles:
    """Candles and the state of the table they are from. ``reason`` says why there are none."""

    frame: pl.DataFrame
    table: str
    snapshot: Snapshot
    reason: str = ""


class CandleReader:
    """Reads candles through snapshots and chunks; everything it returns is of one version of one table."""

    def __init__(self, snapshots: Snapshots, chunks: Chunks) -> None:
        self._snapshots, self._chunks = snapshots, chunks
        self._history = VenueHistory(snapshots, chunks)

    def source(self, interval: Served) -> tuple[Interval, Snapshot]:
        """The coarsest table that has candles for an interval, the finest when none has. Raises StoreUnavailable."""
        for source in interval.sources:
            snapshot = self._snapshots.latest(OHLC[source])
            if snapshot.files:
                break
        return source, snapshot

    def freshness(self) -> Snapshot | None:
        """The state of the minutes that was last seen; None before anybody asked for them."""
        return self._snapshots.known(OHLC[Interval.M1])

    def read_ahead(self, table: Table, snapshot: Snapshot) -> None:
        """Hold the newest two days (or months) of a candle table."""
        if table in OHLC.values():
            self._chunks.get(table, snapshot, list(snapshot.files)[-2:])

    def is_ready(self, interval: Served, wanted: Range) -> bool:
        """Whether rows can be had from memory."""
        for source in interval.sources:
            snapshot = self._snapshots.known(OHLC[source])
            if snapshot is None:
                return False
            if snapshot.files:
                names = self._first_look(OHLC[source], snapshot, interval, wanted)
                return self._chunks.has(OHLC[source], snapshot, names)
        return True

    def read(self, instrument: Instrument, interval: Served, wanted: Range) -> Candles:
        """Candles by time. Raises StoreUnavailable, OSError."""
        source, snapshot = self.source(interval)
        table = OHLC[source]
        parts = self._parts(instrument, interval, source, snapshot, wanted)
        rows = pl.concat([_rows(chunk, instrument) for chunk in parts]) if parts else empty(table)
        if interval.is_folded_from(source) and rows.height:
            rows = fold(rows, interval)
        found = _cut(rows, wanted)
        if found.height < wanted.limit and interval.length >= timedelta(hours=1):
            found = self._with_history(found, instrument, interval, wanted)
        reason = "" if found.height else _reason(table, snapshot)
        return Candles(frame=found, table=table.name, snapshot=snapshot, reason=reason)

    def rows(self, instrument: Instrument, interval: Served, wanted: Range) -> list[bytes]:
        """The same as Binance's rows. Raises StoreUnavailable, OSError."""
        source, snapshot = self.source(interval)
        first, end = _ms(wanted.first or _FIRST), _ms(wanted.end or _LAST)
        if interval.is_folded_from(source) or interval.length >= timedelta(hours=1):
            encoded = [encode_candles(self.read(instrument, interval, wanted).frame)]
        else:
            parts = self._parts(instrument, interval, source, snapshot, wanted)
            encoded = [chunk.encoded((instrument.venue, instrument.symbol)) for chunk in parts]
        joined = join_rows([(part, part.between(first, end)) for part in encoded])
        return joined[: wanted.limit] if wanted.is_from_start else joined[-wanted.limit :]

    def final_until(self, instrument: Instrument, interval: Served) -> datetime | None:
        """End of the last candle that the lake has as final; None when it has none. Raises StoreUnavailable."""
        source, snapshot = self.source(interval)
        for name in reversed(list(snapshot.files)[-2:]):
            rows = _rows(self._chunks.get(OHLC[source], snapshot, [name])[0], instrument)
            last = rows.filter(pl.col("status") != "open")["window_end"].max()
            if isinstance(last, datetime):
                return interval.start_of(last)
        return None

    def _with_history(
        self, found: pl.DataFrame, instrument: Instrument, interval: Served, wanted: Range
    ) -> pl.DataFrame:
        """Windows before the first one found, from the venue's own candles."""
        begins = found["window_start"].min()
        end = begins if isinstance(begins, datetime) else interval.start_of(wanted.end or datetime.now(UTC))
        first = interval.start_of(wanted.first) if wanted.first else None
        count = (wanted.limit - found.height) * max(1, interval.length // timedelta(hours=1))
        hours = self._history.hours(instrument, first, end, count)
        if not hours.height:
            return found
        folded = fold(hours, interval) if interval.length > timedelta(hours=1) else hours
        venue = folded.with_columns(status=pl.lit(VENUE_STATUS)).filter(pl.col("window_end") <= end)
        return _cut(pl.concat([venue.select(found.columns), found]), wanted)

    def _parts(
        self, instrument: Instrument, interval: Served, source: Interval, snapshot: Snapshot, wanted: Range
    ) -> list[Chunk]:
        """Chunks that hold the candles asked for, by time; more are looked at while too few are found."""
        table, names = OHLC[source], _names(OHLC[source], snapshot, interval, wanted)
        need = (wanted.limit + 1) * max(1, interval.length // source.length)
        chunks: list[Chunk] = []
        found = 0
        for group in self._groups(table, names, interval, wanted):
            read = self._chunks.get(table, snapshot, group)
            chunks = chunks + read if wanted.is_from_start else read + chunks
            found += sum(_rows(chunk, instrument).height for chunk in read)
            if found >= need:
                break
        return chunks

    def _first_look(self, table: Table, snapshot: Snapshot, interval: Served, wanted: Range) -> Sequence[Partition]:
        groups = self._groups(table, _names(table, snapshot, interval, wanted), interval, wanted)
        return next(groups, ())

    @staticmethod
    def _groups(
        table: Table, names: Sequence[Partition], interval: Served, wanted: Range
    ) -> Iterator[Sequence[Partition]]:
        span = timedelta(days=31 if len(table.partition_columns) == 3 else 1)
        likely = int(interval.length * wanted.limit / span) + 2
        at = 0
        for count in (likely, *(likely * step for step in _LOOK_BACK)):
            if at >= len(names):
                return
            if wanted.is_from_start:
                yield names[at : at + count]
            else:
                yield names[max(0, len(names) - at - count) : len(names) - at]
            at += count


def fold(rows: pl.DataFrame, interval: Served) -> pl.DataFrame:
    """Candles of the interval from finer ones; one whose window has not ended in the source is open."""
    settled = rows.filter(pl.col("status") != "open")["window_end"].max()
    step = interval.length if interval.step == interval.name else interval.step
    ended = settled if isinstance(settled, datetime) else _FIRST
    return fold_candles(rows, interval=step, settled=ended).select(rows.columns)


def _names(table: Table, snapshot: Snapshot, interval: Served, wanted: Range) -> list[Partition]:
    """Names of the chunks that overlap the range, widened to whole windows."""
    depth = len(table.partition_columns) - 1
    first = _name(interval.start_of(wanted.first), depth) if wanted.first else ("",)
    end = wanted.end or _LAST
    last = _name(min(end + interval.length, _LAST) if interval.length.days >= 1 else end, depth)
    return [name for name in snapshot.files if first <= name <= last]


def _name(instant: datetime, depth: int) -> Partition:
    return (f"{instant.year:04}", f"{instant.month:02}", f"{instant.day:02}")[:depth]


def _rows(chunk: Chunk, instrument: Instrument) -> pl.DataFrame:
    found = chunk.markets.get((instrument.venue, instrument.symbol))
    return found if found is not None else chunk.frame.clear()


def _cut(rows: pl.DataFrame, wanted: Range) -> pl.DataFrame:
    first, end = wanted.first or _FIRST, wanted.end or _LAST
    inside = rows.filter(pl.col("window_start").is_between(first, end, closed="left"))
    return inside.head(wanted.limit) if wanted.is_from_start else inside.tail(wanted.limit)


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def _reason(table: Table, snapshot: Snapshot) -> str:
    if snapshot.version < 0:
        return f"table {table.name} has not been written yet"
    return f"table {table.name} has no candles of this market in the range"
