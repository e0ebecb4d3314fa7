"""Tables of an evaluation: price, variance and intervals, each model beside those that need no training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cryptoviz.forecasting.calibration import DAY, WINDOW_DAYS, interval_quantiles, track, trailing_level
from cryptoviz.forecasting.evaluation.walk_forward import Walk
from cryptoviz.forecasting.panel import BoolArray, FloatArray, trailing_mean
from cryptoviz.forecasting.scoring import COVERAGES, QUANTILES, crps, is_inside, qlike, skill, t_statistic

Row = Mapping[str, Any]

CONVINCING_T = 3.0
LEAST_DAYS_OF_EVIDENCE = 180
NO_SKILL = "no measurable skill over last price"
_MONTH = 720
_SHOCK_SHARE = 0.05
_STUDENT_5 = np.array([0.72669, 1.47588, 2.01505, 2.57058]) * np.sqrt(3 / 5)
"""Half-widths of the central intervals of a Student t with 5 degrees of freedom and variance 1."""
_GAUSSIAN = np.array([0.67449, 1.28155, 1.64485, 1.95996])


@dataclass(frozen=True, slots=True)
class Method:
    """An interval: the variance that scales it and fixed half-widths, or None where the tracker finds them."""

    name: str
    variance: str
    widths: FloatArray | None = None


METHODS = (
    Method("gaussian, 30 days", "month", _GAUSSIAN),
    Method("30 days + tracker", "month"),
    Method("garch, student t", "garch", _STUDENT_5),
    Method("garch + tracker", "garch"),
    Method("har + tracker", "har"),
    Method("vol_harx + tracker", "vol_harx"),
)


def point_table(walk: Walk) -> list[Row]:
    """Errors of the price, never without those of last price on the same rows; ratios are means over markets."""
    close = walk.panel.close
    naive = trailing_mean(np.abs(np.diff(close, axis=0, prepend=np.nan)), _MONTH, least=DAY)
    rows: list[Row] = []
    for column, horizon in enumerate(walk.horizons):
        truth = walk.returns_ahead[..., column]
        judged = _judged(walk, walk.first) & np.isfinite(truth)
        for mean in walk.means.values():
            judged &= np.isfinite(mean[..., column])
        still = np.where(judged, close * -np.expm1(truth), np.nan)
        reference = _loss(still**2)
        for model, means in walk.means.items():
            error = np.where(judged, close * (np.exp(means[..., column]) - np.exp(truth)), np.nan)
            gains = ((truth**2 - (truth - means[..., column]) ** 2) / walk.features.sigma**2)[walk.first :]
            t = t_statistic(_across(np.where(judged[walk.first :], gains, np.nan)), horizon + DAY)
            ratio = np.sqrt(_loss(error**2) / reference)
            rows.append(
                {
                    "model": model,
                    "horizon": horizon,
                    "rmse_ratio": _mean(ratio),
                    "worst_ratio": float(np.nanmax(ratio)),
                    "mae_ratio": _mean(_loss(np.abs(error)) / _loss(np.abs(still))),
                    "mase": _mean(_loss(np.abs(error) / naive)),
                    "skill": _mean(1 - ratio**2),
                    "t": t,
                    "origins": int(judged.sum()),
                    "verdict": verdict(t, days=int(judged.any(axis=1).sum()) // DAY) if model != "last_price" else "",
                }
            )
    return rows


def verdict(t: float, *, days: int) -> str:
    """What may be said of a model's price: skill is claimed only with t > 3 over at least 180 days."""
    if days >= LEAST_DAYS_OF_EVIDENCE and t > CONVINCING_T:
        return "skill over last price"
    return "worse than last price" if t < -CONVINCING_T else NO_SKILL


def volatility_table(walk: Walk) -> list[Row]:
    """QLIKE of each variance, its level corrected by what had matured, averaged over markets."""
    first = walk.first + LEAST_DAYS_OF_EVIDENCE // 2 * DAY
    losses = {model: _variance_losses(walk, forecast, first) for model, forecast in walk.variances.items()}
    common = np.logical_and.reduce([np.isfinite(loss) for loss in losses.values()])
    rows: list[Row] = []
    for column, horizon in enumerate(walk.horizons):
        means = {m: _loss(np.where(common, loss, np.nan)[..., column]) for m, loss in losses.items()}
        for model, loss in losses.items():
            gains = np.where(common, losses["har"] - loss, np.nan)[first:, :, column]
            rows.append(
                {
                    "model": model,
                    "horizon": horizon,
                    "qlike": _mean(means[model]),
                    "under_har": skill(_mean(means[model]), _mean(means["har"])),
                    "under_last_24h": skill(_mean(means[model]), _mean(means["last_24h"])),
                    "t_over_har": t_statistic(_across(gains), horizon + DAY),
                    "by_market": dict(zip(walk.panel.markets, map(float, means[model]), strict=True)),
                    "origins": int(common[..., column].sum()),
                }
            )
    return rows


