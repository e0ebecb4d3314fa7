"""Hours of the New York exchanges: Monday to Friday, 9:30 to 16:00 local time, holidays left aside."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_ZONE = ZoneInfo("America/New_York")
_OPEN, _CLOSE = time(9, 30), time(16, 0)


def session_at(time_ms: int) -> tuple[int, int]:
    """Opening and close of the session in progress, or of the last one before an instant."""
    day = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(_ZONE).date()
    while True:
        opened, closed = (_ms(datetime.combine(day, at, _ZONE)) for at in (_OPEN, _CLOSE))
        if day.weekday() < 5 and opened <= time_ms:
            return opened, closed
        day -= timedelta(days=1)


def is_open(time_ms: int) -> bool:
    """Whether stocks trade at an instant."""
    opened, closed = session_at(time_ms)
    return opened <= time_ms < closed


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
