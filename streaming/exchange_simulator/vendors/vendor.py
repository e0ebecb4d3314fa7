"""What vendors share: calls a minute, and how old what they say is."""

from aiohttp import web

from streaming.exchange_simulator.exchange import Exchange
from streaming.exchange_simulator.rest import RestVenue
from streaming.exchange_simulator.rules import TokenBucket
from streaming.exchange_simulator.texts import rfc3339
from streaming.exchange_simulator.vendors.coins import Coins


class Vendor(RestVenue):
    """A vendor that renews its figures every ``refresh_ms``; the fault ``stale`` makes them ``amount`` seconds old."""

    refresh_ms = 60_000

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self.coins = Coins(exchange)
        self._bucket = TokenBucket()

    @property
    def as_of(self) -> int:
        """The instant the figures are of, milliseconds."""
        stale = self.exchange.faults.active("stale", self.name)
        now = self.exchange.clock() - (int(stale.amount * 1000) if stale else 0)
        return now // self.refresh_ms * self.refresh_ms

    def admit(self, request: web.Request, weight: int) -> None:
        """Take one call of the vendor's allowance. Raises VenueError."""
        del request, weight
        self.exchange.faults.strikes("stale", self.name)
        calls = self.exchange.rules.calls_a_minute(self.name)
        if not self._bucket.take(rate=calls / 60, burst=calls):
            raise self.limited(60)


def iso(time_ms: int) -> str:
    """An instant as vendors write it, ``2026-11-21T07:00:00.000Z``."""
    return rfc3339(time_ms * 1_000_000, 3)
