"""Losses of forecasts and tests of their differences. Returns and quantiles are log returns unless said otherwise."""

import numpy as np

from cryptoviz.forecasting.panel import FloatArray

QUANTILES = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
"""Levels at which a forecast distribution is issued."""
COVERAGES = (0.5, 0.8, 0.9, 0.95)
"""Central intervals whose ends are these quantiles, widest last."""
_SMALLEST = 1e-12


def qlike(realised: FloatArray, forecast: FloatArray) -> FloatArray:
    """The ratio x of realised and forecast variance as x - ln x - 1; 0 is perfect (Patton, 2011)."""
    ratio = np.maximum(realised, _SMALLEST) / forecast
    return ratio - np.log(ratio) - 1


def pinball(truth: FloatArray, quantile: FloatArray, level: float) -> FloatArray:
    """Loss of a quantile forecast: its excess weighted with the odds of being on that side (Koenker and Bassett)."""
    error = truth - quantile
    return np.maximum(level * error, (level - 1) * error)


def crps(truth: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Continuous ranked probability score from quantiles at :data:`QUANTILES`, which lie on the last axis.

    Twice the integral of the pinball loss over the levels, by the midpoint of each level's share of (0, 1).
    """
    losses = [pinball(truth, quantiles[..., i], level) for i, level in enumerate(QUANTILES)]
    score: FloatArray = 2 * (np.stack(losses, axis=-1) @ level_weights())
    return score


def level_weights() -> FloatArray:
    """Share of (0, 1) that each level of :data:`QUANTILES` stands for; they add up to 1."""
    levels = np.array(QUANTILES)
    edges = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [1.0]])
    return np.diff(edges)


def is_inside(truth: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """1 where the truth lies in the interval, 0 where not, NaN where any of the three is unknown."""
    known = np.isfinite(truth) & np.isfinite(low) & np.isfinite(high)
    return np.where(known, (truth >= low) & (truth <= high), np.nan)


def root_mean_square(errors: FloatArray) -> float:
    """RMSE of the finite errors; NaN without any."""
    finite = errors[np.isfinite(errors)]
    return float(np.sqrt(np.mean(finite**2))) if finite.size else float("nan")


def skill(loss: float, reference: float) -> float:
    """1 - loss / reference: the share of the reference's loss that a forecast saves; negative when it adds."""
    return 1 - loss / reference if reference > 0 else float("nan")


def t_statistic(gains: FloatArray, lags: int) -> float:
    """Mean over its standard error with autocorrelation up to ``lags`` (Diebold and Mariano; Newey and West).

    ``gains`` are losses of the reference minus those of the challenger, in order of time; positive favours the
    challenger. NaN with fewer than ten values or without variation.
    """
    finite = gains[np.isfinite(gains)]
    if finite.size < 10:
        return float("nan")
    centred = finite - finite.mean()
    long_run = centred @ centred / finite.size
    for lag in range(1, min(lags, finite.size - 1) + 1):
        long_run += 2 * (1 - lag / (lags + 1)) * (centred[lag:] @ centred[:-lag]) / finite.size
    if not long_run > 0:
        return float("nan")
    return float(finite.mean() / np.sqrt(long_run / finite.size))
