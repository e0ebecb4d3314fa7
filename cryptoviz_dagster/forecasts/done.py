"""Days and weeks whose models were tried, and the version of the history they were tried with.

The venues' own candles from before the lake may arrive after the first look; what was tried without them is stale then.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import reduce

from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import CALIBRATION, CHAMPIONS, LSTM_MODEL, PREDICTION_PERFORMANCE
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import KLINES
from cryptoviz.storage.hour_index import HourEntry, HourIndex
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.folded_hours import Standing
from cryptoviz_dagster.resources import Lake

HISTORY_PATIENCE = timedelta(minutes=10)
"""How long after the first candles of its own the lake waits for those of the venues."""
_SETTLED = timedelta(seconds=20)


def history_before(lake: Lake, begins: Hour) -> dict[Hour, HourEntry]:
    """The venues' own candles from before the lake begins, by hour."""
    return {hour: entry for hour, entry in lake.hours(KLINES).items() if hour < begins}


def history_version(history: Mapping[Hour, HourEntry]) -> HourVersion:
    """The version of all of them together."""
    return reduce(HourVersion.plus, (entry.version for entry in history.values()), HourVersion())


def is_history_coming(history: Mapping[Hour, HourEntry], folded: Mapping[Hour, Standing], *, now: datetime) -> bool:
    """Whether to wait for history: while it arrives, and for a while when there is none yet."""
    if history:
        return now < max(entry.changed for entry in history.values()) + _SETTLED
    begun = min((standing.as_of for standing in folded.values()), default=now)
    return now < begun + HISTORY_PATIENCE


class DoneDays:
    """The days (or Mondays) that every one of some tables was tried for. A quiet look costs a listing a table."""

    def __init__(self, lake: Lake, *tables: Table) -> None:
        self._lake = lake
        self._indexes = {table.name: HourIndex(Objects(lake.location), table.name) for table in tables}

    def remember(self, table: Table, days: Collection[Day], version: HourVersion) -> None:
        """Note that a table was tried for days with this history."""
        self._indexes[table.name].publish({Hour(day.start): version for day in days}, now=self._lake.now())

    def read(self, version: HourVersion) -> set[Day]:
        """Days that all tables were tried for with this history."""
        tried = [
            {Day.containing(hour.start) for hour, entry in index.read().items() if entry.version == version}
            for index in self._indexes.values()
        ]
        return set.intersection(*tried)


def done_days(lake: Lake) -> DoneDays:
    """Days of the last tables of their run: the calibration, which follows the model, and the performance."""
    return DoneDays(lake, CALIBRATION, PREDICTION_PERFORMANCE)


def done_weeks(lake: Lake) -> DoneDays:
    """Weeks of the LSTM and of the champions."""
    return DoneDays(lake, LSTM_MODEL, CHAMPIONS)
