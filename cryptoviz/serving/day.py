"""The last 24 hours of a market, to the minute: the venue's hours, the lake's minutes, and the live ones."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal

import polars as pl

from cryptoviz.lake.symbols import Instrument
from cryptoviz.serving.candle_reader import Range
from cryptoviz.serving.forming import part_of_rows
from cryptoviz.serving.intervals import INTERVALS
from cryptoviz.serving.minute import Part, microseconds, sum_of
from cryptoviz.serving.parts import Parts

DAY = timedelta(days=1)
_UNIX = datetime.fromtimestamp(0, UTC)
_MINUTES, _HOURS = INTERVALS["1m"], INTERVALS["1h"]
_DIGITS = Context(prec=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class DayStatistics:
    """A market over `[start, end)`; ``part`` is None when nothing was traded or nothing is known.

    ``known_from`` is where what is known begins: of a market listened to for two hours, a day is these two hours.
    """

    instrument: Instrument
    start: datetime
    end: datetime
    part: Part | None
    known_from: datetime

    @property
    def change(self) -> Decimal:
        """Close minus open, in quote units."""
        return self.part.close - self.part.open if self.part else Decimal(0)

    @property
    def change_percent(self) -> Decimal:
        """The same in percent of the open, three decimals."""
        if not self.part or not self.part.open:
            return Decimal(0)
        return _DIGITS.divide(self.change * 100, self.part.open).quantize(Decimal("0.001"))

    @property
    def weighted_average(self) -> Decimal:
        """Quote volume over volume, eight decimals."""
        if not self.part or not self.part.volume:
            return Decimal(0)
        return _DIGITS.divide(self.part.quote_volume, self.part.volume).quantize(Decimal("0.00000001"))


def day_statistics(parts: Parts, instruments: Iterable[Instrument]) -> list[DayStatistics]:
    """Statistics of the last 24 hours up to now. Raises StoreUnavailable, OSError."""
    end = parts.clock()
    start = end.replace(second=0, microsecond=0) - DAY
    return [_of(parts, instrument, start, end) for instrument in instruments]


def _of(parts: Parts, instrument: Instrument, start: datetime, end: datetime) -> DayStatistics:
    minutes = parts.reader.read(instrument, _MINUTES, Range(first=start, end=end, limit=2000)).frame
    minutes = minutes.filter(pl.col("status") != "open")
    begins, ends = minutes["window_start"].min(), minutes["window_end"].max()
    first = begins if isinstance(begins, datetime) else end
    hours = parts.reader.read(instrument, _HOURS, Range(first=start, end=first, limit=24)).frame
    earlier = hours.filter(pl.col("window_end") <= first, pl.col("status") != "open")
    since = ends if isinstance(ends, datetime) else start
    live = parts.live.total(instrument, microseconds(since), microseconds(end))
    known = (part_of_rows(earlier), part_of_rows(minutes), live)
    part = sum_of(one for one in known if one)
    known_from = max(start, _UNIX + timedelta(microseconds=part.first[0])) if part else end
    return DayStatistics(instrument=instrument, start=start, end=end, part=part, known_from=known_from)
