"""Which model to believe: the simplest, until another has shown over days that it is better.

Taking whatever was best last quarter switches often and gains nothing; a switch needs evidence.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cryptoviz.forecasting.panel import FloatArray
from cryptoviz.forecasting.scoring import skill, t_statistic

BANDS = {"1-6": range(1, 7), "7-12": range(7, 13), "13-24": range(13, 25)}
"""Bands of horizons that are decided together, in hours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """When a challenger takes over: its t statistic over so many days at least."""

    default: str
    least_t: float
    least_days: int


RULES = {
    "price": Rule(default="last_price", least_t=3.0, least_days=180),
    "variance": Rule(default="ewma", least_t=1.65, least_days=30),
}
"""The price has been looked at by many models for long; to be believed takes more there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The champion of a task and band, with the strongest challenger and its evidence."""

    champion: str
    challenger: str | None
    gain: float
    t: float
    days: int
    reason: str


def choose_champion(losses: Mapping[str, FloatArray], rule: Rule) -> Decision:
    """Decide from mean losses a day, one array a model, NaN on days without; lower is better."""
    reference = losses.get(rule.default)
    days = int(np.isfinite(reference).sum()) if reference is not None else 0
    found = [_against(model, loss, reference) for model, loss in sorted(losses.items()) if model != rule.default]
    best = max(found, key=lambda one: -np.inf if np.isnan(one[2]) else one[2], default=None)
    if reference is None or best is None or np.isnan(best[2]):
        return Decision(
            champion=rule.default, challenger=None, gain=float("nan"), t=float("nan"), days=days,
            reason="no challenger has been scored on enough days",
        )  # fmt: skip
    challenger, gain, t = best
    wins = t > rule.least_t and days >= rule.least_days
    asked = f"t > {rule.least_t} over at least {rule.least_days} days"
    reason = f"{challenger} has {'shown' if wins else 'not shown'} {asked}"
    return Decision(
        champion=challenger if wins else rule.default, challenger=challenger, gain=gain, t=t, days=days, reason=reason
    )


def _against(model: str, loss: FloatArray, reference: FloatArray | None) -> tuple[str, float, float]:
    if reference is None:
        return model, float("nan"), float("nan")
    both = np.isfinite(loss) & np.isfinite(reference)
    if not both.any():
        return model, float("nan"), float("nan")
    gain = skill(float(loss[both].mean()), float(reference[both].mean()))
    return model, gain, t_statistic((reference - loss)[both], 2)
