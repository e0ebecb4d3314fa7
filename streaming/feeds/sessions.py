"""When the stock exchanges of New York trade: Monday to Friday 9:30 to 16:00 local time, holidays by their rules.

Rules after https://www.nyse.com/markets/hours-calendars; early closes count as full days.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_ZONE = ZoneInfo("America/New_York")
_OPEN, _CLOSE = time(9, 30), time(16)
_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6


def is_open(moment: datetime) -> bool:
    """Whether stocks trade at an instant."""
    local = moment.astimezone(_ZONE)
    day = local.date()
    return day.weekday() < _SATURDAY and day not in _holidays(day.year) and _OPEN <= local.time() < _CLOSE


def open_seconds(since: datetime, until: datetime) -> float:
    """Seconds of trading in `[since, until)`: what a quote's age is when a closed market ages nothing."""
    total, day = 0.0, since.astimezone(_ZONE).date()
    while day <= until.astimezone(_ZONE).date():
        if day.weekday() < _SATURDAY and day not in _holidays(day.year):
            opened, closed = (datetime.combine(day, at, _ZONE).astimezone(UTC) for at in (_OPEN, _CLOSE))
            total += max(0.0, (min(until, closed) - max(since, opened)).total_seconds())
        day += timedelta(days=1)
    return total


@lru_cache
def _holidays(year: int) -> frozenset[date]:
    fixed = [_observed(date(year, month, day)) for month, day in ((6, 19), (7, 4), (12, 25))]
    new_year = date(year, 1, 1)
    # A New Year's Day on a Saturday is not made up for: the Friday before it closes the books of the year.
    first = [] if new_year.weekday() == _SATURDAY else [_observed(new_year)]
    moving = [
        _nth(year, 1, _MONDAY, 3), _nth(year, 2, _MONDAY, 3), _easter(year) - timedelta(days=2),
        _nth(year, 6, _MONDAY, 1) - timedelta(days=7), _nth(year, 9, _MONDAY, 1), _nth(year, 11, _THURSDAY, 4),
    ]  # fmt: skip
    return frozenset([*fixed, *first, *moving])


def _observed(day: date) -> date:
    return day + timedelta(days={_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0))


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _easter(year: int) -> date:
    """Easter Sunday by the anonymous Gregorian computus (Nature, 20 April 1876)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)
