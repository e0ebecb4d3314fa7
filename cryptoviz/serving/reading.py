"""Reads of the lake on behalf of somebody who waits: a store that is away is told at once, not after minutes."""

import polars as pl

from cryptoviz.inspect.reach import require_lake
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.storage.frames import scan_between


def scan_promptly(table: Table, location: Location, first: Hour | Day, last: Hour | Day) -> pl.LazyFrame:
    """As :func:`~cryptoviz.storage.frames.scan_between`. Raises Unreachable when the store's server does not answer."""
    require_lake(location)
    return scan_between(table, location, first, last)
