"""Days and weeks of models, and how the hours of forecasts follow from them."""

from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz_dagster.forecasts.choice import monday

DAY_HOURS, WEEK_HOURS = 24, 168


@dataclass(frozen=True, slots=True)
class ForecastCalendar:
    """When the lake begins and how many hours of venues' own candles come before that."""

    begins: Hour
    history_hours: int

    @property
    def first_day(self) -> Day:
        """The first whole day of history."""
        earliest = Day.containing(self.begins.start - timedelta(hours=self.history_hours))
        return earliest.next()

    @property
    def first_week(self) -> Day:
        """The Monday of the first week that a forecast of the lake's first hour may use."""
        return monday(Day.containing(self.begins.start)).next(-7)

    def days(self) -> dg.DailyPartitionsDefinition:
        """Days that are over."""
        return dg.DailyPartitionsDefinition(start_date=self.first_day.start, timezone="UTC")

    def weeks(self) -> dg.WeeklyPartitionsDefinition:
        """Weeks that are over, keyed by their Monday."""
        return dg.WeeklyPartitionsDefinition(start_date=self.first_week.start, day_offset=1, timezone="UTC")


def shifted(first: int, last: int) -> dg.TimeWindowPartitionMapping:
    """Upstream windows from ``first`` to ``last`` units of the downstream partition away; those not there are left."""
    return dg.TimeWindowPartitionMapping(
        start_offset=first, end_offset=last, allow_nonexistent_upstream_partitions=True
    )


def day_of(key: str) -> Day:
    """The day of a partition key. Raises ``dagster.Failure``, which is not tried again, on anything else."""
    try:
        return Day.from_key(key)
    except ValueError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None
