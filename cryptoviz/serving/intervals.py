"""The intervals served: Binance's names, how long a window is, and which tables it can be read from."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptoviz.lake.candle_tables import OHLC, Interval
from cryptoviz.lake.schema import Table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Served:
    """An interval. ``sources`` are the tables to try, the coarsest first; ``step`` is a window in Polars' spelling."""

    name: str
    step: str
    length: timedelta
    sources: tuple[Interval, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables to try, the coarsest first."""
        return tuple(OHLC[interval] for interval in self.sources)

    def start_of(self, instant: datetime) -> datetime:
        """Start of the window that holds an instant."""
        if self.step == "1mo":
            return instant.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        origin = _MONDAY if self.step == "1w" else _EPOCH
        return origin + (instant - origin) // self.length * self.length

    def end_of(self, start: datetime) -> datetime:
        """End of the window that starts then."""
        if self.step == "1mo":
            return (start + timedelta(days=32)).replace(day=1)
        return start + self.length

    def is_folded_from(self, source: Interval) -> bool:
        """Whether candles of the source are parts of this interval's, not the same."""
        return source.value != self.name


def _served(name: str, *sources: str, step: str = "", days: int = 0) -> Served:
    units = {"m": "minutes", "h": "hours", "d": "days"}
    length = timedelta(days=days) if days else timedelta(**{units[name[-1]]: int(name[:-1])})
    return Served(name=name, step=step or name, length=length, sources=tuple(map(Interval, sources)))


INTERVALS = {
    interval.name: interval
    for interval in (
        _served("1m", "1m"),
        _served("3m", "1m"),
        _served("5m", "5m", "1m"),
        _served("15m", "15m", "1m"),
        _served("30m", "15m", "1m"),
        _served("1h", "1h", "1m"),
        _served("2h", "1h", "1m"),
        _served("4h", "4h", "1h", "1m"),
        _served("6h", "1h", "1m"),
        _served("8h", "4h", "1h", "1m"),
        _served("12h", "4h", "1h", "1m"),
        _served("1d", "1d", "1h", "1m"),
        _served("3d", "1d", "1h", "1m"),
        _served("1w", "1d", "1h", "1m", step="1w", days=7),
        _served("1M", "1d", "1h", "1m", step="1mo", days=31),
    )
}
"""By name; the length of a month is its longest."""
