"""The simulator and the product's feeds in one process, judged by the simulator's own truth; the topic is a list.

Feeds, listeners, budgets, continuity and the gap ledger are the product's.
"""

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from aiohttp import web

from cryptoviz.lake.gaps import Cause, GapState
from cryptoviz.lake.symbols import Instrument, parse_instrument
from cryptoviz.lake.topics import TRADES
from cryptoviz.settings import Settings
from streaming.exchange_simulator.exchange import Exchange, open_exchange, wall_ms
from streaming.exchange_simulator.service import build_app
from streaming.feeds.gaps import Gap, decode_gap
from streaming.feeds.listening import Listening, connect_window
from streaming.feeds.record import Record
from streaming.feeds.venues import build_feeds
from streaming.producer.market import Market
from streaming.producer.tail import Position

BACKFILL_S = 20


@dataclass
class Topic:
    """The first and last id of each record published, by market."""

    ids: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    async def publish(self, _topic: str, records: list[Record]) -> None:
        """Take records in order."""
        for record in records:
            self.ids[record.instrument.key].append((record.first_id, record.last_id))


class Stage:
    """The simulator and the feeds of some markets in one process. With ``aggregates`` Binance tells those."""

    def __init__(self, markets: Sequence[str], *, rate: float, aggregates: bool = False) -> None:
        self.keys, self._aggregates = markets, aggregates
        self.exchange: Exchange = open_exchange(seed=7, rate=rate)
        self.topic, self.gaps = Topic(), list[Gap]()
        self.heard: dict[str, dict[int, float]] = defaultdict(dict)
        self.markets: dict[Instrument, Market] = {}
        self.whole_after_s: float | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, *, away_s: float = 0.0) -> None:
        """Serve and listen, as after so long an absence when it is not 0; returns when every market is whole."""
        self._runner = web.AppRunner(build_app(self.exchange), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host = f"127.0.0.1:{self._runner.addresses[0][1]}"
        settings = Settings(
            instruments=tuple(map(parse_instrument, self.keys)), binance_trades=self._binance_trades,
            binance_rest_url=f"http://{host}", binance_ws_url=f"ws://{host}",
            kraken_rest_url=f"http://{host}", kraken_ws_url=f"ws://{host}/v2",
            coinbase_rest_url=f"http://{host}/coinbase", coinbase_ws_url=f"ws://{host}/coinbase/ws",
        )  # fmt: skip
        self.feeds = build_feeds(settings)
        for venue, feed in self.feeds.items():
            mine = [i for i in settings.instruments if i.venue is venue]
            for instrument in mine:
                self.markets[instrument] = Market(instrument, feed, self.topic, TRADES.name)  # type: ignore[arg-type]
                position = self._position(instrument, away_s) if away_s else None
                run = self.markets[instrument].run(position, backfill_from_ms=wall_ms() - BACKFILL_S * 1000)
                self._tasks.append(asyncio.create_task(run))
            listening = Listening(
                feed, TRADES, mine, sink=self._sink, on_break=partial(self._broken, mine),
                connects=connect_window(feed), max_age_s=86_400,
            )  # fmt: skip
            self._tasks.append(asyncio.create_task(listening.run()))
        self._tasks.append(asyncio.create_task(self._look()))
        self.whole_after_s = await self.until_whole(time.monotonic() + 120)

    async def close(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for feed in self.feeds.values():
            await feed.close()
        await self._runner.cleanup()

    async def until_whole(self, deadline: float) -> float | None:
        """Seconds until everything traded by now is published; None when the deadline passes."""
        began = time.monotonic()
        last = {key: self.exchange.listed[key].market.last_id(wall_ms()) for key in self.keys}
        while time.monotonic() < deadline:
            if all(self.topic.ids[key] and self.topic.ids[key][-1][1] >= last[key] for key in self.keys):
                return time.monotonic() - began
            await asyncio.sleep(0.05)
        return None

    def wrong(self) -> int:
        """Ids missing, doubled or out of order among those published."""
        return sum(
            sum(after[0] != before[1] + 1 for before, after in itertools.pairwise(ids))
            for ids in self.topic.ids.values()
        )

    def found_after(self, gap: Gap, *, reachable: float) -> float:
        """Seconds in which a gap was found: from when it could be known to its entry in the ledger.

        A hole can be known from the first trade heard beyond it. What a connection that is dead does not tell can be
        known when it has been traded, or when the venue is ``reachable`` again (seconds since 1970).
        """
        key = f"{gap.venue}:{gap.symbol}"
        if gap.state is not GapState.OPEN:
            return 0.0
        if gap.cause is Cause.HOLE:
            heard = self.heard[key]
            known = min((at for first, at in heard.items() if first > gap.last_id), default=gap.opened / 1e6)
        else:
            trades = self.exchange.listed[key].market.from_id(gap.first_id, 1, wall_ms())
            known = max(int(trades.times[0]) / 1000, reachable)
        return gap.opened / 1e6 - known

    @property
    def _binance_trades(self) -> Literal["trades", "aggregates"]:
        return "aggregates" if self._aggregates else "trades"

    def _position(self, instrument: Instrument, away_s: float) -> Position:
        """Where the topic of a producer ends that went away so long ago."""
        last = self.exchange.listed[instrument.key].market.last_before(wall_ms() - int(away_s * 1000), 1)
        return Position(int(last.ids[0]), int(last.times[0]) * 1000)

    def _sink(self, records: list[Record]) -> None:
        for record in records:
            self.heard[record.instrument.key].setdefault(record.first_id, time.time())
            self.markets[record.instrument].offer(record)

    def _broken(self, instruments: list[Instrument]) -> None:
        for instrument in instruments:
            self.markets[instrument].connected()

    async def _look(self) -> None:
        while True:
            for market in self.markets.values():
                self.gaps += [decode_gap(record.value) for record in market.look()]
            await asyncio.sleep(1)
