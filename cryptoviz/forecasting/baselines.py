"""Forecasts that need no training: what every model is measured against.

Means are log returns to be expected over each horizon, variances those of the log return; the last axis is the
horizon and row t uses candles up to t.
"""

import numpy as np

from cryptoviz.forecasting.features import ewma_volatility
from cryptoviz.forecasting.panel import FloatArray, trailing_mean

EWMA_HALF_LIFE = 24.0
_DRIFT_HOURS = 720
_SEASON = 24
_SMALLEST = 1e-12


def last_price(returns: FloatArray, horizons: tuple[int, ...]) -> FloatArray:
    """The price stays where it is."""
    return np.zeros((*returns.shape, len(horizons)))


def mean_return(returns: FloatArray) -> FloatArray:
    """Drift: the price moves on, an hour, as it did on average over the last 30 days."""
    return trailing_mean(returns, _DRIFT_HOURS, least=_SEASON)


def seasonal_naive(log_close: FloatArray, horizons: tuple[int, ...]) -> FloatArray:
    """The price will be what it was at the same hour of the day before."""
    columns = [_lagged(log_close, _SEASON - (h - 1) % _SEASON - 1) - log_close for h in horizons]
    return np.stack(columns, axis=-1)


def recent_variance(returns: FloatArray) -> FloatArray:
    """The hourly variance of the last 24 hours."""
    return np.maximum(trailing_mean(returns**2, _SEASON, least=_SEASON // 2), _SMALLEST)


def ewma_variance(returns: FloatArray) -> FloatArray:
    """The exponentially weighted hourly variance."""
    variance: FloatArray = ewma_volatility(returns, EWMA_HALF_LIFE, least=_SEASON) ** 2
    return variance


def carried_on(hourly: FloatArray, horizons: tuple[int, ...]) -> FloatArray:
    """What an hour brings, over each horizon."""
    total: FloatArray = hourly[..., None] * np.array(horizons)
    return total


def _lagged(values: FloatArray, hours: int) -> FloatArray:
    if hours == 0:
        return values
    absent = np.full((min(hours, len(values)), *values.shape[1:]), np.nan)
    return np.concatenate([absent, values[:-hours]])
