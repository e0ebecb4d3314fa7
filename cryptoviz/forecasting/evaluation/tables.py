"""Tables of an evaluation: price and intervals, each model beside those that need no training."""

from dataclasses import dataclass

import numpy as np

from cryptoviz.forecasting.calibration import DAY, WINDOW_DAYS, interval_quantiles, track
from cryptoviz.forecasting.evaluation.averages import Row, by_hour, by_market, furthest, overall, ratio
from cryptoviz.forecasting.evaluation.walk_forward import Walk
from cryptoviz.forecasting.panel import BoolArray, FloatArray, trailing_mean
from cryptoviz.forecasting.scoring import COVERAGES, QUANTILES, crps, is_inside, skill, t_statistic

CONVINCING_T = 3.0
LEAST_DAYS_OF_EVIDENCE = 180
HELD_WITHIN = {0.8: 0.01, 0.95: 0.005}
"""How far from its promise the coverage of a year may lie."""
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
        reference = by_market(still**2)
        for model, means in walk.means.items():
            error = np.where(judged, close * (np.exp(means[..., column]) - np.exp(truth)), np.nan)
            gains = ((truth**2 - (truth - means[..., column]) ** 2) / walk.features.sigma**2)[walk.first :]
            t = t_statistic(by_hour(np.where(judged[walk.first :], gains, np.nan)), horizon + DAY)
            error_ratio = np.sqrt(ratio(by_market(error**2), reference))
            rows.append(
                {
                    "model": model,
                    "horizon": horizon,
                    "rmse_ratio": overall(error_ratio),
                    "worst_ratio": furthest(error_ratio),
                    "mae_ratio": overall(ratio(by_market(np.abs(error)), by_market(np.abs(still)))),
                    "mase": overall(by_market(ratio(np.abs(error), naive))),
                    "skill": overall(1 - error_ratio**2),
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
        losses = {name: overall(by_market(crps(truth, q))) for name, q in quantiles.items()}
        for name, q in quantiles.items():
            inside = {c: _inside(truth, q, c) for c in HELD_WITHIN}
            year = {c: one[-WINDOW_DAYS * DAY :] for c, one in inside.items()}
            rows.append(
                {
                    "method": name,
                    "horizon": horizon,
                    "coverage_80": overall(inside[0.8]),
                    "coverage_95": overall(inside[0.95]),
                    "coverage_80_last_year": overall(year[0.8]),
                    "coverage_95_last_year": overall(year[0.95]),
                    "worst_market_80_last_year": furthest(by_market(year[0.8]), 0.8),
                    "worst_market_95_last_year": furthest(by_market(year[0.95]), 0.95),
                    "markets_held_80": _held(year[0.8], 0.8),
                    "markets_held_95": _held(year[0.95], 0.95),
                    "coverage_80_after_shocks": overall(np.where(shocks, inside[0.8], np.nan)),
                    "crps_bps": losses[name] * 1e4,
                    "under_garch": skill(losses[name], losses["garch, student t"]),
                    "origins": int(np.isfinite(truth).sum()),
                }
            )
    return rows


def _quantiles(walk: Walk, method: Method, column: int) -> FloatArray:
    horizon = walk.horizons[column]
    variance = _variance(walk, method.variance)[..., column]
    scale = np.sqrt(np.where(variance > 0, variance, np.nan))
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


def _judged(walk: Walk, first: int) -> BoolArray:
    judged = np.zeros(walk.panel.close.shape, np.bool_)
    judged[first:] = True
    return judged


def _shocks(walk: Walk, judged: BoolArray) -> BoolArray:
    """The top twentieth of each market's hours by variance."""
    variance = np.where(judged, walk.inputs.variance, np.nan)
    limits = [
        np.quantile(one[np.isfinite(one)], 1 - _SHOCK_SHARE) if np.isfinite(one).any() else 0.0 for one in variance.T
    ]
    return np.nan_to_num(variance) > np.array(limits)


def _inside(truth: FloatArray, quantiles: FloatArray, coverage: float) -> FloatArray:
    low, high = (QUANTILES.index(round(level, 6)) for level in ((1 - coverage) / 2, (1 + coverage) / 2))
    return is_inside(truth, quantiles[..., low], quantiles[..., high])


def _held(inside: FloatArray, coverage: float) -> int:
    """Markets whose coverage is as promised."""
    return int((np.abs(by_market(inside) - coverage) <= HELD_WITHIN[coverage]).sum())
