"""What every simulated venue shares: its markets, the clock, the faults, the rules, and counts of what was said."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from streaming.exchange_simulator.faults import Faults
from streaming.exchange_simulator.listings import LISTINGS
from streaming.exchange_simulator.market import Listing, Market
from streaming.exchange_simulator.quotes import Quotes
from streaming.exchange_simulator.rules import Rules
from streaming.exchange_simulator.seeded import SeededMarket
from streaming.exchange_simulator.summary import Summaries, Summary

Clock = Callable[[], int]
_DAY_MS = 86_400_000


def wall_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Listed:
    """A market with what is derived of it."""

    market: Market
    quotes: Quotes
    summaries: Summaries

    @property
    def listing(self) -> Listing:
        """How it trades."""
        return self.market.listing

    def day(self, now_ms: int) -> Summary | None:
        """The 24 hours before an instant."""
        return self.summaries.between(now_ms - _DAY_MS, now_ms)

    def price(self, time_ms: int) -> float | None:
        """Price of the last trade before an instant; None before the first."""
        last = self.market.last_before(time_ms, 1)
        return float(last.ticks[0]) / 10.0**self.listing.tick_decimals if len(last) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """The simulated venues behind one server."""

    seed: int
    listed: dict[str, Listed]
    clock: Clock
    faults: Faults
    rules: Rules = field(default_factory=Rules)
    counts: Counter[str] = field(default_factory=Counter)

    def of(self, venue: str) -> dict[str, Listed]:
        """Markets of one venue by symbol."""
        return {one.listing.symbol: one for one in self.listed.values() if one.listing.venue == venue}

    def halted(self, listing: Listing) -> bool:
        """Whether trading of a symbol stands still by command."""
        return self.faults.active("halt", listing.venue, listing.symbol) is not None


def open_exchange(
    *, seed: int, rate: float = 1.0, clock: Clock = wall_ms, listings: Sequence[Listing] = LISTINGS,
    recorded: Iterable[Market] = (),
) -> Exchange:  # fmt: skip
    """The seeded markets, and in their place the recorded ones of the same key."""
    markets: dict[str, Market] = {entry.key: SeededMarket(entry, seed=seed, rate=rate) for entry in listings}
    markets |= {market.listing.key: market for market in recorded}
    listed = {key: Listed(m, Quotes(m, seed=seed), Summaries(m)) for key, m in markets.items()}
    rules = Rules()
    return Exchange(
        seed=seed, listed=listed, clock=lambda: clock() + int(rules.clock_skew_s * 1000), faults=Faults(seed=seed),
        rules=rules,
    )  # fmt: skip
