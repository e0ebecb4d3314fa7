"""Aggregate trades of Binance: neighbours of one order at one price as one, with ids of their own.

In a seeded market of four trades in a row the last two are one order, so an aggregate's id follows from its trades' and
needs no count from the beginning; in a recorded market every trade is an aggregate of itself. An aggregate all of whose
trades are lost is said as the venue says a withdrawn one: price and quantity zero, first and last id -1.
"""

from dataclasses import dataclass
from typing import Any

from streaming.exchange_simulator.binance.shapes import price, quantity
from streaming.exchange_simulator.market import Market, Trades
from streaming.exchange_simulator.seeded import CELL, SeededMarket


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Trades ``first`` to ``last`` of one order; prices in ticks, quantities in lots."""

    id: int
    first: int
    last: int
    ticks: int
    lots: int
    time_ms: int
    is_buy: bool

    def as_dict(self, market: Market) -> dict[str, Any]:
        """In the shape of REST `aggTrades`."""
        entry, lost = market.listing, any(a <= self.first and self.last <= b for a, b in market.lost)
        return {
            "a": self.id, "p": price(entry, 0 if lost else self.ticks), "q": quantity(entry, 0 if lost else self.lots),
            "f": -1 if lost else self.first, "l": -1 if lost else self.last, "T": self.time_ms, "m": not self.is_buy,
            "M": True,
        }  # fmt: skip


def aggregate_id(market: Market, trade_id: int) -> int:
    """Id of the aggregate that holds a trade."""
    if not isinstance(market, SeededMarket):
        return trade_id
    cell, rank = divmod(trade_id - 1, CELL)
    return cell * (CELL - 1) + min(rank, CELL - 2) + 1


def first_trade(market: Market, aggregate: int) -> int:
    """Id of the first trade of an aggregate."""
    if not isinstance(market, SeededMarket):
        return aggregate
    cell, rank = divmod(aggregate - 1, CELL - 1)
    return cell * CELL + rank + 1


def fold(market: Market, trades: Trades) -> list[Aggregate]:
    """Aggregates of trades, in order."""
    found: list[Aggregate] = []
    for i in range(len(trades)):
        trade_id = int(trades.ids[i])
        number, lots = aggregate_id(market, trade_id), int(trades.lots[i])
        if found and found[-1].id == number:
            head = found.pop()
            found.append(
                Aggregate(number, head.first, trade_id, head.ticks, head.lots + lots, head.time_ms, head.is_buy)
            )
        else:
            found.append(Aggregate(number, trade_id, trade_id, int(trades.ticks[i]), lots, int(trades.times[i]),
                                   bool(trades.buys[i])))  # fmt: skip
    return found
