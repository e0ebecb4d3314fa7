"""Candles that the lake does not have as final yet: its own minutes so far, continued by what has just been traded."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from cryptoviz.lake.symbols import Instrument
from cryptoviz.serving.candle_reader import CandleReader, Range
from cryptoviz.serving.intervals import INTERVALS, Served
from cryptoviz.serving.live import Live
from cryptoviz.serving.minute import Part, microseconds, sum_of

_MINUTES, _HOURS = INTERVALS["1m"], INTERVALS["1h"]
_WINDOWS_AT_MOST = 200
_ROWS_AT_MOST = 3000
_SUMS = ("volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume", "trade_count")


@dataclass(frozen=True, kw_only=True, slots=True)
class Forming:
    """A candle that may still change. ``is_open`` while its window has not ended."""

    start: datetime
    end: datetime
    part: Part
    is_open: bool


@dataclass(frozen=True, slots=True)
class _Base:
    """What the lake has of a window: the candle up to ``end``."""

    part: Part | None
    end: datetime


class FormingCandles:
    """Joins lake and live. The lake's part of a window is kept until the lake's minutes change."""

    def __init__(self, reader: CandleReader, live: Live) -> None:
        self._reader, self._live = reader, live
        self._bases: dict[tuple[Instrument, str, datetime], tuple[int, _Base]] = {}

    def current(self, instrument: Instrument, interval: Served, now: datetime) -> Forming | None:
        """The candle of the window that holds ``now``; None before its first trade."""
        return self.window(instrument, interval, interval.start_of(now), now)

    def after(self, instrument: Instrument, interval: Served, start: datetime, now: datetime) -> Iterator[Forming]:
        """Candles with trades from the window that starts at ``start`` up to now."""
        newest = interval.start_of(now)
        earliest = newest - interval.length * _WINDOWS_AT_MOST
        at = interval.start_of(max(start, earliest))
        while at <= newest:
            found = self.window(instrument, interval, at, now)
            if found:
                yield found
            at = interval.end_of(at)

    def window(self, instrument: Instrument, interval: Served, start: datetime, now: datetime) -> Forming | None:
        """The candle of the window that starts at ``start``; None without trades."""
        end = interval.end_of(start)
        base = self._base(instrument, interval, start, end)
        live = self._live.total(instrument, microseconds(base.end), microseconds(end))
        part = sum_of(part for part in (base.part, live) if part)
        return Forming(start=start, end=end, part=part, is_open=end > now) if part else None

    def _base(self, instrument: Instrument, interval: Served, start: datetime, end: datetime) -> _Base:
        _, snapshot = self._reader.source(_MINUTES)
        key, version = (instrument, interval.name, start), snapshot.version
        held = self._bases.get(key)
        if held and held[0] == version:
            return held[1]
        base = _Base(None, start)
        for finer in (_HOURS, _MINUTES) if interval.length > timedelta(hours=1) else (_MINUTES,):
            base = self._extend(base, instrument, finer, end)
        if len(self._bases) > 2000:
            self._bases.clear()
        self._bases[key] = (version, base)
        return base

    def _extend(self, base: _Base, instrument: Instrument, finer: Served, end: datetime) -> _Base:
        wanted = Range(first=base.end, end=end, limit=_ROWS_AT_MOST)
        rows = self._reader.read(instrument, finer, wanted).frame.filter(pl.col("status") != "open")
        last = rows["window_end"].max()
        if not isinstance(last, datetime):
            return base
        return _Base(sum_of(part for part in (base.part, part_of_rows(rows)) if part), last.astimezone(UTC))


def part_of_rows(rows: pl.DataFrame) -> Part | None:
    """Candles of one market, by time, as one; None without a price."""
    traded = rows.filter(pl.col("close").is_not_null())
    if not traded.height:
        return None
    first, last = traded.row(0, named=True), traded.row(-1, named=True)
    sums = traded.select(pl.col(_SUMS).sum(), pl.col("high").max(), pl.col("low").min()).row(0, named=True)
    return Part(
        first=(microseconds(first["window_start"]), first["first_trade_id"] or 0),
        last=(microseconds(last["window_start"]), last["last_trade_id"] or 0),
        open=first["open"],
        close=last["close"],
        first_trade_id=first["first_trade_id"] or 0,
        last_trade_id=last["last_trade_id"] or 0,
        **sums,
    )
