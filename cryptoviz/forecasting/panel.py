"""Hourly candles as arrays: one row an hour, one column a market. The one place where decimals become floats.

Hours are consecutive; where a market has no usable candle all its values are NaN. Nothing is filled forward.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

FloatArray = npt.NDArray[np.floating]
"""Doubles, unless the name says otherwise."""
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_PRICES = ("open", "high", "low", "close")
_HOUR_US = 3_600_000_000


class UnknownMarket(ValueError):
    """The panel has no such column."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """Candles of several markets over consecutive hours; each array has the shape (hours, markets).

    ``hours`` counts the starts of the candles in hours since 1970, ``markets`` names the columns.
    """

    hours: IntArray
    markets: tuple[str, ...]
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray

    @property
    def is_bar(self) -> BoolArray:
        """Where a market has a usable candle."""
        return np.isfinite(self.close)

    def rows(self, first: int, last: int) -> "Panel":
        """Rows ``first`` to ``last``, the latter excluded; bounds outside the panel are cut."""
        part = slice(max(first, 0), max(last, 0))
        arrays = {name: getattr(self, name)[part] for name in ("hours", *_PRICES, "volume")}
        return replace(self, **arrays)

    def only(self, markets: Sequence[str]) -> "Panel":
        """These markets, in this order. Raises :class:`UnknownMarket` naming one that is not there."""
        absent = [market for market in markets if market not in self.markets]
        if absent:
            raise UnknownMarket(f"no market {', '.join(absent)}; there are {', '.join(self.markets)}")
        columns = [self.markets.index(market) for market in markets]
        arrays = {name: getattr(self, name)[:, columns] for name in (*_PRICES, "volume")}
        return replace(self, markets=tuple(markets), **arrays)

    def row_of(self, hour: int) -> int:
        """Row of an hour, which may lie outside the panel."""
        return hour - int(self.hours[0]) if self.hours.size else 0


def build_panel(
    candles: pl.DataFrame, *, first: int, last: int, markets: tuple[str, ...] | None = None, time: str = "window_start"
) -> Panel:
    """Panel of the hours `[first, last)`, counted since 1970.

    ``candles`` has the columns market, ``time``, open, high, low, close and volume, numbers of any type; of rows with
    the same market and hour the last one counts. ``markets`` chooses and orders the columns; by default all, sorted.
    A candle without a positive price, or whose high and low do not enclose open and close, counts as absent.
    """
    names = tuple(sorted(candles["market"].unique())) if markets is None else markets
    hour = pl.col(time).dt.cast_time_unit("us").dt.epoch("us") // _HOUR_US
    rows = candles.select("market", hour.alias("hour"), *(pl.col(c).cast(pl.Float64) for c in (*_PRICES, "volume")))
    rows = rows.filter(pl.col("hour").is_between(first, last - 1), pl.col("market").is_in(names), _is_possible())
    column = {name: number for number, name in enumerate(names)}
    at = (
        (rows["hour"].to_numpy() - first).astype(np.int64),
        np.array([column[name] for name in rows["market"]], np.int64),
    )
    arrays = {}
    for name in (*_PRICES, "volume"):
        arrays[name] = np.full((max(last - first, 0), len(names)), np.nan)
        arrays[name][at] = rows[name].to_numpy()
    return Panel(hours=np.arange(first, last, dtype=np.int64), markets=names, **arrays)


def _is_possible() -> pl.Expr:
    inside = [
        pl.col(name).is_between(pl.col("low"), pl.col("high")) & pl.col(name).is_finite() & (pl.col(name) > 0)
        for name in _PRICES
    ]
    return pl.all_horizontal(*inside, pl.col("volume").is_finite(), pl.col("volume") >= 0)


def log_returns(panel: Panel) -> FloatArray:
    """Log return of each hour's close over the close before; NaN where either is absent."""
    close = np.log(panel.close)
    return np.concatenate([np.full((min(1, len(close)), close.shape[1]), np.nan), close[1:] - close[:-1]])


def trailing_mean(values: FloatArray, width: int, *, least: int = 1) -> FloatArray:
    """Mean of the finite values among the last ``width`` rows, this one included; NaN with fewer than ``least``."""
    finite = np.isfinite(values)
    count = _trailing_sum(finite.astype(np.float64), width)
    total = _trailing_sum(np.where(finite, values, 0.0), width)
    return np.where(count >= max(least, 1), total / np.maximum(count, 1), np.nan)


def _trailing_sum(values: FloatArray, width: int) -> FloatArray:
    sums = np.cumsum(values, axis=0)
    if width < len(sums):
        sums[width:] -= sums[:-width].copy()
    return sums


def forward_sum(values: FloatArray, horizon: int) -> FloatArray:
    """Sum over the next ``horizon`` rows, this one excluded; NaN unless all of them are there and finite."""
    total = np.full_like(values, np.nan)
    if horizon < len(values):
        sums = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(np.nan_to_num(values), axis=0)])
        gaps = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(~np.isfinite(values), axis=0)])
        whole = gaps[horizon + 1 :] == gaps[1:-horizon]
        total[:-horizon] = np.where(whole, sums[horizon + 1 :] - sums[1:-horizon], np.nan)
    return total
