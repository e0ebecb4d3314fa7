"""What the candles stand on, read back from the candles' own table: the truth the sensor compares the trades with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import PARTITION_COLUMNS
from cryptoviz.storage.delta import LakeTable

_PREFIX = "cryptoviz."
_FOLDING = timedelta(minutes=1)
"""Ids are read at most so long before the hourly candles that stand on them are written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What the candles of one hour stand on.

    ``version`` of the trades, the instant ``as_of`` which the ids around them were known, whether the hour was still
    in progress then, and whether any of its minutes is blind.
    """

    version: str
    as_of: datetime
    is_open: bool
    is_blind: bool

    @classmethod
    def of(cls, candles: pl.DataFrame, *, version: str, as_of: datetime) -> "Standing":
        """The standing of one hour's candles."""
        statuses = set(candles["status"])
        return cls(version=version, as_of=as_of, is_open="open" in statuses, is_blind="blind" in statuses)

    def metadata(self, hour: Hour) -> dict[str, str]:
        """Metadata of the commit that wrote them."""
        values = {
            "hour": hour.key,
            "source_version": self.version,
            "as_of": self.as_of.isoformat(),
            "is_open": str(int(self.is_open)),
            "is_blind": str(int(self.is_blind)),
        }
        return {_PREFIX + name: value for name, value in values.items()}

    @staticmethod
    def from_commit(commit: Mapping[str, str]) -> "tuple[Hour, Standing] | None":
        """The hour and its standing; None for commits that fold nothing, such as compaction."""
        if _PREFIX + "as_of" not in commit:
            return None
        standing = Standing(
            version=commit[_PREFIX + "source_version"],
            as_of=datetime.fromisoformat(commit[_PREFIX + "as_of"]),
            is_open=commit[_PREFIX + "is_open"] == "1",
            is_blind=commit[_PREFIX + "is_blind"] == "1",
        )
        return Hour.from_key(commit[_PREFIX + "hour"]), standing


class FoldedHours:
    """Standings of every hour of `ohlc_1h`, the last table of the chain: its log read once, then only new commits."""

    def __init__(self, location: Location) -> None:
        self._table = LakeTable(OHLC_1H, location)
        self._hours: dict[Hour, Standing] = {}
        self._version = -1

    def read(self) -> Mapping[Hour, Standing]:
        """Hours that have candles."""
        self._table.refresh()
        version = self._table.delta.version()
        if self._version < 0:
            self._hours = _from_statistics(self._table.delta)
        elif version > self._version:
            # Reaches back to the first commit after the last look; those that came in meanwhile are read twice.
            commits = self._table.delta.history(version - self._version)
            self._hours |= dict(filter(None, map(Standing.from_commit, reversed(commits))))
        self._version = version
        return self._hours


def _from_statistics(delta: DeltaTable) -> dict[Hour, Standing]:
    """Standings from the log alone, without reading a file.

    Every row of an hour names one source version, and an hour in progress is open in every row; blind comes before all
    other statuses in the alphabet. A file without statistics leaves its hour unknown, so it is folded again.
    """
    actions = pa.table(delta.get_add_actions(flatten=True))
    if not {"min.source_version", "min.status"} <= set(actions.column_names):
        return {}
    names = [f"partition.{name}" for name in PARTITION_COLUMNS]
    hours: dict[Hour, Standing] = {}
    for file in actions.select([*names, "modification_time", "min.source_version", "min.status"]).to_pylist():
        if file["min.source_version"] is None:
            continue
        year, month, day, hour = (int(file[name]) for name in names)
        hours[Hour(datetime(year, month, day, hour, tzinfo=UTC))] = Standing(
            version=file["min.source_version"],
            as_of=datetime.fromtimestamp(file["modification_time"] / 1000, UTC) - _FOLDING,
            is_open=file["min.status"] == "open",
            is_blind=file["min.status"] == "blind",
        )
    return hours
