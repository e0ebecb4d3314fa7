"""Partitions of the code location: UTC hours and days, keyed as the lake's contract spells them."""

from collections.abc import Iterable
from datetime import datetime

import dagster as dg

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour


class HourNotBegun(dg.Failure):
    """The hour lies in the future; there is nothing to fold and no use in trying again."""

    def __init__(self, hour: Hour, now: datetime) -> None:
        begins = f"hour {hour.key} (UTC) has not begun at {now:%Y-%m-%d %H:%M:%S}; materialize it when it has"
        super().__init__(description=begins, allow_retries=False)


def hourly_from(first: Hour) -> dg.HourlyPartitionsDefinition:
    """Hours from the lake's first one to the hour in progress, which is there to be folded provisionally."""
    return dg.HourlyPartitionsDefinition(start_date=first.start, fmt="%Y-%m-%d-%H:%M", timezone="UTC", end_offset=1)


def daily_from(first: Hour) -> dg.DailyPartitionsDefinition:
    """Days from that of the lake's first hour to the one in progress."""
    return dg.DailyPartitionsDefinition(start_date=Day.containing(first.start).start, timezone="UTC", end_offset=1)


def hours_of(keys: Iterable[str], *, now: datetime | None = None) -> list[Hour]:
    """The hours of partition keys. Raises :class:`HourNotBegun` for those that begin after ``now``."""
    hours = [Hour.from_key(key) for key in keys]
    for hour in hours:
        if now is not None and hour.start > now:
            raise HourNotBegun(hour, now)
    return hours
