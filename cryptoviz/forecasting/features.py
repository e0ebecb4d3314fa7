"""The eight scale-free features of the LSTM, and its windows. Row t uses candles up to t, which are closed then.

Prices enter as ratios over their own trailing volatility, so one network serves every market and no new high leaves
the range it was trained on.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cryptoviz.forecasting.panel import FloatArray, IntArray, Panel, forward_sum, log_returns, trailing_mean

FEATURES = ("ret", "mid", "high", "low", "spread", "volatility", "volume", "liquidity")
SEQUENCE = 12
"""Hours in one input window."""
HORIZONS = 24
"""Steps of a forecast, in hours."""

SIGMA_HALF_LIFE = 84
_WEEK = 168
_LEAST = 48
_CLIP = 8.0
_SMALLEST_VARIANCE = 1e-12

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """``values`` has the shape (hours, markets, 8), NaN where a row is not usable; ``sigma`` is the hourly scale."""

    values: FloatArray
    sigma: FloatArray


def garman_klass(panel: Panel) -> FloatArray:
    """Variance of each hour from its range: ½ ln²(H/L) - (2 ln 2 - 1) ln²(C/O) (Garman and Klass, 1980)."""
    with np.errstate(invalid="ignore"):
        spread = np.log(panel.high / panel.low)
        move = np.log(panel.close / panel.open)
        variance: FloatArray = np.maximum(0.5 * spread**2 - (2 * np.log(2) - 1) * move**2, _SMALLEST_VARIANCE)
    return variance


def ewma_volatility(returns: FloatArray, half_life: float = SIGMA_HALF_LIFE, *, least: int = _LEAST) -> FloatArray:
    """Square root of the exponentially weighted mean of squared returns, weights normalised over what has been seen.

    A missing return carries no weight; NaN until ``least`` returns have been seen.
    """
    keep = 0.5 ** (1 / half_life)
    total, weight = np.zeros(returns.shape[1:]), np.zeros(returns.shape[1:])
    seen = np.cumsum(np.isfinite(returns), axis=0)
    square = np.where(np.isfinite(returns), returns, 0.0) ** 2
    variance = np.empty_like(returns)
    for row, (value, known) in enumerate(zip(square, np.isfinite(returns), strict=True)):
        total = total * keep + value
        weight = weight * keep + known
        variance[row] = total / np.maximum(weight, 1e-300)
    return np.where((seen >= least) & (variance > 0), np.sqrt(variance), np.nan)


def corwin_schultz(panel: Panel) -> FloatArray:
    """Relative bid-ask spread from the ranges of two neighbouring hours (Corwin and Schultz, 2012), not below 0."""
    high, low = np.log(panel.high), np.log(panel.low)
    before_high, before_low = _shifted(high), _shifted(low)
    beta = (high - low) ** 2 + (before_high - before_low) ** 2
    gamma = (np.maximum(high, before_high) - np.minimum(low, before_low)) ** 2
    scale = 3 - 2 * np.sqrt(2)
    alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / scale - np.sqrt(gamma / scale)
    spread: FloatArray = np.maximum(2 * np.expm1(alpha) / (1 + np.exp(alpha)), 0.0)
    return spread


def build_features(panel: Panel) -> Features:
    """The features of every hour and market, clipped to ±8. The spread is the Corwin-Schultz estimate."""
    returns = log_returns(panel)
    sigma = ewma_volatility(returns)
    quote = panel.volume * panel.close
    illiquidity = np.log((np.abs(returns) + 1e-5) / (quote + 1.0))
    typical = np.log((panel.high + panel.low + panel.close) / 3)
    columns = (
        returns / sigma,
        (typical - np.log(panel.close)) / sigma,
        np.log(panel.high / panel.close) / sigma,
        np.log(panel.low / panel.close) / sigma,
        corwin_schultz(panel) / sigma,
        0.5 * np.log(garman_klass(panel)) - np.log(sigma),
        _trailing_score(np.log1p(quote)),
        _trailing_score(illiquidity),
    )
    values = np.clip(np.stack(columns, axis=-1), -_CLIP, _CLIP)
    usable = np.isfinite(values).all(axis=-1, keepdims=True)
    return Features(np.where(usable, values, np.nan), sigma)


def input_windows(features: Features, rows: IntArray, columns: IntArray) -> Float32Array:
    """Windows of 12 hours that end at ``rows`` of the markets ``columns``, pairwise: shape (n, 12, 8).

    Raises ValueError before row 11.
    """
    if rows.size and rows.min() < SEQUENCE - 1:
        raise ValueError(f"a window of {SEQUENCE} hours cannot end at row {rows.min()}")
    steps = rows[:, None] + np.arange(1 - SEQUENCE, 1)
    windows: Float32Array = features.values[steps, columns[:, None]].astype(np.float32)
    return windows


def scaled_targets(returns: FloatArray, sigma: FloatArray) -> Float32Array:
    """Log return over the next h hours over sigma √h, shape (hours, markets, 24); NaN where one of them is absent."""
    columns = [forward_sum(returns, h) / (sigma * np.sqrt(h)) for h in range(1, HORIZONS + 1)]
    return np.stack(columns, axis=-1).astype(np.float32)


def _shifted(values: FloatArray) -> FloatArray:
    return np.concatenate([np.full((min(1, len(values)), values.shape[1]), np.nan), values[:-1]])


def _trailing_score(values: FloatArray) -> FloatArray:
    mean = trailing_mean(values, _WEEK, least=_LEAST)
    spread = trailing_mean(values**2, _WEEK, least=_LEAST) - mean**2
    return (values - mean) / (np.sqrt(np.maximum(spread, 0.0)) + 1e-6)
