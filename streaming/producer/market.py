"""One market from start to live: position, backfill, live trades, repair of gaps. Only this publishes its trades."""

import asyncio
import time
from dataclasses import dataclass

import msgspec
import structlog

from cryptoviz.crash import crash_point
from cryptoviz.lake.gaps import Cause
from cryptoviz.lake.id_set import Interval
from cryptoviz.lake.symbols import Instrument
from cryptoviz.lake.topics import Source
from streaming.feeds.continuity import Continuity
from streaming.feeds.gaps import GapLedger
from streaming.feeds.parsed import Refused
from streaming.feeds.record import NO_ID, Record
from streaming.feeds.rest import VenueUnreachable
from streaming.feeds.venue import VenueFeed
from streaming.producer.publisher import Publisher
from streaming.producer.tail import Position

_LOOK_AGAIN_S = 5.0
_GRACE_S = 0.5
"""Ids that are only out of order arrive within this time; what does not is fetched."""
_TRIES_BEFORE_LOST = 5
_REPORT_S = 5.0
_MAX_READY = 5_000
"""What may wait for Kafka. What is said beyond it is heard, not held, and fetched by id when Kafka has room again."""
_LAST_PAGE = 100
"""A page shorter than this has reached the live edge; what is traded meanwhile comes by the socket."""
_UNUSABLE = (VenueUnreachable, msgspec.DecodeError, Refused)


@dataclass(slots=True)
class MarketState:
    """What people see of a market."""

    phase: str = "starting"
    published: int = 0
    last_id: int = -1
    last_event_us: int = 0
    lost: int = 0
    gaps_open: int = 0
    gaps_repaired: int = 0
    error: str = ""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


