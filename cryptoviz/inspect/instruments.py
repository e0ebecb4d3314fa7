"""The registry of instruments as the lake has it: intervals in which a venue listed a market alike."""

from datetime import datetime

import polars as pl

from cryptoviz.arithmetic.listings import listed
from cryptoviz.inspect.reach import reading
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import INSTRUMENTS
from cryptoviz.storage.frames import TableNotWritten, empty, scan


def instruments(location: Location, *, venue: str = "", symbol: str = "", at: datetime | None = None) -> pl.DataFrame:
    """Rows of :func:`~cryptoviz.arithmetic.listings.listed`, all or those that held at an instant.

    Raises :class:`~cryptoviz.inspect.reach.Unreachable` when the store does not answer.
    """
    with reading(location):
        found = listed(_versions(location).collect())
    wanted = {"venue": venue, "symbol": symbol}
    found = found.filter(pl.lit(value=True), *(pl.col(name) == value for name, value in wanted.items() if value))
    if at is None:
        return found
    ended = pl.col("valid_until") <= at
    return found.filter(pl.col("valid_from") <= at, ~ended.fill_null(value=False))


def _versions(location: Location) -> pl.LazyFrame:
    try:
        return scan(INSTRUMENTS, location)
    except TableNotWritten:
        return empty(INSTRUMENTS).lazy()
