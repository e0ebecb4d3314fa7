"""Best bid and ask as a pure function of the trades, the seed and the time.

Time is cut into slots of 250 ms. A slot's quote holds the last trade before it and every trade in it between bid and
ask; where there is no trade the spread and the sizes alone move. A slot is told when it has a trade, and otherwise by
chance, so a symbol is told a few times a second.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from streaming.exchange_simulator.market import Market
from streaming.exchange_simulator.noise import normal, uniform

SLOT_MS = 250
_CHANCE = 0.3
"""Share of slots without a trade that change the quote."""
_SPREAD = 0.00006
"""Typical spread as a share of the price."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Best prices in ticks and their sizes in lots, from the start of a slot on."""

    slot: int
    bid: int
    ask: int
    bid_lots: int
    ask_lots: int

    @property
    def time_ms(self) -> int:
        """Since when it holds."""
        return self.slot * SLOT_MS


class Quotes:
    """Quotes of one market."""

    def __init__(self, market: Market, *, seed: int) -> None:
        self._market = market
        self._own = (seed << 20) ^ zlib.crc32(market.listing.key.encode()) ^ 0x5EED

    def told(self, first_slot: int, end_slot: int) -> list[Quote]:
        """Quotes of those slots of `[first, end)` that change it, oldest first; none before the first trade."""
        slots = np.arange(first_slot, end_slot, dtype=np.int64)
        trades = self._market.between(first_slot * SLOT_MS, end_slot * SLOT_MS)
        busy = set((trades.times // SLOT_MS).tolist())
        chance = uniform(self._own, slots) < _CHANCE
        found = (self.at(int(s)) for s, hit in zip(slots, chance, strict=True) if hit or int(s) in busy)
        return [quote for quote in found if quote]

    def latest(self, now_ms: int) -> Quote | None:
        """The quote of the slot in progress."""
        return self.at(now_ms // SLOT_MS)

    def at(self, slot: int) -> Quote | None:
        """The quote of a slot; None before the first trade."""
        start = slot * SLOT_MS
        within, before = self._market.between(start, start + SLOT_MS), self._market.last_before(start, 1)
        ticks = np.concatenate((before.ticks, within.ticks))
        if not len(ticks):
            return None
        bought = bool(within.buys[-1] if len(within) else before.buys[-1])
        low, high, index = int(ticks.min()), int(ticks.max()), np.array([slot])
        share = float(uniform(self._own + 1, index)[0]) + 0.5
        missing = max(1, round(high * _SPREAD * share)) - (high - low)
        if missing > 0 and bought:
            low = max(1, low - missing)
        elif missing > 0:
            high += missing
        return Quote(slot, low, max(high, low + 1), self._lots(slot, 2), self._lots(slot, 4))

    def _lots(self, slot: int, stream: int) -> int:
        entry, index = self._market.listing, np.array([slot])
        size = 4 * entry.size * float(np.exp(normal(self._own + stream, index)[0] * 0.9))
        return max(1, round(size * 10.0**entry.lot_decimals))
