"""The walk: models are fitted again every 91 days on what had matured, and forecast the next 91 days.

Row t of every result is the forecast issued at the close of candle t. Targets of the rows trained on end before the
first forecast of a fit: the last 24 hours before it are left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cryptoviz.forecasting.baselines import (
    carried_on,
    ewma_variance,
    last_price,
    mean_return,
    recent_variance,
    seasonal_naive,
)
from cryptoviz.forecasting.features import HORIZONS, Features, build_features, input_windows
from cryptoviz.forecasting.garch import filter_variance, fit_garch, variance_ahead
from cryptoviz.forecasting.lstm import Weights, predict_scaled
from cryptoviz.forecasting.panel import FloatArray, Panel, forward_sum
from cryptoviz.forecasting.regression import NormalEquations, VolatilityModel, fit_har, fit_volatility, normal_equations
from cryptoviz.forecasting.variance import VarianceInputs, log_variance_ahead, variance_inputs

DAY = 24
LEAST_DAYS = 90
_GARCH_ROWS = 180 * DAY

Trainer = Callable[[Features, FloatArray, range, int], Weights]
"""Trains the LSTM on rows of features and returns; the number of the fit is its last argument."""


class HistoryTooShort(ValueError):
    """There are too few hours to train on some and judge the rest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Days of training at most and at least, days between fits, and what is forecast."""

    train_days: int = 730
    first_train_days: int = 365
    refit_days: int = 91
    horizons: tuple[int, ...] = (1, 6, 12, 24)

    def fits(self, rows: int) -> list[range]:
        """Rows that each fit forecasts. Raises :class:`HistoryTooShort`."""
        days = rows // DAY
        if days < LEAST_DAYS:
            raise HistoryTooShort(f"{days} whole days of candles, an evaluation needs {LEAST_DAYS}")
        first = min(self.first_train_days, days // 3) * DAY
        step = self.refit_days * DAY
        return [range(at, min(at + step, rows)) for at in range(first, rows, step)]


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Everything forecast: ``means`` of log returns and ``variances``, by model, shape (hours, markets, horizons)."""

    panel: Panel
    horizons: tuple[int, ...]
    first: int
    features: Features
    inputs: VarianceInputs
    means: Mapping[str, FloatArray] = field(default_factory=dict)
    variances: Mapping[str, FloatArray] = field(default_factory=dict)

    @cached_property
    def returns_ahead(self) -> FloatArray:
        """What came: log returns over each horizon."""
        return np.stack([forward_sum(self.inputs.returns, h) for h in self.horizons], axis=-1)

    @cached_property
    def variance_ahead(self) -> FloatArray:
        """What came: sum of squared hourly returns over each horizon."""
        return np.stack([forward_sum(self.inputs.returns**2, h) for h in self.horizons], axis=-1)


def walk_forward(panel: Panel, plan: Plan, trainer: Trainer | None = None) -> Walk:
    """Walk over a panel whose first row is a midnight; without a trainer there is no LSTM."""
    fits = plan.fits(len(panel.hours))
    features, inputs = build_features(panel), variance_inputs(panel)
    returns, horizons = inputs.returns, plan.horizons
    regression, har = _regressions(panel, inputs, fits, plan)
    means = {
        "last_price": last_price(returns, horizons),
        "drift": carried_on(mean_return(returns), horizons),
        "seasonal_naive": seasonal_naive(np.log(panel.close), horizons),
    }
    if trainer is not None:
        means["lstm"] = _lstm(features, returns, fits, plan, trainer)
    variances = {
        "last_24h": carried_on(recent_variance(returns), horizons),
        "ewma": carried_on(ewma_variance(returns), horizons),
        "garch": _garch(returns, fits, horizons),
        "har": har,
        "vol_harx": regression,
    }
    return Walk(
        panel=panel, horizons=horizons, first=fits[0].start, features=features, inputs=inputs, means=means,
        variances=variances,
    )  # fmt: skip


def _regressions(panel: Panel, inputs: VarianceInputs, fits: list[range], plan: Plan) -> tuple[FloatArray, FloatArray]:
    targets = log_variance_ahead(inputs.variance, plan.horizons)
    regression, har = np.full(targets.shape, np.nan), np.full(targets.shape, np.nan)
    step = plan.refit_days * DAY
    stretches: dict[int, dict[str, NormalEquations]] = {}
    for rows in fits:
        known = rows.start - HORIZONS
        starts = range(known - step, max(known - plan.train_days * DAY, -step), -step)
        for start in starts:
            if start not in stretches:
                stretches[start] = _sums(panel.markets, inputs, targets, range(max(start, 0), start + step))
        total = _added([stretches[start] for start in starts])
        _apply(fit_volatility(total, plan.horizons), panel.markets, inputs, rows, regression)
        _apply(fit_har(total, plan.horizons), panel.markets, inputs, rows, har)
    return np.exp(regression), np.exp(har)


def _sums(
    markets: tuple[str, ...], inputs: VarianceInputs, targets: FloatArray, rows: range
) -> dict[str, NormalEquations]:
    part = slice(rows.start, rows.stop)
    hours = inputs.week_hours[part]
    return {
        market: normal_equations(inputs.values[part, column], hours, targets[part, column])
        for column, market in enumerate(markets)
    }


def _added(stretches: list[dict[str, NormalEquations]]) -> dict[str, NormalEquations]:
    total = dict(stretches[0])
    for stretch in stretches[1:]:
        total = {market: total[market] + sums for market, sums in stretch.items()}
    return total


def _apply(
    model: VolatilityModel, markets: tuple[str, ...], inputs: VarianceInputs, rows: range, into: FloatArray
) -> None:
    part = slice(rows.start, rows.stop)
    for column, market in enumerate(markets):
        into[part, column] = model.log_variance(inputs.values[part, column], inputs.week_hours[part], market)


def _garch(returns: FloatArray, fits: list[range], horizons: tuple[int, ...]) -> FloatArray:
    forecast = np.full((*returns.shape, len(horizons)), np.nan)
    for rows in fits:
        past = slice(max(rows.start - _GARCH_ROWS, 0), rows.start)
        garch = fit_garch(returns[past])
        path = filter_variance(returns[past.start : rows.stop], garch)
        forecast[rows.start : rows.stop] = variance_ahead(path[rows.start - past.start :], garch, horizons)
    return forecast


def _lstm(features: Features, returns: FloatArray, fits: list[range], plan: Plan, trainer: Trainer) -> FloatArray:
    forecast = np.full((*returns.shape, len(plan.horizons)), np.nan)
    steps = np.array(plan.horizons)
    for number, rows in enumerate(fits):
        trained = range(max(rows.start - plan.train_days * DAY, 0), rows.start - HORIZONS)
        weights = trainer(features, returns, trained, number)
        origins, markets = (axis.ravel() for axis in np.meshgrid(rows, range(returns.shape[1]), indexing="ij"))
        scaled = predict_scaled(weights, input_windows(features, origins, markets))[:, steps - 1]
        sigma = features.sigma[origins, markets, None] * np.sqrt(steps)
        forecast[origins, markets] = scaled * sigma
    return forecast
