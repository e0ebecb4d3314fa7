"""History on order: trades by id or hourly klines of any past range, one order after another, behind everything live.

An order's progress lies in a file, so that it goes on after a restart, and the same order given again is the same one.
Records carry the source ``history``: they say nothing of where the live stream stands. What is in the lake already is
a duplicate there.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
import structlog

from cryptoviz.lake.symbols import Instrument, UnknownSymbol, Venue, parse_instrument
from cryptoviz.lake.topics import Source
from streaming.feeds.parsed import Refused
from streaming.feeds.record import Record
from streaming.feeds.rest import RequestRefused, VenueUnreachable
from streaming.feeds.venue import VenueFeed
from streaming.producer.publisher import Publisher

_LOOK_AGAIN_S = 5.0
_HOUR_MS = 3_600_000

Kind = Literal["trades", "klines"]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to fetch: ``[from_ms, to_ms)`` of a market, ``binance:BTC-USDT``."""

    kind: Kind
    market: str
    from_ms: int
    to_ms: int

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.kind}-{self.market.replace(':', '-')}-{self.from_ms}-{self.to_ms}"


class Progress(msgspec.Struct, kw_only=True):
    """How far an order is. ``at_ms`` is the venue's time it has reached."""

    order: Order
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    published: int = 0
    at_ms: int = 0
    next_id: int | None = None
    error: str = ""


class BadOrder(ValueError):
    """An order that cannot be filled; the message says why."""


class History:
    """Takes orders, from any thread, and fills them until cancelled."""

    def __init__(
        self, folder: Path, feeds: Mapping[Venue, VenueFeed], publisher: Publisher, topics: Mapping[str, str]
    ) -> None:
        self._folder, self._feeds, self._publisher, self._topics = folder, feeds, publisher, topics
        self._orders: dict[str, Progress] = {}
        self._loop, self._given = asyncio.get_running_loop(), asyncio.Event()
        folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(folder.glob("*.json")):
            progress = msgspec.json.decode(file.read_bytes(), type=Progress)
            self._orders[progress.order.name] = progress

    def give(self, order: Order) -> Progress:
        """Enter an order, or go on with the same one given before. Raises :class:`BadOrder`."""
        self._instrument(order)
        if not 0 <= order.from_ms < order.to_ms:
            raise BadOrder("an order begins before it ends")
        known = self._orders.get(order.name)
        if known is None or known.state in {"done", "failed"}:
            resumed = known if known and known.state == "failed" else Progress(order=order, at_ms=order.from_ms)
            resumed.state, resumed.error = "waiting", ""
            self._orders[order.name] = known = resumed
        self._loop.call_soon_threadsafe(self._given.set)
        return known

    def orders(self) -> list[Progress]:
        """All orders, those that are done too."""
        return list(self._orders.values())

    async def run(self) -> None:
        """Fill orders, the oldest first."""
        while True:
            self._given.clear()
            for progress in [p for p in self.orders() if p.state in {"waiting", "running"}]:
                await self._fill(progress)
            await self._given.wait()

    async def _fill(self, progress: Progress) -> None:
        log = structlog.get_logger(order=progress.order.name)
        progress.state = "running"
        while progress.state == "running":
            try:
                is_done = await self._step(progress)
                progress.state, progress.error = ("done" if is_done else "running"), ""
            except RequestRefused as error:
                progress.state, progress.error = "failed", str(error)
            except (VenueUnreachable, msgspec.DecodeError, Refused) as error:
                progress.error = str(error)
                await asyncio.sleep(_LOOK_AGAIN_S)
            self._save(progress)
        log.info("history", state=progress.state, published=progress.published, error=progress.error)

    async def _step(self, progress: Progress) -> bool:
        """Fetch and publish a page; whether it was the last."""
        order, feed = progress.order, self._feeds[self._instrument(progress.order).venue]
        page = await (self._trades if order.kind == "trades" else self._klines)(feed, progress)
        wanted = [record for record in page if record.time_us < order.to_ms * 1000]
        await self._publisher.publish(self._topics[order.kind], wanted)
        progress.published += len(wanted)
        if wanted:
            progress.next_id, progress.at_ms = wanted[-1].last_id + 1, wanted[-1].time_us // 1000
        return len(wanted) < len(page) or not page

    async def _trades(self, feed: VenueFeed, progress: Progress) -> list[Record]:
        order, instrument = progress.order, self._instrument(progress.order)
        since = max(progress.at_ms, order.from_ms)
        while progress.next_id is None and since < order.to_ms:
            progress.next_id = await feed.first_id_at(instrument, since)
            since += _HOUR_MS if progress.next_id is None else 0
        if progress.next_id is None:
            return []
        return await feed.fetch(instrument, progress.next_id, since * 1000, source=Source.HISTORY)

    async def _klines(self, feed: VenueFeed, progress: Progress) -> list[Record]:
        begin = progress.order.from_ms if progress.next_id is None else progress.next_id * _HOUR_MS
        if begin >= progress.order.to_ms:
            return []
        return await feed.klines_between(self._instrument(progress.order), begin, progress.order.to_ms)

    def _instrument(self, order: Order) -> Instrument:
        try:
            instrument = parse_instrument(order.market)
        except UnknownSymbol as error:
            raise BadOrder(str(error)) from None
        if instrument.venue not in self._feeds:
            raise BadOrder(f"{instrument.venue} has no history to ask for; there are {', '.join(sorted(self._feeds))}")
        return instrument

    def _save(self, progress: Progress) -> None:
        """Every page; what is published but not saved is published again and is a duplicate in the lake."""
        file = self._folder / f"{progress.order.name}.json"
        if progress.state == "done":
            file.unlink(missing_ok=True)
            return
        fresh = file.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(progress))
        fresh.replace(file)
