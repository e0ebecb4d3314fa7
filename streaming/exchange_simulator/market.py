"""A seeded market: trades as a pure function of seed, symbol and time, for any range of the past and live.

Ids are dense and follow the cumulated intensity, which has a daily season; the price is a sum of noises of doubling
scale, a random walk that needs no replay; its small scales swell and shrink with a slow noise (clustered volatility).
"""

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cryptoviz.lake.symbols import Instrument, Venue
from streaming.exchange_simulator.noise import Floats, Integers, normal, smooth, uniform

BLOCK_MS = 10_000
EPOCH_MS = 1_577_836_800_000
"""2020-01-01: the first block, id 1."""
_DAY_BLOCKS = 8640
_SEASON = 0.5
_OCTAVES = 22
_STEP = 0.0004
"""Standard deviation of the log price over ten seconds, about 3.7 % a day."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """How a symbol trades: its typical price and size, the decimals of its grids, its trades a second."""

    instrument: Instrument
    price: float
    tick_decimals: int
    lot_decimals: int
    rate: float
    size: float


_TABLE = (
    # venue, symbol, price, tick decimals, lot decimals, trades a second, typical size in base units
    (Venue.BINANCE, "BTC-USDT", 64_000, 2, 5, 2.0, 0.02),
    (Venue.BINANCE, "ETH-USDT", 3_100, 2, 4, 1.2, 0.4),
    (Venue.BINANCE, "SOL-USDT", 165, 2, 3, 0.8, 6),
    (Venue.BINANCE, "XRP-USDT", 0.62, 4, 0, 0.6, 900),
    (Venue.BINANCE, "BNB-USDT", 590, 1, 3, 0.5, 1.2),
    (Venue.KRAKEN, "BTC-USD", 64_000, 1, 8, 0.4, 0.03),
    (Venue.KRAKEN, "ETH-USD", 3_100, 2, 8, 0.3, 0.5),
)
LISTINGS = tuple(
    Listing(
        instrument=Instrument(venue, symbol), price=price, tick_decimals=tick, lot_decimals=lot, rate=rate, size=size
    )
    for venue, symbol, price, tick, lot, rate, size in _TABLE
)


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades in id order: ids, milliseconds, price in ticks, quantity in lots, whether the aggressor bought."""

    ids: Integers
    times: Integers
    ticks: Integers
    lots: Integers
    buys: "np.ndarray[tuple[int], np.dtype[np.bool_]]"

    def __len__(self) -> int:
        return len(self.ids)

    def where(self, mask: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> "Trades":
        """Those trades a mask selects."""
        return Trades(self.ids[mask], self.times[mask], self.ticks[mask], self.lots[mask], self.buys[mask])


class SeededMarket:
    """One symbol's trades."""

    def __init__(self, listing: Listing, *, seed: int, rate: float = 1.0) -> None:
        self.listing = listing
        self._per_block = listing.rate * rate * BLOCK_MS / 1000
        # The base asset moves alike on every venue and quote; what differs is drawn from the symbol's own key.
        self._path = (seed << 20) ^ zlib.crc32(listing.instrument.base.encode())
        self._own = (seed << 20) ^ zlib.crc32(listing.instrument.key.encode())
        self._by_block = lru_cache(maxsize=512)(self._make_block)

    def between(self, start_ms: int, end_ms: int) -> Trades:
        """Trades of `[start, end)`."""
        first, last = (
            (max(start_ms, EPOCH_MS) - EPOCH_MS) // BLOCK_MS,
            (max(end_ms, EPOCH_MS) - 1 - EPOCH_MS) // BLOCK_MS,
        )
        trades = self._by_block(first) if first == last else self._make(first, last + 1)
        return trades.where((trades.times >= start_ms) & (trades.times < end_ms))

    def from_id(self, first_id: int, limit: int, until_ms: int) -> Trades:
        """At most ``limit`` trades from an id on, none after ``until``."""
        first_id = max(first_id, 1)
        block = self._block_of(first_id)
        blocks = int(limit / max(self._per_block * (1 - _SEASON), 0.01)) + 2
        trades = self._make(block, min(block + blocks, (until_ms - EPOCH_MS) // BLOCK_MS + 1))
        found = trades.where((trades.ids >= first_id) & (trades.times < until_ms))
        return found.where(np.arange(len(found)) < limit)

    def last_before(self, time_ms: int, limit: int) -> Trades:
        """The last ``limit`` trades before an instant."""
        last = self.last_id(time_ms)
        return self.from_id(last - limit + 1, limit, time_ms)

    def last_id(self, time_ms: int) -> int:
        """Id of the last trade before an instant."""
        block = (time_ms - EPOCH_MS) // BLOCK_MS
        within = self._by_block(block)
        return int(self._first_ids(np.array([block]))[0]) + int((within.times < time_ms).sum()) - 1

    def _make_block(self, block: int) -> Trades:
        return self._make(block, block + 1)

    def _make(self, first: int, end: int) -> Trades:
        blocks = np.arange(first, max(first, end) + 1, dtype=np.int64)
        bounds = self._first_ids(blocks)
        counts = np.diff(bounds)
        ids = np.arange(bounds[0], bounds[-1], dtype=np.int64)
        block = np.repeat(blocks[:-1], counts)
        rank, count = ids - np.repeat(bounds[:-1], counts), np.repeat(counts, counts)
        share = (rank + uniform(self._own + 11, ids)) / np.maximum(count, 1)
        times = EPOCH_MS + block * BLOCK_MS + (share * BLOCK_MS).astype(np.int64)
        buys = uniform(self._own + 12, ids) < 0.5
        log_price = np.interp(block + share, blocks, self._log_price(blocks))
        bounce = np.where(buys, 1.0, -1.0) * 0.00005 + normal(self._own + 13, ids) * 0.00003
        scale = 10.0**self.listing.tick_decimals
        ticks = np.maximum(1, np.rint(self.listing.price * np.exp(log_price + bounce) * scale)).astype(np.int64)
        size = self.listing.size * np.exp(normal(self._own + 15, ids) * 1.2 - 0.7)
        lots = np.maximum(1, np.rint(size * 10.0**self.listing.lot_decimals)).astype(np.int64)
        return Trades(ids, times, ticks, lots, buys)

    def _first_ids(self, blocks: Integers) -> Integers:
        """First id of each block: the cumulated intensity plus a jitter smaller than any block's own share."""
        angle = 2 * np.pi * blocks / _DAY_BLOCKS
        season = blocks - _SEASON * _DAY_BLOCKS / (2 * np.pi) * np.sin(angle)
        jitter = uniform(self._own + 10, blocks) * (1 - _SEASON) * 0.9
        return np.asarray(np.floor((season + jitter) * self._per_block)).astype(np.int64) + 1

    def _block_of(self, trade_id: int) -> int:
        low, high = 0, int(2 * trade_id / max(self._per_block * (1 - _SEASON), 1e-9)) + 2 * _DAY_BLOCKS
        while low < high:
            middle = (low + high + 1) // 2
            if int(self._first_ids(np.array([middle]))[0]) <= trade_id:
                low = middle
            else:
                high = middle - 1
        return low

    def _log_price(self, blocks: Integers) -> Floats:
        swell = np.exp(0.7 * smooth(self._path + 500, blocks, 720) + 0.4 * smooth(self._path + 501, blocks, 90))
        total = np.zeros(len(blocks))
        for octave in range(_OCTAVES):
            spacing = 1 << octave
            scale = _STEP * np.sqrt(spacing) * 0.55
            total += scale * smooth(self._path + 2 * octave, blocks, spacing) * (swell if spacing <= 256 else 1.0)
        return total
