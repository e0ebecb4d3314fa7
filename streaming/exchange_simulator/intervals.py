"""Windows of candles by the venues' names, weeks from Monday and months by the calendar, all in UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime

_SECOND, _MINUTE, _HOUR, _DAY = 1000, 60_000, 3_600_000, 86_400_000
_MONDAY_MS = 4 * _DAY
"""1970-01-05."""
LENGTHS = {
    "1s": _SECOND, "1m": _MINUTE, "3m": 3 * _MINUTE, "5m": 5 * _MINUTE, "15m": 15 * _MINUTE, "30m": 30 * _MINUTE,
    "1h": _HOUR, "2h": 2 * _HOUR, "4h": 4 * _HOUR, "6h": 6 * _HOUR, "8h": 8 * _HOUR, "12h": 12 * _HOUR, "1d": _DAY,
    "3d": 3 * _DAY, "1w": 7 * _DAY, "1M": 31 * _DAY,
}  # fmt: skip
"""Length of each interval in milliseconds, of a month the longest."""


def window_of(interval: str, time_ms: int) -> tuple[int, int]:
    """Start and end of the window that holds an instant, milliseconds."""
    if interval == "1M":
        day = datetime.fromtimestamp(time_ms / 1000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        later = day.replace(year=day.year + day.month // 12, month=day.month % 12 + 1)
        return int(day.timestamp()) * 1000, int(later.timestamp()) * 1000
    length, origin = LENGTHS[interval], _MONDAY_MS if interval == "1w" else 0
    start = (time_ms - origin) // length * length + origin
    return start, start + length


def windows(interval: str, start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    """Windows that begin in `[start, end)`, oldest first."""
    first, last = window_of(interval, start_ms)
    if first < start_ms:
        first, last = window_of(interval, last)
    while first < end_ms:
        yield first, last
        first, last = window_of(interval, last)


def last_windows(interval: str, now_ms: int, count: int) -> int:
    """Start of the earliest of the last ``count`` windows, the one in progress among them."""
    start, _ = window_of(interval, now_ms)
    for _ in range(count - 1):
        start, _ = window_of(interval, start - 1)
    return start
