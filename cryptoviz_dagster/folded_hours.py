"""What the candles stand on, read back from the candles' own table: the truth the sensor compares its inputs with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import PARTITION_COLUMNS, Table
from cryptoviz.storage.delta import LakeTable

_PREFIX = "cryptoviz."
_STATISTICS = ("min.source_version", "min.quotes_version", "min.status")
_FOLDING = timedelta(minutes=1)
"""Ids are read at most so long before the hourly candles that stand on them are written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What the candles of one hour stand on.

    ``version`` of its trades and quotes together, the instant ``as_of`` which the ids around them were known, whether
    the hour was still in progress then, and whether any of its minutes is blind.
    """

    version: str
    as_of: datetime
    is_open: bool
    is_blind: bool

    @classmethod
    def of(cls, candles: pl.DataFrame, *, as_of: datetime) -> "Standing":
        """The standing of one hour's candles; they all name the same versions."""
        digests = candles.head(1).select("source_version", "quotes_version").rows()
        versions = [HourVersion.from_digest(digest) for row in digests for digest in row]
        statuses = set(candles["status"])
        return cls(
            version=reduce(HourVersion.plus, versions, HourVersion()).digest,
            as_of=as_of,
            is_open="open" in statuses,
            is_blind="blind" in statuses,
        )

    def metadata(self, hour: Hour) -> dict[str, str]:
        """Metadata of the commit that wrote them."""
        values = {
            "hour": hour.key,
            "version": self.version,
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
            version=commit[_PREFIX + "version"],
            as_of=datetime.fromisoformat(commit[_PREFIX + "as_of"]),
            is_open=commit[_PREFIX + "is_open"] == "1",
            is_blind=commit[_PREFIX + "is_blind"] == "1",
        )
        return Hour.from_key(commit[_PREFIX + "hour"]), standing


class FoldedHours:
    """Standings of every hour of the last table of the chain: its log read once, then only new commits."""

    def __init__(self, table: Table, location: Location) -> None:
        self._table = LakeTable(table, location)
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

    Every row of an hour names the same versions, and an hour in progress is open in every row; blind comes before all
    other statuses in the alphabet. A file without statistics leaves its hour unknown, so it is folded again.
    """
    actions = pa.table(delta.get_add_actions(flatten=True))
    if not set(_STATISTICS) <= set(actions.column_names):
        return {}
    names = [f"partition.{name}" for name in PARTITION_COLUMNS]
    hours: dict[Hour, Standing] = {}
    for file in actions.select([*names, "modification_time", *_STATISTICS]).to_pylist():
        versions = [file[name] for name in _STATISTICS[:2]]
        if None in versions:
            continue
        trades, quotes = map(HourVersion.from_digest, versions)
        year, month, day, hour = (int(file[name]) for name in names)
        hours[Hour(datetime(year, month, day, hour, tzinfo=UTC))] = Standing(
            version=trades.plus(quotes).digest,
            as_of=datetime.fromtimestamp(file["modification_time"] / 1000, UTC) - _FOLDING,
            is_open=file["min.status"] == "open",
            is_blind=file["min.status"] == "blind",
        )
    return hours
