"""Tables that are made beside the metrics of an hour: what each stands on, read back from its own commits.

The metrics of an hour say that its chain has run; a table beside them that failed in the same run does not show there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.locations import Location
from cryptoviz.lake.metric_tables import HOURLY_CORRELATIONS, HOURLY_QUOTES, MARKET_OVERVIEW
from cryptoviz.lake.schema import Table
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.hour_index import HourEntry
from cryptoviz_dagster.folded_hours import Standing

_HOUR, _CANDLES, _QUOTES = "cryptoviz.hour", "cryptoviz.candles", "cryptoviz.vendor_quotes"
_STANDS_ON = (
    (HOURLY_CORRELATIONS, (_CANDLES,)),
    (MARKET_OVERVIEW, (_CANDLES, _QUOTES)),
    (HOURLY_QUOTES, (_QUOTES,)),
)
"""Of each table what its rows are made of, as its commits name it."""
_FIRST_LOOK = 500
"""Commits read of each table at the first look: about half a day of a live hour, or a long backfill."""
_EVER = datetime.min.replace(tzinfo=UTC)
_SETTLE = timedelta(seconds=20)

Stamp = Mapping[str, str]
"""Versions of what a table stands on, by their names in its commits."""


def stamp(hour: Hour, *, candles: pl.DataFrame | None = None, quotes: HourVersion | None = None) -> Stamp:
    """Metadata of the commit of one hour, of what was read: its candles, the version of the vendors' quotes."""
    note = {_HOUR: hour.key}
    if candles is not None:
        note[_CANDLES] = _of_candles(Standing.of(candles, as_of=_EVER))
    if quotes is not None:
        note[_QUOTES] = quotes.digest
    return note


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An hour with final metrics and the tables that do not stand on what these, and the vendors, have."""

    hour: Hour
    tables: tuple[Table, ...]
    wanted: Stamp


class MadeHours:
    """Stamps of every hour that one table's commits tell of: some of its log read once, then only what is new."""

    def __init__(self, table: Table, location: Location) -> None:
        self._table = LakeTable(table, location)
        self._hours: dict[Hour, Stamp] = {}
        self._version = -1
        self.known_since = _EVER

    def read(self) -> Mapping[Hour, Stamp]:
        """The newest stamp of each hour; of hours made before ``known_since`` nothing is known."""
        self._table.refresh()
        version = self._table.delta.version()
        if version > self._version:
            limit = _FIRST_LOOK if self._version < 0 else version - self._version
            commits = self._table.delta.history(limit)
            if self._version < 0 and commits and commits[-1].get("version", 0) > 0:
                self.known_since = datetime.fromtimestamp(commits[-1]["timestamp"] / 1000, UTC)
            for commit in reversed(commits):
                if _HOUR in commit:
                    self._hours[Hour.from_key(commit[_HOUR])] = commit
            self._version = version
        return self._hours


class Followers:
    """The tables beside the metrics of one lake."""

    def __init__(self, location: Location) -> None:
        self._tables = [(table, names, MadeHours(table, location)) for table, names in _STANDS_ON]

    def unfinished(
        self, folded: Mapping[Hour, Standing], quotes: Mapping[Hour, HourEntry], *, now: datetime
    ) -> list[Unfinished]:
        """Hours with final metrics that a table lacks or has from other inputs, newest first.

        Quotes that still come in are waited for.
        """
        made = [(table, names, hours.read(), hours.known_since) for table, names, hours in self._tables]
        since = min(known_since for *_, known_since in made)
        found = []
        final = [hour for hour, standing in folded.items() if not standing.is_open and standing.as_of >= since]
        for hour in sorted(final, reverse=True):
            entry = quotes.get(hour)
            if entry is not None and now - entry.changed < _SETTLE:
                continue
            wanted = {
                _CANDLES: _of_candles(folded[hour]),
                _QUOTES: (entry.version if entry else HourVersion()).digest,
            }
            lacking = tuple(
                table
                for table, names, hours, known_since in made
                if folded[hour].as_of >= known_since
                and any(hours.get(hour, {}).get(name) != wanted[name] for name in names)
            )
            if lacking:
                found.append(Unfinished(hour, lacking, wanted))
        return found


def _of_candles(standing: Standing) -> str:
    return f"{standing.version}/{'open' if standing.is_open else 'final'}"
