"""Widths of intervals from past scores: an online quantile tracker whose feedback comes a horizon late.

A score is |return| over the forecast scale at issue. The quantile in force grows when scores fall outside it and
shrinks when they stay inside, so that coverage is right in the long run whatever the returns do (Gibbs and Candès,
2021; Angelopoulos, Candès and Tibshirani, 2023). Scores of a horizon h come in clumps of h, hence the step over h.
It is updated once a day, as it is used. Ends are symmetric: there is no skill in direction to lend them.
"""

from dataclasses import dataclass

import numpy as np

from cryptoviz.forecasting.panel import FloatArray, IntArray
from cryptoviz.forecasting.scoring import COVERAGES, QUANTILES

WINDOW_DAYS = 365
DAY = 24
GAUSSIAN = np.array([0.67449, 1.28155, 1.64485, 1.95996])
"""Half-widths of :data:`COVERAGES` for a normal return."""
STEPS = 0.05 * np.exp((GAUSSIAN**2 - GAUSSIAN[1] ** 2) / 2)
"""Steps of the tracker at a horizon of one hour: 0.05 for 80 %, for the others inverse to the density at the quantile
of a normal return, so that all adapt equally fast."""
_START_DAYS = 90
_LEAST_SCORES = 30 * DAY


@dataclass(frozen=True, slots=True)
class Calibration:
    """``widths`` in units of the forecast scale, shape (markets, horizons, coverages), and the variance's ``level``.

    ``scores`` counts the matured scores of a market and horizon; with few of them all markets share theirs.
    """

    widths: FloatArray
    level: FloatArray
    scores: IntArray


def matured(scores: FloatArray, horizons: tuple[int, ...]) -> FloatArray:
    """Scores moved from their origin's row to the row whose close makes them known."""
    known = np.full_like(scores, np.nan)
    for column, horizon in enumerate(horizons):
        if horizon < len(scores):
            known[horizon:, :, column] = scores[:-horizon, :, column]
    return known


def track(scores: FloatArray, horizons: tuple[int, ...]) -> FloatArray:
    """Widths in force on each day, and after the last: shape (days + 1, markets, horizons, coverages).

    ``scores`` has the shape (24 x days, markets, horizons), at the row of their origin. The first 90 days share the
    empirical quantiles of what these have shown; from then on a day's widths know only scores of earlier days.
    """
    days = len(scores) // DAY
    known = matured(scores, horizons)
    start = min(days, _START_DAYS)
    widths: FloatArray = np.empty((days + 1, *scores.shape[1:], len(COVERAGES)))
    widths[: start + 1] = _empirical(known[: start * DAY])
    lateness = np.array(horizons)
    step = STEPS / lateness[:, None]
    for day in range(start, days):
        now = known[day * DAY : (day + 1) * DAY]
        origin_day = (np.arange(day * DAY, (day + 1) * DAY)[:, None] - lateness) // DAY
        before = origin_day < day
        in_force = np.where(before[:, None, :, None], widths[max(day - 1, 0)], widths[day])
        outside = (now[..., None] > in_force) - (1 - np.array(COVERAGES))
        moves = np.where(np.isfinite(now)[..., None], outside, 0.0).sum(axis=0)
        widths[day + 1] = np.maximum(widths[day] + step * moves, 0.0)
    return widths


def calibrate(scores: FloatArray, ratios: FloatArray, horizons: tuple[int, ...]) -> Calibration:
    """Widths and level after the last row. ``ratios`` are realised over forecast variance, at the origin's row."""
    known, found = matured(scores, horizons), matured(ratios, horizons)
    count: IntArray = np.sum(np.isfinite(known), axis=0, dtype=np.int64)
    level = _mean(found)
    if not count.any(axis=0).all():
        return Calibration(np.tile(GAUSSIAN, (*count.shape, 1)), np.ones(level.shape), count)
    widths = track(scores, horizons)[-1]
    shared = np.nanmean(level, axis=0)
    pooled = _empirical(known.reshape(-1, 1, known.shape[-1]))[0]
    is_few = count < _LEAST_SCORES
    return Calibration(
        np.where(is_few[..., None], pooled, np.maximum.accumulate(widths, axis=-1)),
        np.where(is_few, shared, level),
        count,
    )


def trailing_level(ratios: FloatArray, horizons: tuple[int, ...]) -> FloatArray:
    """Mean of the ratios known by each row over the last :data:`WINDOW_DAYS`: the correction of a variance's level."""
    known = matured(ratios, horizons)
    finite = np.isfinite(known)
    total, count = np.cumsum(np.where(finite, known, 0.0), axis=0), np.cumsum(finite, axis=0)
    window = WINDOW_DAYS * DAY
    if window < len(known):
        total[window:] -= total[:-window].copy()
        count[window:] -= count[:-window].copy()
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def interval_quantiles(widths: FloatArray) -> FloatArray:
    """Quantiles at :data:`QUANTILES` in units of the scale, from half-widths on the last axis."""
    order = {coverage: place for place, coverage in enumerate(COVERAGES)}
    columns = []
    for level in QUANTILES:
        coverage = round(abs(2 * level - 1), 6)
        width = widths[..., order[coverage]] if coverage else np.zeros(widths.shape[:-1])
        columns.append(np.sign(level - 0.5) * width)
    return np.stack(columns, axis=-1)


def _empirical(known: FloatArray) -> FloatArray:
    """Quantiles of the finite scores along the first axis; Gaussian where there is none."""
    absent = np.asarray(~np.isfinite(known).any(axis=0), np.bool_)
    filled = np.where(absent, 0.0, known)
    found = np.moveaxis(np.nanquantile(filled, COVERAGES, axis=0), 0, -1) if len(known) else 0.0
    return np.where(absent[..., None], GAUSSIAN, found)


def _mean(values: FloatArray) -> FloatArray:
    finite = np.isfinite(values)
    count = finite.sum(axis=0)
    return np.where(count > 0, np.where(finite, values, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
