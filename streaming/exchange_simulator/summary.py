"""What was traded in a range: prices, volumes and counts, in integers, folded from minutes and hours that are kept.

The fold of a day touches each trade once; asked again a second later it touches those of the last minute.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import pairwise

import numpy as np

from streaming.exchange_simulator.market import Market, Trades

_MINUTE, _HOUR = 60_000, 3_600_000


@dataclass(frozen=True, slots=True)
class Summary:
    """Trades of a range: prices in ticks, quantities in lots, amounts in ticks times lots."""

    first_id: int
    last_id: int
    count: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    amount: int
    bought_lots: int
    bought_amount: int

    def then(self, later: "Summary") -> "Summary":
        """This range and a later one."""
        return Summary(
            self.first_id, later.last_id, self.count + later.count, self.open, max(self.high, later.high),
            min(self.low, later.low), later.close, self.lots + later.lots, self.amount + later.amount,
            self.bought_lots + later.bought_lots, self.bought_amount + later.bought_amount,
        )  # fmt: skip


def summarise(trades: Trades) -> Summary | None:
    """Fold trades; None when there are none."""
    if not len(trades):
        return None
    ticks, lots, bought = trades.ticks, trades.lots, trades.lots * trades.buys
    return Summary(
        int(trades.ids[0]), int(trades.ids[-1]), len(trades), int(ticks[0]), int(ticks.max()), int(ticks.min()),
        int(ticks[-1]), int(lots.sum()), int(np.dot(ticks, lots)), int(bought.sum()), int(np.dot(ticks, bought)),
    )  # fmt: skip


def merge(parts: Iterable[Summary | None]) -> Summary | None:
    """Ranges in order of time as one; None when all are empty."""
    full = [part for part in parts if part]
    return reduce(Summary.then, full) if full else None


class Summaries:
    """Summaries of any range of one market."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._minutes = lru_cache(maxsize=64)(self._minutes_of)
        self._hour = lru_cache(maxsize=20_000)(lambda start: self._raw(start, start + _HOUR))

    def between(self, start_ms: int, end_ms: int) -> Summary | None:
        """Summary of `[start, end)`; None when nothing was traded."""
        first, last = -(-start_ms // _MINUTE) * _MINUTE, end_ms // _MINUTE * _MINUTE
        if first >= last:
            return summarise(self._market.between(start_ms, end_ms))
        return merge((self._raw(start_ms, first), *self._aligned(first, last), self._raw(last, end_ms)))

    def _raw(self, start_ms: int, end_ms: int) -> Summary | None:
        return summarise(self._market.between(start_ms, end_ms)) if start_ms < end_ms else None

    def _aligned(self, start_ms: int, end_ms: int) -> Iterable[Summary | None]:
        at = start_ms
        while at < end_ms:
            hour = at // _HOUR * _HOUR
            if at == hour and at + _HOUR <= end_ms:
                yield self._hour(hour)
                at += _HOUR
            else:
                upto = min(hour + _HOUR, end_ms)
                yield from self._some_minutes(hour, at, upto)
                at = upto

    def _some_minutes(self, hour: int, start_ms: int, end_ms: int) -> Iterable[Summary | None]:
        return self._minutes(hour)[(start_ms - hour) // _MINUTE : (end_ms - hour) // _MINUTE]

    def _minutes_of(self, hour: int) -> tuple[Summary | None, ...]:
        trades = self._market.between(hour, hour + _HOUR)
        cuts = np.searchsorted(trades.times, np.arange(hour, hour + _HOUR + 1, _MINUTE))
        return tuple(summarise(trades.where(slice(int(a), int(b)))) for a, b in pairwise(cuts))
