"""A channel of a venue heard without a break: split over connections, each replaced before it is closed.

A successor is opened, subscribed and overlaps before the old connection ends; what both tell is the same ids twice. So
it is before the venue's own cut, when the venue says that it leaves, and when a connection has gone silent.
"""

import asyncio
import random
from collections.abc import Callable, Sequence

import structlog

from cryptoviz.lake.symbols import Instrument
from cryptoviz.lake.topics import Topic
from streaming.feeds.connection import CONNECTION_ERRORS, Connection, End, Sink
from streaming.feeds.venue import SocketFeed
from streaming.feeds.windows import Window, pace

_LONGEST_PAUSE_S = 60.0
_SHARE_OF_CONNECTS = 0.5
"""What tries to connect may use of the venue's limit; the rest is for connections that are to be replaced."""


def connect_window(feed: SocketFeed) -> Window:
    """The venue's limit of new connections; one for all its channels."""
    return Window(limit=feed.limits.connects, seconds=feed.limits.connects_seconds)


def longest_pause_s(feed: SocketFeed) -> float:
    """The longest pause between two tries to connect, drawn from 0 on: as short as the venue's limit lets it be."""
    mean_s = feed.limits.connects_seconds * len(feed.channels) / (feed.limits.connects * _SHARE_OF_CONNECTS)
    return min(_LONGEST_PAUSE_S, 2 * mean_s)


def split(instruments: Sequence[Instrument], size: int) -> list[Sequence[Instrument]]:
    """So that no connection carries more streams than the venue allows, as evenly as can be."""
    parts = -(-len(instruments) // size)
    return [instruments[n::parts] for n in range(parts)]


class Listening:
    """Hands every record of a channel of some instruments to ``sink`` until cancelled.

    ``on_break`` is called when something may have been said unheard: at the start, and after a connection was lost. A
    channel has connections of its own, so that one that the venue refuses, or floods, touches no other.
    """

    def __init__(
        self,
        feed: SocketFeed,
        channel: Topic,
        instruments: Sequence[Instrument],
        *,
        sink: Sink,
        on_break: Callable[[], None],
        connects: Window,
        max_age_s: float,
        overlap_s: float = 3.0,
    ) -> None:
        self._feed, self._channel, self._instruments = feed, channel, instruments
        self._sink, self._on_break, self._connects = sink, on_break, connects
        self._max_age_s, self._overlap_s, self._longest_s = max_age_s, overlap_s, longest_pause_s(feed)
        self._current: Connection | None = None
        self._log = structlog.get_logger(venue=feed.name, channel=channel.name)

    async def run(self) -> None:
        """Listen until cancelled."""
        failures = 0
        try:
            while True:
                if not await self._replace():
                    failures += 1
                elif self._current is not None:
                    why = await self._current.end(max_age_s=self._max_age_s)
                    self._log.info("connection to be replaced", why=why, reason=self._current.reason)
                    failures = 0 if self._current.has_records else failures + 1
                    if why in {End.AGED, End.LEAVING}:
                        continue
                await asyncio.sleep(random.uniform(0, min(self._longest_s, 0.5 * 2**failures)))  # noqa: S311 - jitter
        finally:
            if self._current is not None:
                await self._current.close()

    async def _replace(self) -> bool:
        """Open a successor, overlap, close the old connection; the old one stays when there is no successor."""
        await pace(self._connects)
        try:
            fresh = await Connection.open(self._feed, self._channel, self._instruments, self._sink)
        except CONNECTION_ERRORS as error:
            self._log.warning("no connection", reason=f"{type(error).__name__}: {error}")
            return False
        self._log.info("connected", connection=fresh.name, markets=len(self._instruments))
        old, self._current = self._current, fresh
        try:
            if old is None or not old.is_sound():
                self._on_break()
            else:
                await asyncio.sleep(self._overlap_s)
                if not old.is_sound():
                    self._on_break()
        finally:
            if old is not None:
                await old.close()
        return True
