"""The lake as assets see it: hours read with the version of what was read, hours replaced, versions for the sensor."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.ledger import State
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import OHLC_1H, PARTITION_COLUMNS, TRADES, Table
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import read_hour, replace_hour, scan, version_of
from cryptoviz.storage.hour_index import HourEntry, HourIndex
from cryptoviz.storage.objects import Objects

_HOUR, _VERSION = "cryptoviz.hour", "cryptoviz.source_version"


@dataclass(frozen=True, slots=True)
class HourOfTrades:
    """Trades of one hour and the version of exactly these rows."""

    frame: pl.DataFrame
    version: str


class FoldedHours:
    """Source versions of `ohlc_1h`, the last table of the chain: one scan, then only new commits."""

    def __init__(self, location: Location) -> None:
        self._table = LakeTable(OHLC_1H, location)
        self._location = location
        self._hours: dict[Hour, str] = {}
        self._version = -1

    def read(self) -> dict[Hour, str]:
        """Hour to the version of trades its candles stand on."""
        self._table.refresh()
        version = self._table.delta.version()
        if self._version < 0:
            self._hours = self._scan()
        elif version > self._version:
            commits = self._table.delta.history(version - self._version)
            self._hours |= {Hour.from_key(c[_HOUR]): c[_VERSION] for c in reversed(commits) if _HOUR in c}
        self._version = version
        return self._hours

    def _scan(self) -> dict[Hour, str]:
        columns = [*PARTITION_COLUMNS, "source_version"]
        rows = scan(OHLC_1H, self._location).select(columns).unique().collect()
        return {Hour.from_key(f"{y}-{m}-{d}-{h}:00"): version for y, m, d, h, version in rows.iter_rows()}


class Lake:
    """Handle on the lake at a location."""

    def __init__(self, location: Location) -> None:
        self.location = location

    @cached_property
    def _objects(self) -> Objects:
        return Objects(self.location)

    @cached_property
    def _folded(self) -> "FoldedHours":
        return FoldedHours(self.location)

    @cached_property
    def _index(self) -> HourIndex:
        return HourIndex(self._objects, TRADES.name)

    def trade_hours(self) -> dict[Hour, HourEntry]:
        """Every hour of trades with its version; a listing and what changed since the last call."""
        return self._index.read()

    def trades(self, hour: Hour) -> HourOfTrades:
        """Trades of one hour."""
        frame = read_hour(TRADES, self.location, hour)
        return HourOfTrades(frame, version_of(frame).digest)

    def seen_ids(self) -> Mapping[str, IdSet]:
        """Trade ids in the lake, by ``venue:symbol``."""
        entry = LakeTable(TRADES, self.location).last_entry()
        payload = self._objects.get(entry.state) if entry else None
        return State.decode(payload).id_sets() if payload else {}

    def candles(self, table: Table, hour: Hour) -> pl.DataFrame:
        """Candles of one hour."""
        return read_hour(table, self.location, hour)

    def publish(self, table: Table, hour: Hour, frame: pl.DataFrame, *, version: str) -> int:
        """Replace one hour of a table and return the table's version."""
        return replace_hour(table, self.location, hour, frame, {_HOUR: hour.key, _VERSION: version})

    def folded_hours(self) -> dict[Hour, str]:
        """Version of trades each hour's candles stand on, read from the candles' own table and its new commits."""
        return self._folded.read()
