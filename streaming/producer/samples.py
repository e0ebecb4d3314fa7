"""Everything sampled: polled vendors, the socket of stocks, and how each stands."""

from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any

from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.topics import QUOTES
from cryptoviz.settings import Settings
from streaming.feeds.listening import Listening, connect_window
from streaming.feeds.record import Record
from streaming.feeds.sessions import is_open
from streaming.feeds.vendors import build_vendors, finnhub_socket
from streaming.feeds.venue import VenueFeed
from streaming.producer.publisher import Publisher
from streaming.producer.quotes import Poller
from streaming.producer.states import States


class Samples:
    """The vendors of the settings. Nothing of theirs is repaired: what was between two samples nobody knows."""

    def __init__(self, settings: Settings, feeds: Mapping[Venue, VenueFeed], publisher: Publisher) -> None:
        topic = settings.topic_name(QUOTES)
        self._pollers = [Poller(vendor, publisher, topic=topic) for vendor in build_vendors(settings, feeds)]
        self._seen = States(publisher, topic=topic, interval_s=settings.quote_interval.total_seconds())
        self._listenings = self._stocks(settings)
        self._why_no_socket = "disabled: no " + ("stocks" if finnhub_socket(settings) else "FINNHUB_API_KEY")

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """What runs until cancelled."""
        asked = [poller.run() for poller in self._pollers if not poller.vendor.missing_key]
        return [*asked, self._seen.run(), *(listening.run() for listening in self._listenings)]

    def as_dict(self) -> dict[str, object]:
        """For JSON: each vendor's state and budget, or why it is disabled."""
        found: dict[str, object] = {
            poller.vendor.name: {**poller.state.as_dict(), "budget": poller.vendor.rest.budget.as_dict()}
            for poller in self._pollers
        }
        return found | {"finnhub_socket": self._socket()}

    async def close(self) -> None:
        """Close connections."""
        for poller in self._pollers:
            await poller.vendor.close()

    def _socket(self) -> dict[str, object]:
        """A closed exchange says nothing, and that is no fault of the source."""
        if not self._listenings:
            return {"state": self._why_no_socket}
        told = self._seen.as_dict()
        return told if is_open(datetime.now(UTC)) else {**told, "state": "the exchange is closed"}

    def _stocks(self, settings: Settings) -> list[Listening]:
        feed = finnhub_socket(settings)
        stocks = [Instrument(Venue.FINNHUB, f"{stock}-USD") for stock in settings.stocks]
        if feed is None or not stocks:
            return []
        return [
            Listening(
                feed, QUOTES, stocks[: feed.limits.streams], sink=self._offer, on_break=lambda: None,
                connects=connect_window(feed), max_age_s=settings.socket_max_age.total_seconds(),
            )
        ]  # fmt: skip

    def _offer(self, records: list[Record]) -> None:
        for record in records:
            self._seen.offer(record)
