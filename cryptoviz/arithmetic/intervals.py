"""Every interval candles are read in: tables, and those folded from a table, or from trades, when read."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import polars as pl

from cryptoviz.arithmetic.fold import Step
from cryptoviz.lake.candle_tables import Interval

_US = pl.Datetime("us", "UTC")


class UnknownInterval(ValueError):
    """No candles are read in this interval."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How candles of an interval come to be: folded by ``step`` from the table of ``base``, or from trades without one.

    Weeks begin on Monday, months on their first day, all other windows at a multiple of their length since 1970, UTC.
    """

    name: str
    step: Step
    base: Interval | None

    @property
    def is_table(self) -> bool:
        """Whether the candles of the base are these."""
        return self.base is not None and self.base.value == self.name

    def window_of(self, instant: datetime) -> tuple[datetime, datetime]:
        """Start and end of the window that holds an instant."""
        start = pl.select(pl.lit(instant).cast(_US).dt.truncate(self.step)).item()
        end = start + self.step if isinstance(self.step, timedelta) else _offset(start, self.step)
        return cast("datetime", start), cast("datetime", end)

    def covering(self, first: datetime, last: datetime) -> tuple[datetime, datetime]:
        """Bounds of the whole windows that overlap `[first, last)`: read the base between them."""
        start, end = self.window_of(first)
        return start, max(end, self.window_of(last - timedelta(microseconds=1))[1])


def _offset(start: datetime, step: str) -> datetime:
    return cast("datetime", pl.select(pl.lit(start).cast(_US).dt.offset_by(step)).item())


_RECIPES = (
    Recipe(name="1s", step=timedelta(seconds=1), base=None),
    *(Recipe(name=interval.value, step=interval.length, base=interval) for interval in Interval),
    Recipe(name="3m", step=timedelta(minutes=3), base=Interval.M1),
    Recipe(name="30m", step=timedelta(minutes=30), base=Interval.M15),
    Recipe(name="2h", step=timedelta(hours=2), base=Interval.H1),
    Recipe(name="6h", step=timedelta(hours=6), base=Interval.H1),
    Recipe(name="8h", step=timedelta(hours=8), base=Interval.H4),
    Recipe(name="12h", step=timedelta(hours=12), base=Interval.H4),
    Recipe(name="3d", step=timedelta(days=3), base=Interval.D1),
    Recipe(name="1w", step="1w", base=Interval.D1),
    Recipe(name="1M", step="1mo", base=Interval.D1),
)
RECIPES = {recipe.name: recipe for recipe in _RECIPES}
"""Recipes by the name of the interval."""


def recipe_of(name: str) -> Recipe:
    """How candles of an interval come to be. Raises :class:`UnknownInterval` listing those there are."""
    try:
        return RECIPES[name]
    except KeyError:
        raise UnknownInterval(f"no candles of {name!r}; there are {', '.join(RECIPES)}") from None
