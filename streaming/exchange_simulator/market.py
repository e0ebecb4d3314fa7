"""What a simulated market is: trades with dense ids that can be asked for by time and by id, for any range.

A market answers the same question always alike, whoever asks and when; venues differ only in how they spell the answer.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cryptoviz.lake.symbols import Instrument, parse_instrument
from streaming.exchange_simulator.noise import Integers

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """How a symbol trades: its typical price and size, the decimals of its grids, its trades a second.

    ``key`` is the venue and symbol (``binance:BTC-USDT``, ``finnhub:AAPL``); markets of one ``base`` move alike.
    """

    key: str
    base: str
    price: float
    tick_decimals: int
    lot_decimals: int
    rate: float
    size: float

    @property
    def venue(self) -> str:
        """Who lists it."""
        return self.key.partition(":")[0]

    @property
    def symbol(self) -> str:
        """What it is called: ``BTC-USDT``, ``AAPL``."""
        return self.key.partition(":")[2]

    @property
    def instrument(self) -> Instrument:
        """As an instrument of the lake. Raises UnknownSymbol for a stock."""
        return parse_instrument(self.key)


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades in id order.

    ``times`` are milliseconds and ``nanos`` what is beyond them; ``ticks`` and ``lots`` are price and quantity in units
    of the listing's grids; ``buys`` tells whether the aggressor bought, ``limits`` whether it was a limit order.
    """

    ids: Integers
    times: Integers
    nanos: Integers
    ticks: Integers
    lots: Integers
    buys: Flags
    limits: Flags

    def __len__(self) -> int:
        return len(self.ids)

    def where(self, mask: Flags | slice) -> "Trades":
        """Those trades a mask or slice selects."""
        return Trades(
            self.ids[mask], self.times[mask], self.nanos[mask], self.ticks[mask], self.lots[mask], self.buys[mask],
            self.limits[mask],
        )  # fmt: skip

    def time_ns(self, i: int) -> int:
        """Nanoseconds since 1970 of one trade."""
        return int(self.times[i]) * 1_000_000 + int(self.nanos[i])


def join(parts: Sequence[Trades]) -> Trades:
    """Trades of adjoining ranges as one; there is at least one range."""
    if len(parts) == 1:
        return parts[0]
    columns = ("ids", "times", "nanos", "ticks", "lots", "buys", "limits")
    return Trades(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))


class Market(ABC):
    """One symbol's trades. Ids it has lost are in no answer, as when a venue's own record has a hole."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self._lost: list[tuple[int, int]] = []

    @abstractmethod
    def last_id(self, time_ms: int) -> int:
        """Id of the last trade before an instant; 0 when there is none."""

    @abstractmethod
    def _between(self, start_ms: int, end_ms: int) -> Trades:
        """Trades of `[start, end)`, lost ones included."""

    @abstractmethod
    def _from_id(self, first_id: int, limit: int, until_ms: int) -> Trades:
        """At most ``limit`` trades from an id on, none at or after ``until``, lost ones included."""

    def between(self, start_ms: int, end_ms: int, *, with_lost: bool = False) -> Trades:
        """Trades of `[start, end)`."""
        found = self._between(start_ms, end_ms)
        return found if with_lost else self._kept(found)

    def from_id(self, first_id: int, limit: int, until_ms: int, *, with_lost: bool = False) -> Trades:
        """At most ``limit`` trades from an id on, none at or after ``until``."""
        found = self._from_id(first_id, limit, until_ms)
        return found if with_lost else self._kept(found)

    def last_before(self, time_ms: int, limit: int) -> Trades:
        """The last ``limit`` trades before an instant; fewer when there are not so many."""
        return self.from_id(self.last_id(time_ms) - limit + 1, limit, time_ms)

    def lose(self, first_id: int, last_id: int) -> None:
        """Forget trades for good."""
        self._lost.append((first_id, last_id))

    @property
    def lost(self) -> tuple[tuple[int, int], ...]:
        """Ranges of ids that are gone, both ends included."""
        return tuple(self._lost)

    def _kept(self, trades: Trades) -> Trades:
        for first, last in self._lost:
            trades = trades.where((trades.ids < first) | (trades.ids > last))
        return trades
