"""Every interval candles are read in: tables, and those folded from a table, or from trades, when read."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptoviz.lake.candle_tables import OHLC, Interval
from cryptoviz.lake.schema import Table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)


class UnknownInterval(ValueError):
    """No candles are read in this interval."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadInterval:
    """An interval, by the name venues give it; ``step`` is a window in Polars' spelling.

    ``sources`` are the tables its candles are read or folded from, the coarsest first; without one they are folded from
    trades. Weeks begin on Monday, months on their first day, other windows at a multiple of their length since 1970,
    all in UTC. ``length`` of a month is that of the longest.
    """

    name: str
    step: str
    length: timedelta
    sources: tuple[Interval, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables to read it from, the coarsest first."""
        return tuple(OHLC[source] for source in self.sources)

    def is_folded_from(self, source: Interval) -> bool:
        """Whether candles of the source are parts of this interval's, not the same."""
        return source.value != self.name

    def start_of(self, instant: datetime) -> datetime:
        """Start of the window that holds an instant."""
        if self.step == "1mo":
            return instant.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        origin = _MONDAY if self.step == "1w" else _EPOCH
        return origin + (instant - origin) // self.length * self.length

    def end_of(self, start: datetime) -> datetime:
        """End of the window that starts then."""
        return (start + timedelta(days=32)).replace(day=1) if self.step == "1mo" else start + self.length

    def covering(self, start: datetime, end: datetime) -> tuple[datetime, datetime]:
        """Bounds of the whole windows that overlap `[start, end)`: what to read of a source."""
        return self.start_of(start), self.end_of(self.start_of(end - _INSTANT))


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _interval(name: str, *sources: str, step: str = "", days: int = 0) -> ReadInterval:
    length = timedelta(days=days) if days else timedelta(**{_UNITS[name[-1]]: int(name[:-1])})
    return ReadInterval(name=name, step=step or name, length=length, sources=tuple(map(Interval, sources)))


_ALL = (
    _interval("1s"),
    _interval("1m", "1m"),
    _interval("3m", "1m"),
    _interval("5m", "5m", "1m"),
    _interval("15m", "15m", "1m"),
    _interval("30m", "15m", "1m"),
    _interval("1h", "1h", "1m"),
    _interval("2h", "1h", "1m"),
    _interval("4h", "4h", "1h", "1m"),
    _interval("6h", "1h", "1m"),
    _interval("8h", "4h", "1h", "1m"),
    _interval("12h", "4h", "1h", "1m"),
    _interval("1d", "1d", "1h", "1m"),
    _interval("3d", "1d", "1h", "1m"),
    _interval("1w", "1d", "1h", "1m", step="1w", days=7),
    _interval("1M", "1d", "1h", "1m", step="1mo", days=31),
)
INTERVALS = {interval.name: interval for interval in _ALL}
"""By name, the shortest first."""


def interval_named(name: str) -> ReadInterval:
    """The interval of this name. Raises :class:`UnknownInterval` listing those there are."""
    try:
        return INTERVALS[name]
    except KeyError:
        raise UnknownInterval(f"no candles of {name!r}; there are {', '.join(INTERVALS)}") from None
