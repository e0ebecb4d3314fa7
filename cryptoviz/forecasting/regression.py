"""The volatility regression: one ridge over all markets, then one a market that is drawn towards it.

The regressors are those of :mod:`cryptoviz.forecasting.variance` and 168 dummies for the hour of the week, which are
never laid out: their part of the normal equations is counts and sums by hour. Sums of squares of separate stretches
add up, so a walk-forward computes each stretch once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from cryptoviz.forecasting.panel import FloatArray, IntArray
from cryptoviz.forecasting.variance import HAR_COLUMNS, REGRESSORS, WEEK_HOURS, WINDOWS

_RIDGE, _DUMMY_RIDGE = 10.0, 100.0
_MARKET_ROWS = 10_000.0
"""Rows of a market's own that weigh as much as what all markets say: fourteen months of hours."""
_HAR_WEIGHTS = {1: 0.1, 6: 0.2, 24: 0.3, 168: 0.2, 720: 0.2}
"""Where the coefficients lie before any data: the weighted average of past variances that HAR models settle near."""


@dataclass(frozen=True, slots=True)
class NormalEquations:
    """X'X, X'Y and the number of rows of one stretch of one market."""

    squares: FloatArray
    products: FloatArray
    rows: int

    def __add__(self, other: "NormalEquations") -> "NormalEquations":
        return NormalEquations(self.squares + other.squares, self.products + other.products, self.rows + other.rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class VolatilityModel:
    """Coefficients, shape (regressors + 168, horizons): ``pooled`` over all markets and ``own`` by market."""

    horizons: tuple[int, ...]
    pooled: FloatArray
    own: Mapping[str, FloatArray] = field(default_factory=dict)
    rows: int = 0

    def log_variance(self, values: FloatArray, week_hours: IntArray, market: str) -> FloatArray:
        """Forecast log variance over each horizon for rows of regressors of one market; NaN where a row is NaN."""
        coefficients = self.own.get(market, self.pooled)
        dense = len(REGRESSORS)
        forecast: FloatArray = values @ coefficients[:dense] + coefficients[dense:][week_hours]
        return forecast


def normal_equations(values: FloatArray, week_hours: IntArray, targets: FloatArray) -> NormalEquations:
    """Sums over the rows of one market whose regressors and targets are all finite."""
    usable = np.isfinite(values).all(axis=1) & np.isfinite(targets).all(axis=1)
    x, hours, y = values[usable], week_hours[usable], targets[usable]
    dense, total = len(REGRESSORS), len(REGRESSORS) + WEEK_HOURS
    squares, products = np.zeros((total, total)), np.zeros((total, targets.shape[1]))
    squares[:dense, :dense] = x.T @ x
    by_hour = np.zeros((WEEK_HOURS, dense))
    np.add.at(by_hour, hours, x)
    squares[dense:, :dense], squares[:dense, dense:] = by_hour, by_hour.T
    diagonal = np.arange(dense, total)
    squares[diagonal, diagonal] = np.bincount(hours, minlength=WEEK_HOURS)
    products[:dense] = x.T @ y
    np.add.at(products[dense:], hours, y)
    return NormalEquations(squares, products, int(usable.sum()))


def fit_volatility(sums: Mapping[str, NormalEquations], horizons: tuple[int, ...]) -> VolatilityModel:
    """Solve for all markets, then for each with the pooled answer as what :data:`_MARKET_ROWS` rows say."""
    total = _sum(sums.values())
    prior, penalty = _prior(horizons), _penalty()
    pooled: FloatArray = np.linalg.solve(total.squares + penalty, total.products + penalty @ prior)
    typical = (total.squares + penalty) * (_MARKET_ROWS / max(total.rows, 1))
    own: dict[str, FloatArray] = {
        market: np.linalg.solve(one.squares + typical, one.products + typical @ pooled)
        for market, one in sums.items()
        if one.rows
    }
    return VolatilityModel(horizons=horizons, pooled=pooled, own=own, rows=total.rows)


def fit_har(sums: Mapping[str, NormalEquations], horizons: tuple[int, ...]) -> VolatilityModel:
    """The plain HAR of four windows, by least squares for each market: the yardstick of the regression."""
    total = _sum(sums.values())
    own = {market: _har(one) for market, one in sums.items() if one.rows}
    return VolatilityModel(horizons=horizons, pooled=_har(total), own=own, rows=total.rows)


def _har(sums: NormalEquations) -> FloatArray:
    columns = np.array([0, *HAR_COLUMNS])
    coefficients = np.zeros_like(sums.products)
    coefficients[columns] = np.linalg.lstsq(sums.squares[np.ix_(columns, columns)], sums.products[columns])[0]
    return coefficients


def _sum(sums: Iterable[NormalEquations]) -> NormalEquations:
    first, *others = sums
    return sum(others, first)


def _prior(horizons: tuple[int, ...]) -> FloatArray:
    prior = np.zeros((len(REGRESSORS) + WEEK_HOURS, len(horizons)))
    prior[0] = np.log(horizons)
    for window, weight in _HAR_WEIGHTS.items():
        prior[1 + WINDOWS.index(window)] = weight
    return prior


def _penalty() -> FloatArray:
    dense = np.full(len(REGRESSORS), _RIDGE)
    return np.diag(np.concatenate([dense, np.full(WEEK_HOURS, _DUMMY_RIDGE)]))
