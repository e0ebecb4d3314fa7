"""How the gaps in the markets' trade ids stand: the latest state of each."""

import polars as pl

from cryptoviz.inspect.reach import reading
from cryptoviz.lake.gaps import GapState
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import GAPS
from cryptoviz.storage.frames import TableNotWritten, empty, scan

_GAP = ("venue", "symbol", "first_id")
_ORDER = {str(state): rank for rank, state in enumerate((GapState.OPEN, GapState.UNRECOVERABLE, GapState.REPAIRED))}


def gaps(location: Location, *, venue: str = "", symbol: str = "", state: str = "") -> pl.DataFrame:
    """One row a gap, what is open first, then the newest; none when no gap was ever told.

    ``ids`` counts what was missing, ``seconds`` is from opening to the latest state. Raises
    :class:`~cryptoviz.inspect.reach.Unreachable` when the store does not answer.
    """
    told = pl.struct("event_time", "offset")
    wanted = {"venue": venue, "symbol": symbol, "state": state}
    with reading(location):
        return (
            _states(location)
            .sort(told)
            .group_by(_GAP)
            .last()
            .filter(pl.lit(value=True), *(pl.col(name) == value for name, value in wanted.items() if value))
            .with_columns(
                ids=pl.col("last_id") - pl.col("first_id") + 1,
                seconds=(pl.col("event_time") - pl.col("opened_time")).dt.total_milliseconds().truediv(1000).round(3),
            )
            .sort(pl.col("state").replace_strict(_ORDER, default=9), -pl.col("opened_time").to_physical(), *_GAP)
            .select(*_GAP, "last_id", "ids", "state", "cause", "opened_time", "seconds", "evidence")
            .collect()
        )


def _states(location: Location) -> pl.LazyFrame:
    try:
        return scan(GAPS, location)
    except TableNotWritten:
        return empty(GAPS).lazy()
