from datetime import UTC, date, datetime

import pytest

from streaming.feeds.sessions import _holidays, is_open, open_seconds


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (utc(2026, 11, 20, 14, 29), False),
        (utc(2026, 11, 20, 14, 30), True),
        (utc(2026, 11, 20, 20, 59), True),
        (utc(2026, 11, 20, 21, 0), False),
        (utc(2026, 11, 21, 15, 0), False),
        (utc(2026, 7, 1, 13, 30), True),
        (utc(2026, 7, 3, 15, 0), False),
        (utc(2026, 11, 26, 15, 0), False),
    ],
)
def test_stocks_trade_in_the_hours_of_new_york_only(moment, expected):
    assert is_open(moment) is expected


def test_holidays_are_those_that_the_exchange_has_published():
    published = {
        2024: [(1, 1), (1, 15), (2, 19), (3, 29), (5, 27), (6, 19), (7, 4), (9, 2), (11, 28), (12, 25)],
        2026: [(1, 1), (1, 19), (2, 16), (4, 3), (5, 25), (6, 19), (7, 3), (9, 7), (11, 26), (12, 25)],
        2027: [(1, 1), (1, 18), (2, 15), (3, 26), (5, 31), (6, 18), (7, 5), (9, 6), (11, 25), (12, 24)],
    }
    for year, days in published.items():
        assert _holidays(year) == {date(year, *day) for day in days}


def test_seconds_of_trading_leave_out_nights_and_weekends():
    assert open_seconds(utc(2026, 11, 20, 20, 0), utc(2026, 11, 23, 15, 0)) == 3600 + 1800
    assert open_seconds(utc(2026, 11, 21, 0, 0), utc(2026, 11, 22, 0, 0)) == 0
