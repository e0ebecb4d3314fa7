"""Partitions of the code location: UTC hours, keyed as :class:`cryptoviz.lake.hours.Hour` spells them."""

import dagster as dg

from cryptoviz.lake.hours import Hour


def hourly_from(first: Hour) -> dg.HourlyPartitionsDefinition:
    """Hours from the lake's first one to the hour in progress, which is there to be folded provisionally."""
    return dg.HourlyPartitionsDefinition(start_date=first.start, fmt="%Y-%m-%d-%H:%M", timezone="UTC", end_offset=1)
