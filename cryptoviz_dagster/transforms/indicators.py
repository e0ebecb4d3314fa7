"""Technical indicators as expressions over prices in order of time, one market at a time (``.over`` or an aggregation).

Each gives a value a row, null until it has the rows it needs. Averages are seeded with the mean of their first period,
as Wilder did and as TA-Lib does, so a value depends on where the series begins, less with each row.
"""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Macd:
    """Line, signal and histogram, in the unit of the prices."""

    line: pl.Expr
    signal: pl.Expr
    histogram: pl.Expr


@dataclass(frozen=True, slots=True)
class Bands:
    """Upper, middle and lower band, in the unit of the prices."""

    upper: pl.Expr
    middle: pl.Expr
    lower: pl.Expr


def ema(values: pl.Expr, period: int) -> pl.Expr:
    """Exponential moving average, weight 2 / (period + 1), from row ``period`` on; leading nulls are passed over."""
    return _smoothed(values, period, weight=2 / (period + 1))


def wilder_mean(values: pl.Expr, period: int) -> pl.Expr:
    """Wilder's average with weight 1 / period, seeded like :func:`ema` (New Concepts in Technical Trading, 1978)."""
    return _smoothed(values, period, weight=1 / period)


def _smoothed(values: pl.Expr, period: int, *, weight: float) -> pl.Expr:
    seen = values.is_not_null().cum_sum()
    seed = values.drop_nulls().head(period).mean()
    seeded = pl.when(seen > period).then(values).when(seen == period).then(seed)
    return seeded.ewm_mean(alpha=weight, adjust=False, ignore_nulls=True)


def rsi(price: pl.Expr, period: int = 14) -> pl.Expr:
    """Relative strength index, 0 to 100, from row ``period + 1`` on (Wilder 1978). Null while no price has moved."""
    change = price.diff()
    gain = wilder_mean(change.clip(lower_bound=0), period)
    loss = wilder_mean((-change).clip(lower_bound=0), period)
    moved = gain + loss
    return pl.when(moved > 0).then(100 * gain / moved)


def macd(price: pl.Expr, *, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Convergence and divergence of averages (Appel 1979): line from row ``slow`` on, signal ``signal - 1`` later."""
    line = ema(price, fast) - ema(price, slow)
    smooth = ema(line, signal)
    return Macd(line, smooth, line - smooth)


def bollinger(price: pl.Expr, period: int = 20, *, width: float = 2.0) -> Bands:
    """Mean of ``period`` rows, with ``width`` population standard deviations on each side (Bollinger 2001)."""
    middle = price.rolling_mean(period)
    deviation = width * price.rolling_std(period, ddof=0)
    return Bands(middle + deviation, middle, middle - deviation)


def momentum(price: pl.Expr, period: int = 10) -> pl.Expr:
    """Price less the price ``period`` rows before."""
    return price - price.shift(period)


def percent_change(price: pl.Expr, period: int) -> pl.Expr:
    """100 x (price / price ``period`` rows before - 1)."""
    return 100 * (price / price.shift(period) - 1)


def log_return(price: pl.Expr) -> pl.Expr:
    """Natural logarithm of price / price one row before."""
    return price.log().diff()


def realised_volatility(returns: pl.Expr, period: int) -> pl.Expr:
    """Square root of the sum of squared returns of ``period`` rows (Andersen and Bollerslev 1998)."""
    return returns.pow(2).rolling_sum(period).clip(lower_bound=0).sqrt()
