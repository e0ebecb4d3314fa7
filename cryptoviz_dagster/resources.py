"""The lake as assets see it: hours read with the version of what was read, and versions for the sensor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import polars as pl

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.ledger import HourVersion, State
from cryptoviz.lake.locations import Location
from cryptoviz.lake.metric_tables import HOURLY_METRICS
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import BOOK_TICKERS, INSTRUMENTS, TRADES
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import TableNotWritten, empty, read_partition, scan, scan_between, version_of
from cryptoviz.storage.hour_index import HourEntry, HourIndex, utc_now
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.folded_hours import FoldedHours, Standing


@dataclass(frozen=True, slots=True)
class Versioned:
    """Rows of one hour and the version of exactly these rows."""

    frame: pl.DataFrame
    version: HourVersion


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
        return FoldedHours(HOURLY_METRICS, self.location)

    def hours(self, table: Table, *, since: datetime | None = None) -> dict[Hour, HourEntry]:
        """Every hour of a table Spark writes, with its version; a listing and what changed since the last call.

        With ``since`` those of the days from then on.
        """
        if table.name not in self._indexes:
            self._indexes[table.name] = HourIndex(self._objects, table.name)
        return self._indexes[table.name].read(since=since)

    def folded_hours(self) -> Mapping[Hour, Standing]:
        """What each hour's candles stand on, read from the candles' own table and its new commits."""
        return self._folded.read()

    def seen_ids(self) -> Mapping[str, IdSet]:
        """Trade ids in the lake, by ``venue:symbol``. Read them before the trades, see ``build_candles``."""
        entry = LakeTable(TRADES, self.location).last_entry()
        payload = self._objects.get(entry.state) if entry else None
        return State.decode(payload).id_sets() if payload else {}

    def trades(self, hour: Hour) -> Versioned:
        """Trades of one hour."""
        return self._versioned(TRADES, hour)

    def quotes(self, hour: Hour) -> Versioned:
        """Best bids and asks of one hour."""
        return self._versioned(BOOK_TICKERS, hour)

    def rows(self, table: Table, span: Hour | Day) -> pl.DataFrame:
        """Rows of one hour or day."""
        return read_partition(table, self.location, span)

    def rows_between(self, table: Table, first: Hour, last: Hour) -> pl.LazyFrame:
        """Rows of the hours from ``first`` to ``last``, both included; none when the table does not exist yet."""
        try:
            return scan_between(table, self.location, first, last)
        except TableNotWritten:
            return empty(table).lazy()

    def instruments(self) -> pl.DataFrame:
        """Every version of every market's listing; none when the table does not exist yet."""
        try:
            return scan(INSTRUMENTS, self.location).collect()
        except TableNotWritten:
            return empty(INSTRUMENTS)

    def _versioned(self, table: Table, hour: Hour) -> Versioned:
        frame = read_partition(table, self.location, hour)
        return Versioned(frame, version_of(frame))

    def uri(self, table: Table, span: Hour | Day) -> str:
        """Where the files of an hour or day lie."""
        return f"{self.location.table(table.name)}/{span.path}"
