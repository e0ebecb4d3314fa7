"""The producer: all venues and markets of the settings, from their positions to live, until told to stop."""

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
import structlog

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.topics import BOOK_TICKERS, GAPS, INSTRUMENTS, KLINES, TRADES, Topic
from cryptoviz.settings import Settings
from streaming.feeds.listening import Listening, connect_window, split
from streaming.feeds.record import Record
from streaming.feeds.skew import Skew
from streaming.feeds.venues import build_feeds
from streaming.health import HealthServer
from streaming.producer.history import History
from streaming.producer.klines import keep_klines
from streaming.producer.market import Market
from streaming.producer.orders import history_routes
from streaming.producer.publisher import DeliveryFailed, Publisher
from streaming.producer.registry import keep_listings
from streaming.producer.samples import Samples
from streaming.producer.states import States
from streaming.producer.tail import read_listings, read_open_gaps, read_positions

_POLL_S = 0.1
_LOOK_S = 1.0


def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT. Returns 0, or 1 when Kafka refused a record (a restart goes on from the topic)."""
    return asyncio.run(_Producer(settings).run())


class _Producer:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._publisher = Publisher(bootstrap=settings.bootstrap, client_id=settings.kafka_client_id)
        self._feeds = build_feeds(settings)
        trades = settings.topic_name(TRADES)
        self._markets = {
            i: Market(i, self._feeds[i.venue], self._publisher, trades)
            for i in settings.instruments
            if i.venue in self._feeds
        }
        self._samples = Samples(settings, self._feeds, self._publisher)
        self._skews = {venue: Skew() for venue in self._feeds}
        self._book_tickers = States(
            self._publisher,
            topic=settings.topic_name(BOOK_TICKERS),
            interval_s=settings.book_ticker_interval.total_seconds(),
        )

    async def run(self) -> int:
        settings, stopping = self._settings, asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        topics = {topic.name: settings.topic_name(topic) for topic in (TRADES, KLINES)}
        history = History(settings.home / "history", self._feeds, self._publisher, topics)
        routes = {**history_routes(history), ("GET", "/sources"): self._sources}
        health = HealthServer(port=settings.ports.of("producer"), health=self._health, routes=routes)
        try:
            tasks = [*await self._market_tasks(), self._poll(), self._book_tickers.run(), self._tell_gaps()]
            tasks += await self._listing_tasks()
            tasks += [listening.run() for venue in self._feeds for listening in self._listenings(venue)]
            return await self._until_stopped([*tasks, *self._samples.tasks(), history.run()], stopping)
        finally:
            self._publisher.flush()
            health.close()

    async def _market_tasks(self) -> list[Coroutine[Any, Any, None]]:
        """Trades and klines of every market, each from where its topic ends."""
        settings = self._settings
        names = [settings.topic_name(TRADES), settings.topic_name(KLINES)]
        keys = [instrument.key for instrument in self._markets]
        look = partial(read_positions, bootstrap=settings.bootstrap, keys=keys)
        trades, klines = await asyncio.gather(*(asyncio.to_thread(look, topic=name) for name in names))
        await self._adopt_gaps()
        since_ms = int(Hour.containing(datetime.now(UTC) - settings.backfill_trades).start.timestamp() * 1000)
        tasks: list[Coroutine[Any, Any, None]] = []
        for instrument, market in self._markets.items():
            tasks.append(market.run(trades.get(instrument.key), backfill_from_ms=since_ms))
            tasks.append(
                keep_klines(
                    market.feed, instrument, self._publisher, topic=names[1], position=klines.get(instrument.key),
                    count=settings.backfill_klines,
                )
            )  # fmt: skip
        return tasks

    async def _until_stopped(self, coroutines: list[Coroutine[Any, Any, None]], stopping: asyncio.Event) -> int:
        tasks = [asyncio.create_task(c) for c in coroutines]
        stop = asyncio.create_task(stopping.wait())
        done, _ = await asyncio.wait({*tasks, stop}, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for feed in self._feeds.values():
            await feed.close()
        await self._samples.close()
        for error in [task.exception() for task in tasks if task in done]:
            if isinstance(error, DeliveryFailed):
                structlog.get_logger().error("Kafka refused a record", reason=str(error))
                return 1
            if error is not None:
                raise error
        return 0

    async def _listing_tasks(self) -> list[Coroutine[Any, Any, None]]:
        topic = self._settings.topic_name(INSTRUMENTS)
        known = await asyncio.to_thread(read_listings, bootstrap=self._settings.bootstrap, topic=topic)
        by_venue = {venue: [i for i in self._markets if i.venue is venue] for venue in self._feeds}
        return [
            keep_listings(self._feeds[venue], mine, self._publisher, topic=topic, known=known)
            for venue, mine in by_venue.items()
            if mine
        ]

    def _listenings(self, venue: Venue) -> list[Listening]:
        feed = self._feeds[venue]
        mine = [instrument for instrument in self._markets if instrument.venue is venue]
        connects = connect_window(feed)
        return [
            Listening(
                feed, channel, part, sink=self._offer, on_break=partial(self._unheard, channel, part),
                connects=connects, max_age_s=self._settings.socket_max_age.total_seconds(),
            )
            for channel in feed.channels
            for part in split(mine, feed.limits.streams)
        ]  # fmt: skip

    def _unheard(self, channel: Topic, instruments: Sequence[Instrument]) -> None:
        for instrument in instruments if channel is TRADES else ():
            self._markets[instrument].connected()

    def _offer(self, records: list[Record]) -> None:
        for record in records:
            self._skews[record.instrument.venue].hear(time_us=record.time_us, received_ns=record.received_ns)
            market = self._markets.get(record.instrument)
            if market and record.topic is TRADES:
                market.offer(record)
            elif market:
                self._book_tickers.offer(record)

    async def _adopt_gaps(self) -> None:
        """Go on with the gaps that an earlier process left open."""
        topic = self._settings.topic_name(GAPS)
        left = await asyncio.to_thread(read_open_gaps, bootstrap=self._settings.bootstrap, topic=topic)
        for instrument, market in self._markets.items():
            for gap in left:
                if (gap.venue, gap.symbol) == (instrument.venue, instrument.symbol):
                    market.gaps.adopt(gap)

    async def _tell_gaps(self) -> None:
        topic = self._settings.topic_name(GAPS)
        while True:
            for market in self._markets.values():
                await self._publisher.publish(topic, market.look())
            await asyncio.sleep(_LOOK_S)

    async def _poll(self) -> None:
        while True:
            self._publisher.poll()
            await asyncio.sleep(_POLL_S)

    def _health(self) -> tuple[bool, dict[str, object]]:
        """Healthy when every market is live; what is not says what it does."""
        waiting = {i.key: m.state.phase for i, m in self._markets.items() if m.state.phase != "live"}
        return not waiting, dict(waiting)

    def _sources(self, _: bytes) -> tuple[int, bytes]:
        told = {
            "markets": {i.key: m.state.as_dict() for i, m in self._markets.items()},
            "venues": {
                str(venue): {"budget": feed.rest.budget.as_dict(), "skew_ms": self._skews[venue].milliseconds}
                for venue, feed in self._feeds.items()
            },
            "vendors": self._samples.as_dict(),
            BOOK_TICKERS.name: self._book_tickers.as_dict(),
        }
        return 200, msgspec.json.encode(told)
