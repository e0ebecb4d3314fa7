"""Klines of the simulated venues: the fold of their own trades, in integers."""

from itertools import pairwise
from typing import Any

import numpy as np

from streaming.exchange_simulator.market import SeededMarket, Trades
from streaming.exchange_simulator.texts import decimal_text

_MINUTE = 60_000
INTERVALS = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "8h": 480,
             "12h": 720, "1d": 1440}  # fmt: skip
INTERVALS = {name: minutes * _MINUTE for name, minutes in INTERVALS.items()}
"""Length of each interval in milliseconds."""


def fold(market: SeededMarket, start_ms: int, end_ms: int, length_ms: int) -> list[list[Any]]:
    """Rows of Binance's `klines` for the windows of `[start, end)`; windows without trades are left out."""
    trades = market.between(start_ms, end_ms)
    windows = trades.times // length_ms
    cuts = np.concatenate(([0], np.flatnonzero(np.diff(windows)) + 1, [len(trades)])) if len(trades) else np.array([0])
    return [_row(market, trades, int(a), int(b), length_ms) for a, b in pairwise(cuts)]


def _row(market: SeededMarket, trades: Trades, first: int, end: int, length_ms: int) -> list[Any]:
    ticks, lots, buys = trades.ticks[first:end], trades.lots[first:end], trades.buys[first:end]
    entry, opened = market.listing, int(trades.times[first]) // length_ms * length_ms
    scale = entry.tick_decimals + entry.lot_decimals
    prices = [decimal_text(int(t), entry.tick_decimals, 8) for t in (ticks[0], ticks.max(), ticks.min(), ticks[-1])]
    amounts = [int(np.dot(ticks, lots)), int(np.dot(ticks[buys], lots[buys]))]
    quote, taker_quote = (decimal_text(amount, scale, max(8, scale)) for amount in amounts)
    volume, taker = (decimal_text(int(x.sum()), entry.lot_decimals, 8) for x in (lots, lots[buys]))
    return [opened, *prices, volume, opened + length_ms - 1, quote, end - first, taker, taker_quote, "0"]
