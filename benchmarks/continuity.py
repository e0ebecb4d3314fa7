"""``./run bench continuity``: faults of the simulator against the feeds, judged by the simulator's own truth.

Feeds, listeners, budgets, continuity and the gap ledger are the product's; the topic is a list. After each fault the
ids published must be all ids of the truth, each once and in order. Prints the table of
``docs/explanation/continuity.md``.
"""

import argparse
import asyncio
import itertools
import time
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from aiohttp import web

from cryptoviz.lake.symbols import Instrument, parse_instrument
from cryptoviz.lake.topics import TRADES
from cryptoviz.settings import Settings
from streaming.exchange_simulator.exchange import Exchange, open_exchange, wall_ms
from streaming.exchange_simulator.service import build_app
from streaming.feeds.gaps import decode_gap
from streaming.feeds.listening import Listening, connect_window
from streaming.feeds.record import Record
from streaming.feeds.venues import build_feeds
from streaming.producer.market import Market

MARKETS = ("binance:BTC-USDT", "binance:ETH-USDT", "kraken:BTC-USD", "coinbase:BTC-USD")
BACKFILL_S = 20
LATEST_S = 60
SCENARIOS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("no fault", {}),
    ("drop 0.1 %", {"kind": "drop", "probability": 0.001}),
    ("drop 1 %", {"kind": "drop", "probability": 0.01}),
    ("drop 20 %", {"kind": "drop", "probability": 0.2}),
    ("repeat 20 %", {"kind": "repeat", "probability": 0.2}),
    ("reorder 20 %, 0.2 s", {"kind": "reorder", "probability": 0.2, "amount": 0.2}),
    ("garbage 5 %", {"kind": "garbage", "probability": 0.05}),
    ("close", {"kind": "close"}),
    ("announced cut", {"kind": "cut", "amount": 5, "venue": "binance"}),
    ("half open", {"kind": "half_open"}),
    ("ban, with drops", {"kind": "ban", "venue": "binance", "also": "drop"}),
    ("HTML, with drops", {"kind": "html", "probability": 0.5, "also": "drop"}),
    ("outage", {"kind": "outage"}),
)


@dataclass
class Topic:
    """What was published, and what the gap ledgers have said."""

    ids: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    async def publish(self, _topic: str, records: list[Record]) -> None:
        """Take records in order."""
        for record in records:
            self.ids[record.instrument.key].append(record.first_id)


class Stage:
    """The simulator and the feeds in one process."""

    def __init__(self, *, rate: float) -> None:
        self.exchange: Exchange = open_exchange(seed=7, rate=rate)
        self.topic, self.gaps = Topic(), list[Any]()
        self.heard: dict[str, dict[int, float]] = defaultdict(dict)
        self.markets: dict[Instrument, Market] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Serve and listen; returns when every market is live."""
        self._runner = web.AppRunner(build_app(self.exchange), access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, shutdown_timeout=1)
        await site.start()
        host = f"127.0.0.1:{self._runner.addresses[0][1]}"
        settings = Settings(
            instruments=tuple(map(parse_instrument, MARKETS)),
            binance_rest_url=f"http://{host}", binance_ws_url=f"ws://{host}",
            kraken_rest_url=f"http://{host}", kraken_ws_url=f"ws://{host}/v2",
            coinbase_rest_url=f"http://{host}/coinbase", coinbase_ws_url=f"ws://{host}/coinbase/ws",
        )  # fmt: skip
        self.feeds = build_feeds(settings)
        for venue, feed in self.feeds.items():
            mine = [i for i in settings.instruments if i.venue is venue]
            for instrument in mine:
                self.markets[instrument] = Market(instrument, feed, self.topic, TRADES.name)  # type: ignore[arg-type]
                run = self.markets[instrument].run(None, backfill_from_ms=wall_ms() - BACKFILL_S * 1000)
                self._tasks.append(asyncio.create_task(run))
            listening = Listening(
                feed, TRADES, mine, sink=self._sink, on_break=partial(self._broken, mine),
                connects=connect_window(feed), max_age_s=86_400,
            )  # fmt: skip
            self._tasks.append(asyncio.create_task(listening.run()))
        self._tasks.append(asyncio.create_task(self._look()))
        await self.until_whole(time.monotonic() + 120)

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
        last = {key: self.exchange.listed[key].market.last_id(wall_ms()) for key in MARKETS}
        while time.monotonic() < deadline:
            if all(self.topic.ids[key] and self.topic.ids[key][-1] >= last[key] for key in MARKETS):
                return time.monotonic() - began
            await asyncio.sleep(0.05)
        return None

    def wrong(self) -> int:
        """Ids missing, doubled or out of order among those published."""
        return sum(
            sum(after != before + 1 for before, after in itertools.pairwise(ids)) for ids in self.topic.ids.values()
        )

    def found_after(self, gap: Any) -> float:
        """Seconds from the first trade heard beyond a hole, which shows it, to its entry in the ledger."""
        if (str(gap.cause), str(gap.state)) != ("hole", "open"):
            return 0.0
        heard = self.heard[f"{gap.venue}:{gap.symbol}"]
        return gap.opened / 1e6 - min((at for first, at in heard.items() if first > gap.last_id), default=0.0)

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


async def play(stage: Stage, name: str, fault: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    """One fault for some seconds, and what came of it."""
    counts, struck, told = stage.exchange.counts.copy(), stage.exchange.faults.struck.copy(), len(stage.gaps)
    published = sum(map(len, stage.topic.ids.values()))
    fault, also = dict(fault), fault.get("also")
    fault.pop("also", None)
    if fault:
        stage.exchange.faults.add(**fault, seconds=seconds)
    if also:
        stage.exchange.faults.add(kind=also, probability=0.2, seconds=seconds)
    await asyncio.sleep(seconds)
    whole = await stage.until_whole(time.monotonic() + LATEST_S)
    await asyncio.sleep(2.5)
    gaps = stage.gaps[told:]
    return {
        "fault": name,
        "struck": sum((stage.exchange.faults.struck - struck).values()),
        "trades": sum(map(len, stage.topic.ids.values())) - published,
        "wrong ids": stage.wrong(),
        "gaps": sum(str(gap.state) == "open" for gap in gaps),
        "found within s": f"{max((stage.found_after(gap) for gap in gaps), default=0):.1f}",
        "repaired": sum(str(gap.state) == "repaired" for gap in gaps),
        "lost": sum(str(gap.state) == "unrecoverable" for gap in gaps),
        "while banned": stage.exchange.counts["requests_while_banned"] - counts["requests_while_banned"],
        "REST": sum(value - counts[key] for key, value in stage.exchange.counts.items() if key.endswith("_requests")),
        "whole after s": "-" if whole is None else f"{whole:.1f}",
    }


async def measure(*, seconds: float, rate: float) -> list[dict[str, Any]]:
    """All scenarios on one stage, one after another."""
    stage = Stage(rate=rate)
    await stage.open()
    try:
        return [await play(stage, name, fault, seconds=seconds) for name, fault in SCENARIOS]
    finally:
        await stage.close()


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(prog="./run bench continuity")
    parser.add_argument("--seconds", type=float, default=10, help="length of each fault")
    parser.add_argument("--rate", type=float, default=20, help="multiplier of the simulated trade rate")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    rows = asyncio.run(measure(seconds=options.seconds, rate=options.rate))
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
    if any(row["wrong ids"] or row["whole after s"] == "-" for row in rows):
        raise SystemExit("some ids are missing, doubled or out of order")


if __name__ == "__main__":
    main()
