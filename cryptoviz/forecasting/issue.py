"""Forecasts of one hour: 24 steps of every model for every market, from candles up to the hour and nothing later.

What is missing shows in the status and never in a number: without a trained model its rows are empty, with little
history the volatility model hands over to the exponentially weighted variance.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from cryptoviz.forecasting.baselines import (
    carried_on,
    ewma_variance,
    last_price,
    mean_return,
    recent_variance,
    seasonal_naive,
)
from cryptoviz.forecasting.calibration import GAUSSIAN, interval_quantiles
from cryptoviz.forecasting.features import HORIZONS, SEQUENCE, build_features, input_windows
from cryptoviz.forecasting.garch import filter_variance, fit_garch, variance_ahead
from cryptoviz.forecasting.lstm import Weights, predict_scaled
from cryptoviz.forecasting.panel import FloatArray, Panel, log_returns
from cryptoviz.forecasting.regression import VolatilityModel
from cryptoviz.forecasting.scoring import COVERAGES
from cryptoviz.forecasting.variance import LOOK_BACK, variance_inputs

HISTORY = LOOK_BACK + 24
"""Hours that a forecast reads."""
STEPS = tuple(range(1, HORIZONS + 1))
LEAST_HOURS = 24
_WHOLE_HISTORY = 684
"""Candles of the last 720 hours from which on a market is not cold: one in twenty may be absent."""
BUILTIN = "builtin"


class Status(StrEnum):
    """What a row of a forecast is worth."""

    ISSUED = "issued"
    COLD = "cold"
    """Under 30 days of history: the variance is the exponentially weighted one."""
    UNCALIBRATED = "uncalibrated"
    """No scores yet: widths are those of a normal return."""
    MODEL_MISSING = "model_missing"
    NOT_ENOUGH_HISTORY = "not_enough_history"


@dataclass(frozen=True, kw_only=True, slots=True)
class Widths:
    """Calibration of one market: half-widths, shape (24, coverages), and level of the variance, shape (24,)."""

    widths: FloatArray
    level: FloatArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Models:
    """What was trained and calibrated before the hour; None where there is nothing."""

    volatility: VolatilityModel | None = None
    volatility_version: str = ""
    lstm: Weights | None = None
    lstm_version: str = ""
    widths: Mapping[str, Widths] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """One model's forecast for all markets. Arrays have the shape (markets, 24); quantiles have levels behind that.

    ``mean`` and ``quantiles`` are log returns from the last price; all NaN where the status says there is no forecast.
    """

    model: str
    version: str
    mean: FloatArray
    volatility: FloatArray
    quantiles: FloatArray
    status: tuple[Status, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """All forecasts of one hour. ``close`` is the last price of each market."""

    markets: tuple[str, ...]
    close: FloatArray
    forecasts: tuple[Forecast, ...]


def issue_forecasts(panel: Panel, hour: int, models: Models) -> Issue:
    """Forecasts at the close of ``hour``, counted since 1970. Markets without a candle in it are left out.

    The panel may reach beyond the hour; later rows are cut off before anything is computed.
    """
    row = panel.row_of(hour)
    past = panel.rows(row + 1 - HISTORY, row + 1)
    closes = past.close[-1].tolist() if len(past.hours) and row >= 0 else []
    known = past.only([m for m, close in zip(past.markets, closes, strict=False) if np.isfinite(close)])
    if not known.markets:
        return Issue(markets=(), close=np.empty(0), forecasts=())
    scale = _scale(known, models)
    forecasts = (*_baselines(known), _volatility(scale, models), _lstm(known, scale, models))
    return Issue(markets=known.markets, close=known.close[-1], forecasts=forecasts)


def _baselines(panel: Panel) -> tuple[Forecast, ...]:
    returns = log_returns(panel)
    still = last_price(returns[-1], STEPS)
    recent = carried_on(recent_variance(returns[-STEPS[-1] :])[-1], STEPS)
    garch = fit_garch(returns)
    variance = variance_ahead(filter_variance(returns, garch)[-1:], garch, STEPS)[0]
    pairs = (
        ("last_price", still, recent),
        ("drift", carried_on(mean_return(returns)[-1], STEPS), recent),
        ("seasonal_naive", seasonal_naive(np.log(panel.close[-STEPS[-1] :]), STEPS)[-1], recent),
        ("ewma", still, carried_on(ewma_variance(returns)[-1], STEPS)),
        ("garch", still, variance),
    )
    return tuple(_gaussian(panel, model, mean, variance) for model, mean, variance in pairs)


def _gaussian(panel: Panel, model: str, mean: FloatArray, variance: FloatArray) -> Forecast:
    volatility = np.sqrt(variance)
    enough = panel.is_bar.sum(axis=0) > LEAST_HOURS
    usable = enough & np.isfinite(mean).all(axis=1) & np.isfinite(volatility).all(axis=1)
    quantiles = mean[..., None] + volatility[..., None] * interval_quantiles(GAUSSIAN)
    status = tuple(Status.ISSUED if ok else Status.NOT_ENOUGH_HISTORY for ok in usable)
    return _forecast(model, BUILTIN, mean, volatility, quantiles, status)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scale:
    """Scale and calibrated volatility, shape (markets, 24), half-widths behind that, and the rung of each market."""

    scale: FloatArray
    volatility: FloatArray
    widths: FloatArray
    status: tuple[Status, ...]

    @property
    def offsets(self) -> FloatArray:
        """Quantiles around the median."""
        offsets: FloatArray = self.scale[..., None] * interval_quantiles(self.widths)
        return offsets


def _scale(panel: Panel, models: Models) -> _Scale:
    """The ladder of history: the regression where there is enough of it, the weighted variance below."""
    inputs, hours = variance_inputs(panel), panel.is_bar[-720:].sum(axis=0)
    variance = carried_on(ewma_variance(inputs.returns)[-1], STEPS)
    level, widths = np.ones_like(variance), np.broadcast_to(GAUSSIAN, (*variance.shape, len(COVERAGES))).copy()
    status = []
    for column, market in enumerate(panel.markets):
        found, row = models.widths.get(market), inputs.values[-1, column]
        if found:
            widths[column] = found.widths
        if hours[column] <= LEAST_HOURS or not np.isfinite(variance[column]).all():
            status.append(Status.NOT_ENOUGH_HISTORY)
        elif models.volatility is None:
            status.append(Status.MODEL_MISSING)
        elif hours[column] < _WHOLE_HISTORY or not np.isfinite(row).all():
            status.append(Status.COLD)
        else:
            variance[column] = np.exp(models.volatility.log_variance(row, inputs.week_hours[-1], market))
            level[column] = found.level if found else 1.0
            status.append(Status.ISSUED if found else Status.UNCALIBRATED)
    scale = np.sqrt(variance)
    return _Scale(scale=scale, volatility=scale * np.sqrt(level), widths=widths, status=tuple(status))


def _volatility(scale: _Scale, models: Models) -> Forecast:
    still = np.zeros_like(scale.scale)
    return _forecast("vol_harx", models.volatility_version, still, scale.volatility, scale.offsets, scale.status)


def _lstm(panel: Panel, scale: _Scale, models: Models) -> Forecast:
    """The price of the LSTM with the interval of the volatility model around it."""
    mean, absent = np.full_like(scale.scale, np.nan), Status.MODEL_MISSING
    if models.lstm is not None and len(panel.hours) >= SEQUENCE:
        features, count = build_features(panel), len(panel.markets)
        windows = input_windows(features, np.full(count, len(panel.hours) - 1), np.arange(count))
        mean = predict_scaled(models.lstm, windows) * features.sigma[-1][:, None] * np.sqrt(np.array(STEPS))
        absent = Status.NOT_ENOUGH_HISTORY
    quantiles = mean[..., None] + scale.offsets
    usable = np.asarray(np.isfinite(quantiles).all(axis=(1, 2)), np.bool_).tolist()
    status = tuple(Status.ISSUED if ok else absent for ok in usable)
    return _forecast("lstm", models.lstm_version, mean, scale.volatility, quantiles, status)


def _forecast(
    model: str,
    version: str,
    mean: FloatArray,
    volatility: FloatArray,
    quantiles: FloatArray,
    status: tuple[Status, ...],
) -> Forecast:
    """Blank out what the status says is not there."""
    absent = np.array([one in (Status.MODEL_MISSING, Status.NOT_ENOUGH_HISTORY) for one in status])
    return Forecast(
        model=model,
        version=version,
        mean=np.where(absent[:, None], np.nan, mean),
        volatility=np.where(absent[:, None], np.nan, volatility),
        quantiles=np.where(absent[:, None, None], np.nan, quantiles),
        status=status,
    )
