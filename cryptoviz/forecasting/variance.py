"""Inputs of the volatility regression: what each closed hour says of the variance to come, and what then came.

Row t uses candles up to t. The windows and the leverage terms follow Corsi (2009) and Corsi and
Reno (2012); what the leading market does is a common factor of all others.
"""

from dataclasses import dataclass

import numpy as np

from cryptoviz.forecasting.features import garman_klass
from cryptoviz.forecasting.panel import (
    BoolArray,
    FloatArray,
    IntArray,
    Panel,
    forward_sum,
    log_returns,
    trailing_mean,
)

WINDOWS = (1, 3, 6, 24, 72, 168, 720)
"""Hours over which the variance of an hour is averaged."""
CALM_WINDOWS = (6, 24, 72, 168, 720)
"""Hours over which the mean of logs is set against the log of the mean: what is left when single jumps count little."""
LEADER_WINDOWS = (1, 24, 720)
"""Hours over which the variance of the leading market, by value traded, is averaged."""
LOOK_BACK = max(WINDOWS) + 1
"""Hours of candles that one row of features reads."""
REGRESSORS = (
    "constant",
    *(f"log_variance_{hours}h" for hours in WINDOWS),
    "fall",
    "move",
    "fall_24h",
    "volume_1h",
    "volume_24h",
    "market_1h",
    "market_24h",
    *(f"calm_{hours}h" for hours in CALM_WINDOWS),
    *(f"leader_{hours}h" for hours in LEADER_WINDOWS),
)
WEEK_HOURS = 168
HAR_COLUMNS = tuple(REGRESSORS.index(f"log_variance_{hours}h") for hours in (1, 24, 168, 720))

_EPSILON = 1e-9
_THURSDAY = 72
"""1970 began on a Thursday; hour 0 of the week is Monday's first."""
_LEAST_SHARE, _LEAST = 2, 72


@dataclass(frozen=True, slots=True)
class VarianceInputs:
    """``values`` has the shape (hours, markets, regressors), NaN where a row is not usable.

    ``week_hours`` is the hour of the week that follows each row; ``variance`` the Garman-Klass variance of the hour
    and ``returns`` its log return.
    """

    values: FloatArray
    week_hours: IntArray
    variance: FloatArray
    returns: FloatArray


def variance_inputs(panel: Panel) -> VarianceInputs:
    """Regressors of every hour and market of a panel."""
    variance = np.where(panel.is_bar, garman_klass(panel), np.nan)
    returns = log_returns(panel)
    logs = [_log_mean(variance, hours) for hours in WINDOWS]
    by_window = dict(zip(WINDOWS, logs, strict=True))
    scale = np.exp(by_window[168] / 2)
    falls = np.where(np.isfinite(returns), np.minimum(returns, 0.0), np.nan)
    volume = np.log1p(panel.volume * panel.close)
    usual = trailing_mean(volume, 168, least=48)
    leads = _leading(panel, np.logical_and.reduce([np.isfinite(by_window[hours]) for hours in LEADER_WINDOWS]))
    columns = (
        np.ones_like(variance),
        *logs,
        falls / scale,
        np.abs(returns) / scale,
        trailing_mean(falls, 24, least=12) * 24 / scale / 5,
        volume - usual,
        trailing_mean(volume, 24, least=12) - usual,
        _across_markets(by_window[1]),
        _across_markets(by_window[24]),
        *(_trailing(np.log(variance + _EPSILON), hours) - by_window[hours] for hours in CALM_WINDOWS),
        *(_of_leader(by_window[hours], leads) for hours in LEADER_WINDOWS),
    )
    values = np.stack(columns, axis=-1)
    usable = np.isfinite(values).all(axis=-1, keepdims=True)
    return VarianceInputs(np.where(usable, values, np.nan), hours_of_week(panel.hours + 1), variance, returns)


def hours_of_week(hours: IntArray) -> IntArray:
    """Hour of the week of hours since 1970; 0 is Monday 00:00 UTC."""
    of_week: IntArray = (hours + _THURSDAY) % WEEK_HOURS
    return of_week


def log_variance_ahead(variance: FloatArray, horizons: tuple[int, ...]) -> FloatArray:
    """Log of the variance summed over the next h hours, last axis the horizons; NaN where an hour is absent."""
    sums = [forward_sum(variance, horizon) for horizon in horizons]
    logs: FloatArray = np.log(np.stack(sums, axis=-1) + _EPSILON)
    return logs


def _log_mean(variance: FloatArray, hours: int) -> FloatArray:
    logs: FloatArray = np.log(_trailing(variance, hours) + _EPSILON)
    return logs


def _trailing(values: FloatArray, hours: int) -> FloatArray:
    return trailing_mean(values, hours, least=max(1, min(hours // _LEAST_SHARE, _LEAST)))


def _across_markets(values: FloatArray) -> FloatArray:
    """Mean over the markets that have a value, for each of these; one that is absent stays NaN."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=1, keepdims=True)
    mean = total / np.maximum(known.sum(axis=1, keepdims=True), 1)
    return np.where(known, mean, np.nan)


def _leading(panel: Panel, known: BoolArray) -> BoolArray:
    """Where a market has the largest mean value traded over 30 days, of those known; several if they trade equally.

    Values are in quote units, whatever these are.
    """
    value = trailing_mean(panel.volume * panel.close, max(WINDOWS), least=_LEAST)
    usable = known & np.isfinite(value)
    most = np.where(usable, value, 0.0).max(axis=1, keepdims=True, initial=0.0)
    leads: BoolArray = usable & (value == most)
    return leads


def _of_leader(values: FloatArray, leads: BoolArray) -> FloatArray:
    """What the leading market has, for every market; NaN in an hour without one."""
    count = leads.sum(axis=1, keepdims=True)
    mean = np.where(leads, values, 0.0).sum(axis=1, keepdims=True) / np.maximum(count, 1)
    return np.broadcast_to(np.where(count > 0, mean, np.nan), values.shape)
