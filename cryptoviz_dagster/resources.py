"""The lake as assets see it: hours read with the version of what was read, hours replaced, versions for the sensor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import polars as pl

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.ledger import State
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import TRADES
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import read_partition, replace_partition, version_of
from cryptoviz.storage.hour_index import HourEntry, HourIndex, utc_now
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.folded_hours import FoldedHours, Standing


@dataclass(frozen=True, slots=True)
class HourOfTrades:
    """Trades of one hour and the version of exactly these rows."""

    frame: pl.DataFrame
    version: str


class Lake:
    """Handle on the lake at a location, with the clock that says which hour is in progress."""

    def __init__(self, location: Location, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.location = location
        self.now = clock
        self._indexes: dict[str, HourIndex] = {}

    @cached_property
    def _objects(self) -> Objects:
        return Objects(self.location)

    @cached_property
    def _folded(self) -> FoldedHours:
        return FoldedHours(self.location)

    def hours(self, table: Table) -> dict[Hour, HourEntry]:
        """Every hour of a table Spark writes, with its version; a listing and what changed since the last call."""
        if table.name not in self._indexes:
            self._indexes[table.name] = HourIndex(self._objects, table.name)
        return self._indexes[table.name].read()

    def folded_hours(self) -> Mapping[Hour, Standing]:
        """What each hour's candles stand on, read from the candles' own table and its new commits."""
        return self._folded.read()

    def seen_ids(self) -> Mapping[str, IdSet]:
        """Trade ids in the lake, by ``venue:symbol``. Read them before the trades, see ``build_candles``."""
        entry = LakeTable(TRADES, self.location).last_entry()
        payload = self._objects.get(entry.state) if entry else None
        return State.decode(payload).id_sets() if payload else {}

    def trades(self, hour: Hour) -> HourOfTrades:
        """Trades of one hour."""
        frame = read_partition(TRADES, self.location, hour)
        return HourOfTrades(frame, version_of(frame).digest)

    def candles(self, table: Table, hour: Hour) -> pl.DataFrame:
        """Candles of one hour."""
        return read_partition(table, self.location, hour)

    def publish(self, table: Table, hour: Hour, candles: pl.DataFrame, *, version: str, as_of: datetime) -> None:
        """Replace one hour of a candle table; the commit says what the candles stand on."""
        standing = Standing.of(candles, version=version, as_of=as_of)
        replace_partition(table, self.location, hour, candles, standing.metadata(hour))

    def uri(self, table: Table, hour: Hour) -> str:
        """Where the files of an hour lie."""
        return f"{self.location.table(table.name)}/{hour.path}"
