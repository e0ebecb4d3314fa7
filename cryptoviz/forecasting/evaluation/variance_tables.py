"""Tables of the variance: QLIKE of each model, of all markets and in parts, beside HAR and the last 24 hours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from cryptoviz.forecasting.calibration import DAY, trailing_level
from cryptoviz.forecasting.evaluation.averages import Row, by_hour, by_market, overall
from cryptoviz.forecasting.evaluation.walk_forward import Walk
from cryptoviz.forecasting.panel import FloatArray, IntArray
from cryptoviz.forecasting.scoring import qlike, skill, t_statistic

_LEVEL_DAYS = 90
"""Days of matured forecasts before a level counts as known."""
_YEAR = "datetime64[Y]"


@dataclass(frozen=True, slots=True)
class VarianceLosses:
    """QLIKE by model, shape (hours, markets, horizons), NaN unless every model has one; ``first`` is the first row."""

    by_model: Mapping[str, FloatArray]
    first: int


def variance_losses(walk: Walk) -> VarianceLosses:
    """QLIKE of each variance, its level corrected by what had matured: the same correction for every model."""
    first = walk.first + _LEVEL_DAYS * DAY
    losses = {model: _losses(walk, forecast, first) for model, forecast in walk.variances.items()}
    common = np.logical_and.reduce([np.isfinite(loss) for loss in losses.values()])
    return VarianceLosses({model: np.where(common, loss, np.nan) for model, loss in losses.items()}, first)


def volatility_table(walk: Walk, losses: VarianceLosses) -> list[Row]:
    """QLIKE averaged over markets."""
    rows: list[Row] = []
    for column, horizon in enumerate(walk.horizons):
        now = {model: loss[losses.first :, :, column] for model, loss in losses.by_model.items()}
        for model, loss in now.items():
            rows.append(
                {
                    "model": model,
                    "horizon": horizon,
                    **_gains(now, model),
                    "t_over_har": t_statistic(by_hour(now["har"] - loss), horizon + DAY),
                    "by_market": dict(zip(walk.panel.markets, map(float, by_market(loss)), strict=True)),
                    "origins": int(np.isfinite(loss).sum()),
                }
            )
    return rows


def parts_table(walk: Walk, losses: VarianceLosses, model: str = "vol_harx") -> list[Row]:
    """One model at the longest horizon: each calendar year over all markets, then each market over all years."""
    now = {name: loss[losses.first :, :, -1] for name, loss in losses.by_model.items()}
    rows: list[Row] = []
    for part, rows_of, markets in _parts(walk, losses.first):
        chosen = {name: loss[np.ix_(rows_of, markets)] for name, loss in now.items()}
        origins = int(np.isfinite(chosen[model]).sum())
        rows.append({"part": part, "horizon": walk.horizons[-1], **_gains(chosen, model), "origins": origins})
    return rows


def _parts(walk: Walk, first: int) -> Iterator[tuple[str, IntArray, IntArray]]:
    years = walk.panel.hours[first:].astype("datetime64[h]").astype(_YEAR)
    every_row, every_market = np.arange(len(years)), np.arange(len(walk.panel.markets))
    for year in np.unique(years):
        yield str(year), np.flatnonzero(years == year), every_market
    for column, market in enumerate(walk.panel.markets):
        yield market, every_row, every_market[column : column + 1]


def _gains(losses: Mapping[str, FloatArray], model: str) -> Row:
    """QLIKE of a model averaged over markets, and how far it lies below that of the two yardsticks."""
    loss = overall(by_market(losses[model]))
    return {
        "qlike": loss,
        "under_har": skill(loss, overall(by_market(losses["har"]))),
        "under_last_24h": skill(loss, overall(by_market(losses["last_24h"]))),
    }


def _losses(walk: Walk, forecast: FloatArray, first: int) -> FloatArray:
    ratios = walk.variance_ahead / forecast
    ratios[: walk.first] = np.nan
    level = trailing_level(ratios, walk.horizons)
    losses = qlike(walk.variance_ahead, forecast * np.where(level > 0, level, np.nan))
    losses[:first] = np.nan
    return losses
