"""Random trades and quotes as they would come from Kafka, for measurements and tests of what shows them."""

import asyncio
import random
import time
from collections.abc import Mapping
from decimal import Decimal

from cryptoviz.lake.symbols import Instrument
from cryptoviz.serving.live import Live
from cryptoviz.serving.minute import LiveQuote, LiveTrade

_TICK = Decimal("0.01")


class RandomFeed:
    """Feeds live markets on the event loop. ``is_silent`` stops it as a venue's outage would."""

    def __init__(self, live: Live, prices: Mapping[Instrument, Decimal], *, trades_per_s: float, seed: int = 7) -> None:
        self._live, self._prices = live, dict(prices)
        self._pause_s = 1 / (trades_per_s * len(prices))
        self._draw = random.Random(seed)
        self._ids = dict.fromkeys(prices, 10_000_000)
        self.is_silent = False

    async def run(self) -> None:
        """Feed until cancelled."""
        while True:
            await asyncio.sleep(self._pause_s)
            if not self.is_silent:
                instrument = self._draw.choice(list(self._prices))
                self._live.accept([self.trade(instrument)], [self._quote(instrument)])

    def trade(self, instrument: Instrument) -> LiveTrade:
        """The next trade of a market, happening now."""
        price = self._prices[instrument] * (1 + Decimal(self._draw.gauss(0, 0.00015)))
        self._prices[instrument] = price.quantize(_TICK)
        self._ids[instrument] += 1
        return LiveTrade(
            instrument=instrument,
            first_id=self._ids[instrument],
            last_id=self._ids[instrument],
            time_us=time.time_ns() // 1000,
            price=self._prices[instrument],
            quantity=Decimal(self._draw.randrange(1, 50_000)).scaleb(-5),
            is_buyer_aggressor=self._draw.random() < 0.5,
        )

    def _quote(self, instrument: Instrument) -> LiveQuote:
        price = self._prices[instrument]
        return LiveQuote(
            instrument=instrument,
            time_us=time.time_ns() // 1000,
            bid=price - _TICK,
            bid_quantity=Decimal(self._draw.randrange(1, 900)).scaleb(-2),
            ask=price + _TICK,
            ask_quantity=Decimal(self._draw.randrange(1, 900)).scaleb(-2),
        )
