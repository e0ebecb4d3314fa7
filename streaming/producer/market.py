"""One market from start to live: position, backfill, live trades, repair of holes. Only this publishes."""

import asyncio
import time
from dataclasses import dataclass, field

import structlog

from cryptoviz.crash import crash_point
from cryptoviz.lake.symbols import Instrument
from cryptoviz.lake.topics import Source
from streaming.feeds.continuity import Continuity
from streaming.feeds.record import Record
from streaming.feeds.rest import VenueUnreachable
from streaming.feeds.venue import VenueFeed
from streaming.producer.publisher import Publisher
from streaming.producer.tail import Position

_LOOK_AGAIN_S = 5.0
_TRIES_BEFORE_LOST = 5
_REPORT_S = 5.0
_LAST_PAGE = 100
"""A page shorter than this has reached the live edge; what is traded meanwhile comes by the socket."""


@dataclass(slots=True)
class MarketState:
    """What people see of a market."""

    phase: str = "starting"
    published: int = 0
    last_id: int = -1
    last_event_us: int = 0
    lost: int = 0
    error: str = ""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Market:
    """Runs until cancelled. Live records come in by :meth:`offer`."""

    instrument: Instrument
    feed: VenueFeed
    publisher: Publisher
    topic: str
    state: MarketState = field(default_factory=MarketState)
    _ids: Continuity = field(default_factory=Continuity)
    _ready: list[Record] = field(default_factory=list)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _behind: bool = True

    def offer(self, record: Record) -> None:
        """A live record from the socket."""
        crash_point("producer.after_receive")
        self._ready += self._ids.offer(record)
        self._wake.set()

    def connected(self) -> None:
        """The socket is new: something may have been traded unheard."""
        self._behind = True
        self._wake.set()

    async def run(self, position: Position | None, *, backfill_from_ms: int) -> None:
        """From the position (or from an instant, at a first start) to live, and on."""
        log = structlog.get_logger(market=self.instrument.key)
        first = await self._first_id(position, backfill_from_ms)
        self._ids.last_time_us = position.time_us if position else backfill_from_ms * 1000
        self._ready += self._ids.start_at(first)
        source = Source.REPAIR if position else Source.BACKFILL
        while True:
            await self._publish()
            if self._behind or self._ids.missing():
                await self._catch_up(source, log)
                source = Source.REPAIR
                continue
            self.state.phase = "live"
            self._wake.clear()
            if not self._ready:
                await self._wake.wait()

    async def _first_id(self, position: Position | None, backfill_from_ms: int) -> int:
        if position is not None:
            return position.last_id + 1
        while True:
            try:
                first = await self.feed.first_id_at(self.instrument, backfill_from_ms)
            except VenueUnreachable as error:
                self.state.error = str(error)
                first = None
            if first is not None:
                return first
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _catch_up(self, source: Source, log: structlog.stdlib.BoundLogger) -> None:
        """Fetch pages until the venue has no more than is published or waiting."""
        self.state.phase, reported, tries = "backfilling" if source is Source.BACKFILL else "repairing", 0.0, 0
        self._behind = False
        while True:
            next_id = self._ids.next_id or 0
            try:
                page = await self.feed.fetch(self.instrument, next_id, self._ids.last_time_us, source=source)
                self.state.error = ""
            except VenueUnreachable as error:
                self.state.error = str(error)
                await asyncio.sleep(_LOOK_AGAIN_S)
                continue
            self._ready += self._ids.fill(page)
            await self._publish()
            crash_point("producer.mid_backfill")
            if time.monotonic() - reported > _REPORT_S:
                reported = time.monotonic()
                log.info(self.state.phase, published=self.state.published, at=self._ids.last_time_us // 1_000_000)
            hole = self._ids.missing()
            if hole is None and len(page) < _LAST_PAGE:
                return
            if self._ids.next_id == next_id:
                if hole is None:
                    return
                tries += 1
                if tries >= _TRIES_BEFORE_LOST:
                    await self._give_up(page, hole, log)
                else:
                    await asyncio.sleep(0.2 * 2**tries)

    async def _give_up(self, page: list[Record], hole: tuple[int, int], log: structlog.stdlib.BoundLogger) -> None:
        """REST answers beyond the hole, again and again, without what is in it: the venue does not have it."""
        last = min(page[0].first_id - 1, hole[1]) if page else hole[1]
        log.error("ids lost at the venue", first=hole[0], last=last)
        self._ready += self._ids.give_up((hole[0], last))
        self.state.lost += last - hole[0] + 1
        await self._publish()

    async def _publish(self) -> None:
        ready, self._ready = self._ready, []
        if not ready:
            return
        await self.publisher.publish(self.topic, ready)
        self.state.published += len(ready)
        self.state.last_id, self.state.last_event_us = ready[-1].last_id, ready[-1].time_us