def interval_table(walk: Walk) -> list[Row]:
    """Coverage, coverage after shocks and CRPS of each way to make intervals; rows where all have one."""
    first = walk.first + min(WINDOW_DAYS * DAY, (len(walk.panel.hours) - walk.first) // 3 // DAY * DAY)
    judged = _judged(walk, first)
    shocks = _shocks(walk, judged)
    rows: list[Row] = []
    for column, horizon in enumerate(walk.horizons):
        truth = np.where(judged, walk.returns_ahead[..., column], np.nan)
        quantiles = {method.name: _quantiles(walk, method, column) for method in METHODS}
        for q in quantiles.values():
            truth = np.where(np.isfinite(q).all(axis=-1), truth, np.nan)
        losses = {name: _mean(_loss(crps(truth, q))) for name, q in quantiles.items()}
        for name, q in quantiles.items():
            inside = {c: _inside(truth, q, c) for c in (0.8, 0.95)}
            rows.append(
                {
                    "method": name,
                    "horizon": horizon,
                    "coverage_80": _mean(inside[0.8]),
                    "coverage_95": _mean(inside[0.95]),
                    "coverage_80_last_year": _mean(inside[0.8][-WINDOW_DAYS * DAY :]),
                    "coverage_95_last_year": _mean(inside[0.95][-WINDOW_DAYS * DAY :]),
                    "worst_market_80": _worst(inside[0.8], 0.8),
                    "worst_market_95": _worst(inside[0.95], 0.95),
                    "coverage_80_after_shocks": _mean(np.where(shocks, inside[0.8], np.nan)),
                    "crps_bps": losses[name] * 1e4,
                    "under_garch": skill(losses[name], losses["garch, student t"]),
                    "origins": int(np.isfinite(truth).sum()),
                }
            )
    return rows


def _quantiles(walk: Walk, method: Method, column: int) -> FloatArray:
    horizon = walk.horizons[column]
    scale = np.sqrt(_variance(walk, method.variance)[..., column])
    if method.widths is not None:
        return interval_quantiles(np.broadcast_to(method.widths, (*scale.shape, len(COVERAGES)))) * scale[..., None]
    scores = np.abs(walk.returns_ahead[..., column]) / scale
    days = len(scores) // DAY
    widths = np.full((*scale.shape, len(COVERAGES)), np.nan)
    begun = walk.first // DAY
    tracked = track(scores[begun * DAY : days * DAY, :, None], (horizon,))[:, :, 0]
    widths[begun * DAY :] = np.repeat(tracked, DAY, axis=0)[: len(widths) - begun * DAY]
    return interval_quantiles(widths) * scale[..., None]


def _variance(walk: Walk, name: str) -> FloatArray:
    if name == "month":
        month: FloatArray = trailing_mean(walk.inputs.returns**2, _MONTH, least=DAY)[..., None] * np.array(
            walk.horizons
        )
        return month
    return walk.variances[name]


def _variance_losses(walk: Walk, forecast: FloatArray, first: int) -> FloatArray:
    ratios = walk.variance_ahead / forecast
    ratios[: walk.first] = np.nan
    level = trailing_level(ratios, walk.horizons)
    losses = qlike(walk.variance_ahead, forecast * level)
    losses[:first] = np.nan
    return losses


def _judged(walk: Walk, first: int) -> BoolArray:
    judged = np.zeros(walk.panel.close.shape, np.bool_)
    judged[first:] = True
    return judged


def _shocks(walk: Walk, judged: BoolArray) -> BoolArray:
    """The top twentieth of each market's hours by variance."""
    variance = np.where(judged, walk.inputs.variance, np.nan)
    limit = np.nanquantile(variance, 1 - _SHOCK_SHARE, axis=0)
    return np.nan_to_num(variance) > limit


def _inside(truth: FloatArray, quantiles: FloatArray, coverage: float) -> FloatArray:
    low, high = (QUANTILES.index(round(level, 6)) for level in ((1 - coverage) / 2, (1 + coverage) / 2))
    return is_inside(truth, quantiles[..., low], quantiles[..., high])


def _worst(inside: FloatArray, coverage: float) -> float:
    shares = _loss(inside)
    return float(shares[np.nanargmax(np.abs(shares - coverage))])


def _loss(values: FloatArray) -> FloatArray:
    """Mean over the hours, for each market; NaN where there is none."""
    finite = np.isfinite(values)
    total = np.where(finite, values, 0.0).sum(axis=0)
    mean: FloatArray = total / np.where(finite.any(axis=0), finite.sum(axis=0), np.nan)
    return mean


def _across(values: FloatArray) -> FloatArray:
    """Mean over the markets, for each hour."""
    return _loss(values.T)


def _mean(values: FloatArray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")
