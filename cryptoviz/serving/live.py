"""What has just happened in each market: minutes that are still forming, last trades, best quotes, and how fresh.

Trades come at least once and in any order; ids decide what counts. A minute is whole only when it was listened to from
its start; what came before is the lake's.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.serving.minute import LiveQuote, LiveTrade, Part, microseconds, part_of, sum_of

MINUTE_US = 60_000_000
_MINUTES_KEPT = 180
_TRADES_KEPT = 1000
_SILENCE_S = 5.0
_SILENT_PERIODS = 8.0
"""A venue is stale after so many of its own mean intervals, at least after ``_SILENCE_S``."""


@dataclass(slots=True)
class LiveMarket:
    """One market. ``minutes`` by start in microseconds; ``whole_from`` is the first one listened to from its start."""

    whole_from: int
    minutes: dict[int, Part] = field(default_factory=dict)
    seen: IdSet = field(default_factory=IdSet)
    trades: deque[LiveTrade] = field(default_factory=lambda: deque(maxlen=_TRADES_KEPT))
    quote: LiveQuote | None = None

    def add(self, trade: LiveTrade) -> bool:
        """Count a trade unless its ids were seen; tells whether it was new."""
        if self.seen.overlaps(trade.first_id, trade.last_id):
            return False
        self.seen = self.seen.union([(trade.first_id, trade.last_id)])
        start = trade.time_us - trade.time_us % MINUTE_US
        before = self.minutes.get(start)
        part = part_of(trade)
        self.minutes[start] = before.plus(part) if before else part
        if not self.trades or trade.first_id > self.trades[-1].first_id:
            self.trades.append(trade)
        while len(self.minutes) > _MINUTES_KEPT:
            self.whole_from = max(self.whole_from, min(self.minutes) + MINUTE_US)
            del self.minutes[min(self.minutes)]
        return True


@dataclass(slots=True)
class Freshness:
    """When a venue was last heard, by the clock of this process, and the mean interval between its records."""

    heard: float
    mean_s: float = 0.5
    lag_ms: float = 0.0

    def hear(self, now: float, lag_ms: float) -> None:
        """Note a record and how old it was on arrival."""
        self.mean_s += 0.02 * (min(now - self.heard, 60.0) - self.mean_s)
        self.heard, self.lag_ms = now, lag_ms

    @property
    def stale_after_s(self) -> float:
        """Silence after which the venue counts as stale."""
        return max(_SILENCE_S, _SILENT_PERIODS * self.mean_s)


Listener = Callable[[Instrument, list[LiveTrade], LiveQuote | None], None]


class Live:
    """All markets. Used from one event loop only."""

    def __init__(self, *, listening_since: datetime, clock: Callable[[], float] = time.time) -> None:
        since = microseconds(listening_since)
        self._whole_from = -(-since // MINUTE_US) * MINUTE_US
        self._clock = clock
        self.markets: dict[Instrument, LiveMarket] = {}
        self.venues: dict[Venue, Freshness] = {}
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call it with every market's new trades and quotes."""
        self._listeners.append(listener)

    def accept(self, trades: Iterable[LiveTrade], quotes: Iterable[LiveQuote] = ()) -> int:
        """Take what came from Kafka; returns how many trades were new."""
        fresh: dict[Instrument, tuple[list[LiveTrade], LiveQuote | None]] = {}
        count = 0
        for trade in trades:
            self._hear(trade.instrument, trade.time_us)
            if self._market(trade.instrument).add(trade):
                fresh.setdefault(trade.instrument, ([], None))[0].append(trade)
                count += 1
        for quote in quotes:
            self._hear(quote.instrument, quote.time_us)
            market = self._market(quote.instrument)
            if market.quote is None or market.quote.time_us <= quote.time_us:
                market.quote = quote
                fresh[quote.instrument] = (fresh.get(quote.instrument, ([], None))[0], quote)
        for instrument, (new, newest) in fresh.items():
            for listener in self._listeners:
                listener(instrument, new, newest)
        return count

    def whole_from(self, instrument: Instrument) -> int:
        """Start of the first minute of a market that is whole here, microseconds."""
        market = self.markets.get(instrument)
        return market.whole_from if market else self._whole_from

    def minutes(self, instrument: Instrument, first_us: int, end_us: int) -> Mapping[int, Part]:
        """Whole minutes of `[first, end)` with trades, by start."""
        market = self.markets.get(instrument)
        if market is None:
            return {}
        first = max(first_us, market.whole_from)
        return {start: market.minutes[start] for start in sorted(market.minutes) if first <= start < end_us}

    def total(self, instrument: Instrument, first_us: int, end_us: int) -> Part | None:
        """The candle over the whole minutes of `[first, end)`."""
        return sum_of(self.minutes(instrument, first_us, end_us).values())

    def _market(self, instrument: Instrument) -> LiveMarket:
        if instrument not in self.markets:
            self.markets[instrument] = LiveMarket(whole_from=self._whole_from)
        return self.markets[instrument]

    def _hear(self, instrument: Instrument, time_us: int) -> None:
        now = self._clock()
        venue = self.venues.setdefault(instrument.venue, Freshness(heard=now))
        venue.hear(now, now * 1000 - time_us / 1000)
