"""What each hour's forecasts and scores stand on: an index of small objects, so that a look costs one listing.

The index repeats what the tables say. An hour that is missing from it is made again, which gives the same bytes.
"""

from collections.abc import Mapping

import xxhash

from cryptoviz.lake.forecast_tables import PREDICTION_METRICS
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HASH_SEED, HourVersion
from cryptoviz.storage.hour_index import HourIndex
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.resources import Lake


class ScoredHours:
    """Versions of the hourly candles that forecasts were issued from and scored against."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._index = HourIndex(Objects(lake.location), PREDICTION_METRICS.name)

    def remember(self, hour: Hour, version: str) -> None:
        """Note that an hour is done with these candles."""
        self._index.publish({hour: stamp(version)}, now=self._lake.now())

    def read(self) -> Mapping[Hour, HourVersion]:
        """Every hour that is done."""
        return {hour: entry.version for hour, entry in self._index.read().items()}


def stamp(version: str) -> HourVersion:
    """A version of candles, whatever its form, as the index keeps it."""
    return HourVersion(rows=1, hash_sum=xxhash.xxh64_intdigest(version.encode(), seed=HASH_SEED))
