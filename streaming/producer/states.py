"""States into Kafka, such as best bids and asks: sampled, so thinned to one an interval, and never repaired."""

import asyncio
import time

from prometheus_client import Counter

from streaming.feeds.record import Record
from streaming.feeds.thinning import Thinner
from streaming.producer.publisher import Publisher

_LOOK_S = 0.1
_thinned = Counter("cryptoviz_producer_thinned", "States replaced by a later one of their interval")


class States:
    """Takes states by :meth:`offer`, publishes what is due until cancelled."""

    def __init__(self, publisher: Publisher, *, topic: str, interval_s: float) -> None:
        self._publisher, self._topic = publisher, topic
        self._thinner = Thinner(interval_s=interval_s)
        self._published, self._last_published = 0, 0.0

    def offer(self, record: Record) -> None:
        """A state from the socket."""
        self._thinner.offer(record)

    async def run(self) -> None:
        """Publish each interval's last states soon after it has ended."""
        counted = 0
        while True:
            due = self._thinner.due(time.time_ns())
            await self._publisher.publish(self._topic, due)
            self._published += len(due)
            self._last_published = time.time() if due else self._last_published
            _thinned.inc(self._thinner.thinned - counted)
            counted = self._thinner.thinned
            await asyncio.sleep(_LOOK_S)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "state": "live" if self._published else "starting",
            "published": self._published,
            "thinned": self._thinner.thinned,
            "last_published": self._last_published,
        }
