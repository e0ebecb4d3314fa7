"""Candles of the simulated venues: the fold of their own trades; a window without any is flat at the close before."""

from collections.abc import Iterator
from dataclasses import dataclass

from streaming.exchange_simulator.intervals import windows
from streaming.exchange_simulator.market import Market
from streaming.exchange_simulator.summary import Summaries, Summary


@dataclass(frozen=True, slots=True)
class Candle:
    """A window and what was traded in it."""

    start_ms: int
    end_ms: int
    traded: Summary


def candles(market: Market, summaries: Summaries, *, interval: str, start_ms: int, end_ms: int,
            until_ms: int) -> Iterator[Candle]:  # fmt: skip
    """Candles of the windows that begin in `[start, end)`, from the first trade on, as known at ``until``."""
    last: Summary | None = None
    for start, end in windows(interval, start_ms, min(end_ms, until_ms)):
        found = summaries.between(start, min(end, until_ms))
        if found is None:
            last = last or _before(market, start)
            found = _flat(last)
        if found is not None:
            yield Candle(start, end, found)
            last = found


def _before(market: Market, time_ms: int) -> Summary | None:
    trades = market.last_before(time_ms, 1)
    if not len(trades):
        return None
    tick, number = int(trades.ticks[0]), int(trades.ids[0])
    return Summary(number, number, 0, tick, tick, tick, tick, 0, 0, 0, 0)


def _flat(last: Summary | None) -> Summary | None:
    """Nothing traded after ``last``. The venue says id -1 for first and last."""
    return Summary(-1, -1, 0, last.close, last.close, last.close, last.close, 0, 0, 0, 0) if last else None
