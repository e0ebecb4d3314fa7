"""Averages of an evaluation, over what is finite. Arrays begin with the axes (hours, markets)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cryptoviz.forecasting.panel import FloatArray

Row = Mapping[str, Any]
"""A line of a table."""


def by_market(values: FloatArray) -> FloatArray:
    """Mean over the hours, for each market; NaN where there is none."""
    finite = np.isfinite(values)
    total = np.where(finite, values, 0.0).sum(axis=0)
    mean: FloatArray = total / np.where(finite.any(axis=0), finite.sum(axis=0), np.nan)
    return mean


def by_hour(values: FloatArray) -> FloatArray:
    """Mean over the markets, for each hour."""
    return by_market(values.T)


def overall(values: FloatArray) -> float:
    """Mean of all; NaN without any."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def ratio(values: FloatArray, reference: FloatArray) -> FloatArray:
    """One over the other; NaN where the reference is 0 or unknown, as for a price that never moved."""
    known = reference > 0
    quotient: FloatArray = np.where(known, values / np.where(known, reference, 1.0), np.nan)
    return quotient


def furthest(values: FloatArray, reference: float = 0.0) -> float:
    """The finite value that lies furthest from the reference; NaN without any."""
    finite = values[np.isfinite(values)]
    return float(finite[np.argmax(np.abs(finite - reference))]) if finite.size else float("nan")
