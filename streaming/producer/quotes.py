"""Polled vendors into Kafka, each at its own pace without drift. One that fails is seen and asked again."""

import asyncio
import time
from dataclasses import asdict, dataclass

import msgspec
import structlog

from streaming.feeds.polling import PolledVendor
from streaming.feeds.rest import VenueUnreachable
from streaming.producer.publisher import Publisher


@dataclass(slots=True)
class VendorState:
    """What people see of a vendor. A vendor without its key is disabled, and says so."""

    state: str = "starting"
    published: int = 0
    last_published: float = 0.0
    error: str = ""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


class Poller:
    """Asks one vendor until cancelled."""

    def __init__(self, vendor: PolledVendor, publisher: Publisher, *, topic: str) -> None:
        self.vendor, self._publisher, self._topic = vendor, publisher, topic
        self.state = VendorState(state=f"disabled: no {vendor.missing_key}" if vendor.missing_key else "starting")
        self._log = structlog.get_logger(vendor=vendor.name)

    async def run(self) -> None:
        """Poll at every multiple of the interval since the start; a late answer shifts nothing."""
        if self.vendor.missing_key:
            self._log.warning(self.state.state)
            return
        loop = asyncio.get_running_loop()
        begin, turn = loop.time(), 0
        while True:
            await self._poll()
            turn = max(turn + 1, int((loop.time() - begin) / self.vendor.interval_s) + 1)
            await asyncio.sleep(begin + turn * self.vendor.interval_s - loop.time())

    async def _poll(self) -> None:
        try:
            records = await self.vendor.poll()
        except (VenueUnreachable, msgspec.DecodeError) as error:
            self.state.state, self.state.error = "failing", str(error)
            self._log.warning("no quotes", reason=str(error))
            return
        await self._publisher.publish(self._topic, records)
        self.state.state, self.state.error = "live", ""
        self.state.published += len(records)
        self.state.last_published = time.time()
