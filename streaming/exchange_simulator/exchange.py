"""What every simulated venue shares: its markets, the clock, the faults, and counts of what was said and asked."""

import time
from collections import Counter
from collections.abc import Callable, Sequence

from cryptoviz.lake.symbols import Instrument, Venue
from streaming.exchange_simulator.faults import Faults
from streaming.exchange_simulator.market import LISTINGS, Listing, SeededMarket

Clock = Callable[[], int]


def wall_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Exchange:
    """The simulated venues behind one server."""

    def __init__(
        self, *, seed: int, rate: float = 1.0, clock: Clock = wall_ms, listings: Sequence[Listing] = LISTINGS
    ) -> None:
        self.clock = clock
        self.faults = Faults(seed=seed)
        self.counts: Counter[str] = Counter()
        self.markets = {entry.instrument: SeededMarket(entry, seed=seed, rate=rate) for entry in listings}

    def of(self, venue: Venue) -> dict[Instrument, SeededMarket]:
        """Markets of one venue."""
        return {i: market for i, market in self.markets.items() if i.venue is venue}
