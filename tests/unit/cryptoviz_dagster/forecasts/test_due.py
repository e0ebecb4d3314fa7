from datetime import UTC, datetime, timedelta

import pytest

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz_dagster.folded_hours import Standing
from cryptoviz_dagster.forecasts.choice import lstm_week, monday, volatility_day
from cryptoviz_dagster.forecasts.due import due_days, due_hours, due_weeks, stretches
from cryptoviz_dagster.forecasts.scored_hours import stamp

FIRST = Day.from_key("2026-11-02")
HOUR = Hour(datetime(2026, 11, 11, 5, tzinfo=UTC))


def standing(version="v", *, is_open=False):
    return Standing(version=version, as_of=HOUR.end, is_open=is_open, is_blind=False)


def test_days_are_due_when_they_are_over_and_not_done():
    now = FIRST.next(3).start + timedelta(minutes=2)
    assert due_days({FIRST.next()}, first=FIRST, now=now) == [FIRST, FIRST.next(2)]
    assert due_days(set(), first=FIRST, now=FIRST.end + timedelta(minutes=1)) == []


def test_a_week_is_due_when_its_last_day_has_been_done():
    now = FIRST.next(8).start
    assert due_weeks(set(), {FIRST.next(6)}, first=FIRST, now=now) == [FIRST]
    assert due_weeks(set(), {FIRST.next(5)}, first=FIRST, now=now) == []
    assert due_weeks({FIRST}, {FIRST.next(6)}, first=FIRST, now=now) == []


def test_only_final_hours_from_the_first_one_are_due():
    folded = {HOUR.next(-1): standing(), HOUR: standing(), HOUR.next(): standing(is_open=True)}
    due = due_hours(folded, {}, first=HOUR, pending=())
    assert (list(due.unissued), list(due.rescored)) == ([HOUR], [])


def test_an_hour_waits_for_the_model_of_the_day_before_and_of_the_week_before():
    folded = {HOUR: standing()}
    for pending in (volatility_day(HOUR), lstm_week(HOUR)):
        assert not due_hours(folded, {}, first=HOUR, pending={pending}).unissued
    assert due_hours(folded, {}, first=HOUR, pending={Day.containing(HOUR.start)}).unissued


def test_an_hour_whose_candles_changed_is_scored_again_and_not_issued_again():
    folded = {HOUR: standing("new")}
    assert list(due_hours(folded, {HOUR: stamp("old")}, first=HOUR, pending=()).rescored) == [HOUR]
    done = due_hours(folded, {HOUR: stamp("new")}, first=HOUR, pending=())
    assert not done.rescored
    assert not done.unissued


def test_neighbours_run_together():
    days = [FIRST, FIRST.next(), FIRST.next(3)]
    assert stretches(days) == [days[:2], days[2:]]
    assert stretches([FIRST, FIRST.next(7)], step=7) == [[FIRST, FIRST.next(7)]]
    assert [len(part) for part in stretches([FIRST.next(n) for n in range(300)])] == [120, 120, 60]


@pytest.mark.parametrize(
    ("hour", "day", "week"),
    [
        (datetime(2026, 11, 9, 0, tzinfo=UTC), "2026-11-08", "2026-11-02"),
        (datetime(2026, 11, 8, 23, tzinfo=UTC), "2026-11-07", "2026-10-26"),
        (datetime(2026, 11, 15, 23, tzinfo=UTC), "2026-11-14", "2026-11-02"),
    ],
)
def test_the_models_of_an_hour_were_trained_before_it_began(hour, day, week):
    assert volatility_day(Hour(hour)).key == day
    assert lstm_week(Hour(hour)).key == week
    assert volatility_day(Hour(hour)).end <= hour
    assert lstm_week(Hour(hour)).next(7).start <= hour


def test_a_week_begins_on_monday():
    assert {monday(FIRST.next(n)).key for n in range(7)} == {"2026-11-02"}
