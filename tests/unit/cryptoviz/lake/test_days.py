from datetime import UTC, date, datetime

import pytest

from cryptoviz.lake.days import Day


def test_a_day_is_named_by_its_date_and_lies_in_a_zero_padded_directory():
    day = Day.containing(datetime(2026, 3, 7, 23, 59, 59, tzinfo=UTC))
    assert (day.key, day.path) == ("2026-03-07", "year=2026/month=03/day=07")
    assert Day.from_key(day.key) == day == Day(date(2026, 3, 7))


def test_a_day_has_its_twenty_four_hours_and_ends_where_the_next_begins():
    day = Day.from_key("2026-03-07")
    hours = list(day.hours)
    assert (len(hours), hours[0].start, hours[-1].end) == (24, day.start, day.end)
    assert day.next().start == day.end
    assert day.next(-1).end == day.start


def test_a_key_that_is_no_date_is_refused_by_name():
    with pytest.raises(ValueError, match="2026-3"):
        Day.from_key("2026-3-7")
