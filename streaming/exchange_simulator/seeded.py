"""A seeded market: trades as a pure function of seed, symbol and time, for any range of the past and live.

Ids are dense and follow the cumulated intensity, which has a daily season; the price is a sum of noises of doubling
scale, a random walk that needs no replay; its small scales swell and shrink with a slow noise (clustered volatility).
Of four trades in a row the last two are fills of one order: same instant to a microsecond, price and side.
"""

import zlib
from functools import lru_cache

import numpy as np

from streaming.exchange_simulator.market import Flags, Listing, Market, Trades, join
from streaming.exchange_simulator.noise import Floats, Integers, normal, smooth, uniform

BLOCK_MS = 10_000
EPOCH_MS = 1_577_836_800_000
"""2020-01-01: the first block, id 1."""
CELL = 4
"""Trades come in fours of three orders, never cut by the end of a block."""
_DAY_BLOCKS = 8640
_SEASON = 0.5
_OCTAVES = 22
_STEP = 0.0004
"""Standard deviation of the log price over ten seconds, about 3.7 % a day."""
_BLOCK_NS = BLOCK_MS * 1_000_000
_MS_NS = 1_000_000
_KEPT_TRADES = 200_000
_FEW, _FEW_BLOCKS = 100, 12
"""Up to so many trades or blocks, what is asked for is looked up and not made anew."""


class SeededMarket(Market):
    """One symbol's trades."""

    def __init__(self, listing: Listing, *, seed: int, rate: float = 1.0) -> None:
        super().__init__(listing)
        self._per_block = listing.rate * rate * BLOCK_MS / 1000
        # The base asset moves alike on every venue and quote; what differs is drawn from the symbol's own key.
        self._path = (seed << 20) ^ zlib.crc32(listing.base.encode())
        self._own = (seed << 20) ^ zlib.crc32(listing.key.encode())
        kept = max(_FEW_BLOCKS, min(512, int(_KEPT_TRADES / self._per_block)))
        self._by_block = lru_cache(maxsize=kept)(self._make_block)

    def last_id(self, time_ms: int) -> int:
        """Id of the last trade before an instant; 0 before the first block."""
        block = (time_ms - EPOCH_MS) // BLOCK_MS
        if block < 0:
            return 0
        first, trades = self._by_block(block)
        return first + int(np.searchsorted(trades.times, time_ms)) - 1

    def last_before(self, time_ms: int, limit: int) -> Trades:
        """The last ``limit`` trades before an instant; a few of them come from blocks already made."""
        if limit > _FEW:
            return super().last_before(time_ms, limit)
        block, parts, count = (time_ms - EPOCH_MS) // BLOCK_MS, list[Trades](), 0
        while block >= 0 and count < limit:
            trades = self._by_block(block)[1]
            parts.append(trades.where(slice(0, int(np.searchsorted(trades.times, time_ms)))))
            count += len(parts[-1])
            block -= 1
        joined = join(parts[::-1]) if parts else self._between(EPOCH_MS, EPOCH_MS)
        return self._kept(joined.where(slice(max(0, len(joined) - limit), len(joined))))

    def _between(self, start_ms: int, end_ms: int) -> Trades:
        start, end = max(start_ms, EPOCH_MS), max(end_ms, EPOCH_MS)
        first, last = (start - EPOCH_MS) // BLOCK_MS, (end - 1 - EPOCH_MS) // BLOCK_MS
        if last - first < _FEW_BLOCKS:
            trades = join([self._by_block(block)[1] for block in range(first, max(first, last) + 1)])
        else:
            trades = self._make(first, last + 1)
        low, high = np.searchsorted(trades.times, (start, end))
        return trades.where(slice(int(low), int(high)))

    def _from_id(self, first_id: int, limit: int, until_ms: int) -> Trades:
        first_id = max(first_id, 1)
        block = self._block_of(first_id)
        blocks = int((limit + 2 * CELL) / max(self._per_block * (1 - _SEASON), 0.01)) + 2
        trades = self._make(block, min(block + blocks, (until_ms - EPOCH_MS) // BLOCK_MS + 1))
        found = trades.where((trades.ids >= first_id) & (trades.times < until_ms))
        return found.where(slice(0, max(limit, 0)))

    def _make_block(self, block: int) -> tuple[int, Trades]:
        first = int(self._first_ids(np.array([block]))[0])
        return first, self._make(block, block + 1)

    def _make(self, first: int, end: int) -> Trades:
        blocks = np.arange(first, max(first, end) + 1, dtype=np.int64)
        bounds = self._first_ids(blocks)
        counts = np.diff(bounds)
        ids = np.arange(bounds[0], bounds[-1], dtype=np.int64)
        block, rank = np.repeat(blocks[:-1], counts), ids - np.repeat(bounds[:-1], counts)
        # What two fills of an order share is drawn from the id of the first.
        heads = ids - (ids % CELL == 0)
        share = (rank - (ids - heads) + uniform(self._own + 11, heads)) / np.maximum(np.repeat(counts, counts), 1)
        buys = uniform(self._own + 12, heads) < 0.5
        ticks = self._ticks(np.interp(block + share, blocks, self._log_price(blocks)), buys, heads)
        size = self.listing.size * np.exp(normal(self._own + 15, ids) * 1.2 - 0.7)
        lots = np.maximum(1, np.rint(size * 10.0**self.listing.lot_decimals)).astype(np.int64)
        times_ns = (share * _BLOCK_NS).astype(np.int64)
        # A fill follows within its millisecond, so that no candle can fall between the two.
        nanos = np.minimum(times_ns % _MS_NS + 1000 * (ids - heads), _MS_NS - 1)
        times = EPOCH_MS + block * BLOCK_MS + times_ns // _MS_NS
        exact = np.maximum.accumulate(times * _MS_NS + nanos)
        limits = uniform(self._own + 17, heads) < 0.4
        return Trades(ids, exact // _MS_NS, exact % _MS_NS, ticks, lots, buys, limits)

    def _ticks(self, log_price: Floats, buys: Flags, heads: Integers) -> Integers:
        bounce = np.where(buys, 1.0, -1.0) * 0.00005 + normal(self._own + 13, heads) * 0.00003
        scale = 10.0**self.listing.tick_decimals
        return np.maximum(1, np.rint(self.listing.price * np.exp(log_price + bounce) * scale)).astype(np.int64)

    def _first_ids(self, blocks: Integers) -> Integers:
        """First id of each block: the cumulated intensity plus a jitter smaller than any block's own share."""
        angle = 2 * np.pi * blocks / _DAY_BLOCKS
        season = blocks - _SEASON * _DAY_BLOCKS / (2 * np.pi) * np.sin(angle)
        jitter = uniform(self._own + 10, blocks) * (1 - _SEASON) * 0.9
        return np.asarray(np.floor((season + jitter) * self._per_block / CELL)).astype(np.int64) * CELL + 1

    def _block_of(self, trade_id: int) -> int:
        low, high = 0, int(2 * (trade_id + CELL) / max(self._per_block * (1 - _SEASON), 1e-9)) + 2 * _DAY_BLOCKS
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
