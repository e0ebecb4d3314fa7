"""Streams of a socket: what each has to say since it was last asked, as frames that faults can strike one by one."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

from streaming.exchange_simulator.exchange import Listed
from streaming.exchange_simulator.market import Market, Trades
from streaming.exchange_simulator.quotes import SLOT_MS, Quote


class Frame(NamedTuple):
    """One message of a stream: its text, the symbol it is about, the ids of the trades in it (0 and 0 for none)."""

    text: str
    symbol: str
    first_id: int = 0
    last_id: int = 0


class Stream(ABC):
    """One subscription; tells what happens after its beginning."""

    def __init__(self, listed: Listed) -> None:
        self.listed = listed
        self._told_ms = 0

    @property
    def symbol(self) -> str:
        """What it is about."""
        return self.listed.listing.symbol

    def begin(self, now_ms: int) -> None:
        """Tell nothing of what happened before now."""
        self._told_ms = now_ms

    def news(self, now_ms: int) -> list[Frame]:
        """Frames for everything between the last call and now; a clock that goes back says nothing."""
        told, self._told_ms = self._told_ms, max(now_ms, self._told_ms)
        return self.between(told, now_ms) if told < now_ms else []

    @abstractmethod
    def between(self, start_ms: int, end_ms: int) -> list[Frame]:
        """Frames for what happened in `[start, end)`."""


class TradeStream(Stream):
    """Trades, each in a frame of its own or all new ones together, as ``render`` makes them."""

    def __init__(self, listed: Listed, render: Callable[[Market, Trades], list[Frame]]) -> None:
        super().__init__(listed)
        self._render = render

    def between(self, start_ms: int, end_ms: int) -> list[Frame]:
        """Trades of the range."""
        trades = self.listed.market.between(start_ms, end_ms)
        return self._render(self.listed.market, trades) if len(trades) else []


class QuoteStream(Stream):
    """Best bid and ask as they change."""

    def __init__(self, listed: Listed, render: Callable[[Market, Quote], Frame]) -> None:
        super().__init__(listed)
        self._render = render

    def between(self, start_ms: int, end_ms: int) -> list[Frame]:
        """Quotes of the slots that began in the range."""
        quotes = self.listed.quotes.told(-(-start_ms // SLOT_MS), -(-end_ms // SLOT_MS))
        return [self._render(self.listed.market, quote) for quote in quotes]


class PeriodicStream(Stream):
    """A state said at the end of each period, by default only when something was traded in it."""

    def __init__(self, listed: Listed, render: Callable[[Listed, int], list[Frame]], *, period_ms: int,
                 always: bool = False) -> None:  # fmt: skip
        super().__init__(listed)
        self._render, self._period_ms, self._always = render, period_ms, always

    def between(self, start_ms: int, end_ms: int) -> list[Frame]:
        """The state at each end of a period in the range, at most the last three."""
        period, frames = self._period_ms, list[Frame]()
        first, last = start_ms // period + 1, end_ms // period
        for number in range(max(first, last - 2), last + 1):
            at = number * period
            if self._always or len(self.listed.market.between(at - period, at)):
                frames += self._render(self.listed, at)
        return frames