class Market:
    """Runs until cancelled. Live records come in by :meth:`offer`."""

    def __init__(self, instrument: Instrument, feed: VenueFeed, publisher: Publisher, topic: str) -> None:
        self.instrument, self.feed, self.state = instrument, feed, MarketState()
        self.gaps = GapLedger(instrument)
        self._publisher, self._topic = publisher, topic
        self._ids, self._wake = Continuity(), asyncio.Event()
        self._ready: list[Record] = []
        self._behind, self._connections = True, 0
        self._met_at: int | None = None
        self._log = structlog.get_logger(market=instrument.key)

    def offer(self, record: Record) -> None:
        """A live record from the socket."""
        crash_point("producer.after_receive")
        if self._met_at is None and record.first_id >= (self._ids.next_id or 0):
            self._met_at = record.first_id
        if len(self._ready) >= _MAX_READY:
            self._ids.hear(record)
        elif record.first_id == NO_ID:
            self._ready.append(record)
        else:
            self._ready += self._ids.offer(record)
        self._wake.set()

    def connected(self) -> None:
        """The socket is new: something may have been traded unheard."""
        self._behind, self._connections, self._met_at = True, self._connections + 1, None
        self._wake.set()

    def look(self) -> list[Record]:
        """What the gap ledger has to say now; asked every second, it opens gaps that a slow repair has not come to."""
        if self.state.phase in {"live", "repairing"}:
            self.gaps.watch(self._ids.holes(), cause=Cause.HOLE, since_us=self._ids.last_time_us)
        self.state.gaps_open, self.state.gaps_repaired = len(self.gaps.open), self.gaps.repaired
        return self.gaps.take()

    async def run(self, position: Position | None, *, backfill_from_ms: int) -> None:
        """From the position (or from an instant, at a first start) to live, and on."""
        first = await self._first_id(position, backfill_from_ms)
        self._ids.last_time_us = position.time_us if position else backfill_from_ms * 1000
        self._ready += self._ids.start_at(first)
        self.gaps.reach(first)
        start = Cause.RESTART if position else None
        while True:
            await self._publish()
            if self._behind or not await self._is_whole():
                await self._catch_up(self._cause(start))
                continue
            self.state.phase = "live"
            self._wake.clear()
            if not self._ready:
                await self._wake.wait()

    def _cause(self, start: Cause | None) -> Cause | None:
        """Why ids are missing now. What is unheard before the first connection stands belongs to the start."""
        if not self._behind:
            return Cause.HOLE
        return start if self._connections <= 1 else Cause.RECONNECT

    async def _first_id(self, position: Position | None, backfill_from_ms: int) -> int:
        if position is not None:
            return position.last_id + 1
        while True:
            try:
                first = await self.feed.first_id_at(self.instrument, backfill_from_ms)
                self.state.error = "" if first is not None else "no trade since the backfill's begin"
            except _UNUSABLE as error:
                self.state.error, first = str(error), None
            if first is not None:
                return first
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _is_whole(self) -> bool:
        """Whether nothing is missing, now or after a moment."""
        if not self._ids.missing():
            return not self._behind
        try:
            async with asyncio.timeout(_GRACE_S):
                while self._ids.missing() and not self._behind:
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            return False
        return not self._behind

    async def _catch_up(self, cause: Cause | None) -> None:
        """Fetch pages until the venue has no more than is published or waiting. Without a cause it is a backfill."""
        self.state.phase = "repairing" if cause else "backfilling"
        self._behind, tries, began, reported = False, 0, time.monotonic(), 0.0
        while True:
            next_id = self._ids.next_id or 0
            if cause:
                self.gaps.see(self._ids.holes(), cause=cause, since_us=self._ids.last_time_us)
            page = await self._page(next_id, Source.REPAIR if cause else Source.BACKFILL)
            if page and cause in {Cause.RESTART, Cause.RECONNECT}:
                self.gaps.see([(next_id, page[-1].last_id)], cause=cause, since_us=self._ids.last_time_us)
            await self._fill(page)
            if cause is Cause.HOLE:
                self.gaps.reach(self._ids.next_id or 0)
            if time.monotonic() - reported > _REPORT_S:
                reported = time.monotonic()
                self._log.info(self.state.phase, published=self.state.published, at=self._ids.last_time_us // 1_000_000)
            hole, moved = self._ids.missing(), self._ids.next_id != next_id
            if hole is None and (len(page) < _LAST_PAGE or not moved or self._has_met_the_live()):
                self.gaps.reach(self._ids.next_id or 0)
                return
            tries = 0 if moved or hole is None else tries + 1
            if tries >= _TRIES_BEFORE_LOST and hole is not None:
                await self._give_up(page, hole, seconds=time.monotonic() - began)
                tries = 0
            elif tries:
                await asyncio.sleep(0.2 * 2**tries)

    def _has_met_the_live(self) -> bool:
        """Whether what the new connection first told is published: of a busy market no page is ever short."""
        return self._met_at is not None and self._met_at < (self._ids.next_id or 0)

    async def _page(self, next_id: int, source: Source) -> list[Record]:
        """A page of trades; waits for a venue that does not answer."""
        while True:
            try:
                page = await self.feed.fetch(self.instrument, next_id, self._ids.last_time_us, source=source)
            except _UNUSABLE as error:
                self.state.error = str(error)
                await asyncio.sleep(_LOOK_AGAIN_S)
            else:
                self.state.error = ""
                return page

    async def _fill(self, page: list[Record]) -> None:
        self._ready += self._ids.fill(page)
        await self._publish()
        crash_point("producer.mid_backfill")

    async def _give_up(self, page: list[Record], hole: Interval, *, seconds: float) -> None:
        """REST answers beyond the hole, again and again, without what is in it: the venue does not have it."""
        last = min(page[0].first_id - 1, hole[1]) if page else hole[1]
        found = f"the next is {page[0].first_id}" if page else "nothing"
        evidence = f"asked for trades from id {hole[0]} {_TRIES_BEFORE_LOST} times in {seconds:.1f} s: {found}"
        self._log.error("ids lost at the venue", first=hole[0], last=last, evidence=evidence)
        self.gaps.lose((hole[0], last), evidence=evidence, since_us=self._ids.last_time_us)
        self._ready += self._ids.give_up((hole[0], last))
        self.state.lost += last - hole[0] + 1
        await self._publish()

    async def _publish(self) -> None:
        ready, self._ready = self._ready, []
        if not ready:
            return
        await self._publisher.publish(self._topic, ready)
        self.state.published += len(ready)
        self.state.last_event_us = ready[-1].time_us
        last_ids = (record.last_id for record in reversed(ready) if record.first_id != NO_ID)
        self.state.last_id = next(last_ids, self.state.last_id)
