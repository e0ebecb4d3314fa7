"""GARCH(1,1) of hourly returns with a targeted variance, as a yardstick: fitted on a grid, many markets at once.

Source: Bollerslev (1986); variance targeting after Engle and Mezrich (1996); Gaussian quasi-likelihood.
"""

from dataclasses import dataclass

import numpy as np

from cryptoviz.forecasting.panel import FloatArray

_GRID = tuple(
    (alpha, total - alpha) for total in (0.9, 0.95, 0.98, 0.99, 0.995) for alpha in (0.02, 0.05, 0.1, 0.15, 0.2)
)
_SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class Garch:
    """Parameters by market: ``level`` is the long-run hourly variance, NaN where there were no returns."""

    alpha: FloatArray
    beta: FloatArray
    level: FloatArray


def fit_garch(returns: FloatArray) -> Garch:
    """The pair of the grid with the largest quasi-likelihood, for each column of returns; absent ones are skipped."""
    known = np.isfinite(returns)
    square = np.where(known, returns, 0.0) ** 2
    count = known.sum(axis=0)
    level = np.where(count > 0, np.maximum(square.sum(axis=0) / np.maximum(count, 1), _SMALLEST), np.nan)
    alpha, beta = (np.array(column)[:, None] for column in zip(*_GRID, strict=True))
    variance = np.broadcast_to(level, (len(_GRID), len(level))).copy()
    loss = np.zeros_like(variance)
    for now, is_known in zip(square, known, strict=True):
        loss += is_known * (np.log(variance) + now / variance)
        update = level * (1 - alpha - beta) + alpha * now + beta * variance
        variance = np.where(is_known, update, variance)
    best = np.argmin(np.where(np.isfinite(loss), loss, np.inf), axis=0)
    return Garch(alpha[best, 0], beta[best, 0], level)


def filter_variance(returns: FloatArray, garch: Garch, start: FloatArray | None = None) -> FloatArray:
    """Variance of the hour after each row; it begins at ``start``, by default at the long-run level."""
    variance = np.where(np.isfinite(garch.level), garch.level, np.nan) if start is None else start
    path = np.empty_like(returns)
    for row, now in enumerate(returns):
        update = garch.level * (1 - garch.alpha - garch.beta) + garch.alpha * now**2 + garch.beta * variance
        variance = np.where(np.isfinite(now), update, variance)
        path[row] = variance
    return path


def variance_ahead(following: FloatArray, garch: Garch, horizons: tuple[int, ...]) -> FloatArray:
    """Variance of the return over each horizon, from the variance of the following hour; last axis the horizons."""
    persistence = garch.alpha + garch.beta
    columns = [garch.level * h + (following - garch.level) * (1 - persistence**h) / (1 - persistence) for h in horizons]
    return np.stack(columns, axis=-1)
