"""Which days, weeks and hours of forecasts are due: pure rules over what is there, no Dagster, no clock of their own.

Level-triggered like the candles: a lost event or a deleted table heals by itself. An hour waits for the models it is
to use as long as these are still to come; a model that cannot be made does not hold it up.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz_dagster.folded_hours import Standing
from cryptoviz_dagster.forecasts.choice import lstm_week, volatility_day
from cryptoviz_dagster.forecasts.scored_hours import stamp

Span = TypeVar("Span", Day, Hour)

DAY_GRACE = timedelta(minutes=2)
"""How long after its end a day's candles may take to be final; later ones count from the next model on."""
_LONGEST_RANGE = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class DueHours:
    """Hours without forecasts, and hours whose candles changed since these were scored; both in order."""

    unissued: Sequence[Hour] = ()
    rescored: Sequence[Hour] = ()


def due_days(done: Collection[Day], *, first: Day, now: datetime) -> list[Day]:
    """Days from ``first`` that are over and not done, oldest first."""
    return [day for day in _over(first, step=1, now=now) if day not in done]


def due_weeks(done: Collection[Day], days_done: Collection[Day], *, first: Day, now: datetime) -> list[Day]:
    """Mondays of weeks from ``first`` that are over, not done, and whose last day is done; oldest first."""
    weeks = [week for week in _over(first, step=7, now=now) if week not in done]
    return [week for week in weeks if week.next(6) in days_done]


def due_hours(
    folded: Mapping[Hour, Standing], scored: Mapping[Hour, HourVersion], *, first: Hour, pending: Collection[Day]
) -> DueHours:
    """Hours with final candles whose forecasts or scores are not there or stand on other candles.

    ``pending`` are days and Mondays whose models are still to come: hours that use them wait.
    """
    sealed = sorted(hour for hour, standing in folded.items() if hour >= first and not standing.is_open)
    unissued = [
        hour
        for hour in sealed
        if hour not in scored and volatility_day(hour) not in pending and lstm_week(hour) not in pending
    ]
    rescored = [hour for hour in sealed if hour in scored and scored[hour] != stamp(folded[hour].version)]
    return DueHours(unissued=unissued, rescored=rescored)


def stretches(spans: Sequence[Span], *, step: int = 1) -> list[list[Span]]:
    """Runs of neighbours, none longer than a run can hold."""
    found: list[list[Span]] = []
    for span in spans:
        if found and found[-1][-1].next(step) == span and len(found[-1]) < _LONGEST_RANGE:
            found[-1].append(span)
        else:
            found.append([span])
    return found


def _over(first: Day, *, step: int, now: datetime) -> list[Day]:
    days, day = [], first
    while day.next(step).start + DAY_GRACE <= now:
        days.append(day)
        day = day.next(step)
    return days
