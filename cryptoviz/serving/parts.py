"""What the endpoints work with, assembled once: snapshots, candles, live markets, streams."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

import structlog
from fastapi import Depends
from starlette.requests import HTTPConnection

from cryptoviz.lake.candle_tables import OHLC, Interval
from cryptoviz.serving.broadcast import Broadcast
from cryptoviz.serving.candle_reader import CandleReader
from cryptoviz.serving.chunks import Chunks
from cryptoviz.serving.conditions import Conditions
from cryptoviz.serving.forming import FormingCandles
from cryptoviz.serving.hub import Hub
from cryptoviz.serving.live import Live
from cryptoviz.serving.markets import Markets, market_of
from cryptoviz.serving.pipeline import Pipeline
from cryptoviz.serving.snapshots import Snapshots, StoreUnavailable
from cryptoviz.settings import Settings
from cryptoviz.storage.hour_index import utc_now

_log = structlog.get_logger()
_REFRESH_S = 1.0


@dataclass(kw_only=True)
class Parts:
    """Everything an endpoint may ask."""

    settings: Settings
    live: Live
    clock: Callable[[], datetime] = utc_now
    live_health: Callable[[], dict[str, Any]] = dict
    hub: Hub = field(default_factory=Hub)
    conditions: Conditions = field(default_factory=Conditions)
    snapshots: Snapshots = field(init=False)
    chunks: Chunks = field(init=False)
    reader: CandleReader = field(init=False)
    forming: FormingCandles = field(init=False)
    broadcast: Broadcast = field(init=False)
    markets: Markets = field(init=False)
    pipeline: Pipeline = field(init=False)

    def __post_init__(self) -> None:
        location = self.settings.lake
        self.snapshots = Snapshots(location)
        self.chunks = Chunks(location, budget_bytes=self.settings.serving_cache_mb << 20)
        self.reader = CandleReader(self.snapshots, self.chunks)
        self.snapshots.prepare = self.reader.read_ahead
        self.forming = FormingCandles(self.reader, self.live)
        self.broadcast = Broadcast(self.hub, self.live, self.forming, self.reader, clock=self.clock)
        self.markets = Markets(self.settings.instruments)
        self.pipeline = Pipeline(self.settings)
        self.live.listen(lambda instrument, _trades, _quote: self.markets.add(instrument))

    async def run(self) -> None:
        """Keep snapshots fresh and streams talking until cancelled."""
        await asyncio.to_thread(self._open)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.broadcast.run())
            tasks.create_task(self._keep_fresh())

    def _open(self) -> None:
        for table in OHLC.values():
            with contextlib.suppress(StoreUnavailable, OSError):
                self.reader.read_ahead(table, self.snapshots.latest(table))
        self._meet_markets()

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_S)
            try:
                await asyncio.to_thread(self.snapshots.refresh)
                await asyncio.to_thread(self._meet_markets)
            except OSError as error:
                _log.warning("the lake cannot be read", reason=str(error).split("\n", maxsplit=1)[0])

    def _meet_markets(self) -> None:
        """Know the markets of the newest hourly and minute candles, whoever configured them."""
        for interval in (Interval.M1, Interval.H1):
            snapshot = self.snapshots.known(OHLC[interval])
            names = list(snapshot.files)[-1:] if snapshot else []
            for chunk in self.chunks.get(OHLC[interval], snapshot, names) if snapshot else []:
                for venue, symbol in chunk.markets:
                    if found := market_of(venue, symbol):
                        self.markets.add(found)


async def parts_of(connection: HTTPConnection) -> Parts:
    """The parts of the application that a request came to."""
    found: Parts = connection.app.state.parts
    return found


TheParts = Annotated[Parts, Depends(parts_of)]
"""What endpoints declare to get the parts."""
