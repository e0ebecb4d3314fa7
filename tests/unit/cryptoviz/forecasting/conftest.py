"""Panels of made-up candles."""

import numpy as np
import pytest

from cryptoviz.forecasting.panel import Panel

FIRST_HOUR = 500_016
"""A midnight, counted in hours since 1970."""


def made_up(hours: int, markets: int = 2, seed: int = 0, memory: float = 0.0) -> Panel:
    """Random walks whose volatility has a daily shape; ``memory`` makes returns follow those before them."""
    random = np.random.default_rng(seed)
    shape = 0.006 * (1.4 + np.sin(np.arange(hours) * 2 * np.pi / 24))[:, None]
    steps = random.normal(0, 1, (hours, markets)) * shape * np.exp(random.normal(0, 0.3, (hours, markets)))
    for row in range(1, hours):
        steps[row] += memory * steps[row - 1]
    close = 100 * np.exp(np.cumsum(steps, axis=0))
    opened = np.concatenate([close[:1], close[:-1]])
    wick = np.exp(np.abs(random.normal(0, 0.5, (2, hours, markets))) * shape)
    return Panel(
        hours=np.arange(FIRST_HOUR, FIRST_HOUR + hours),
        markets=tuple(f"binance:M{number}-USDT" for number in range(markets)),
        open=opened,
        high=np.maximum(opened, close) * wick[0],
        low=np.minimum(opened, close) / wick[1],
        close=close,
        volume=random.lognormal(3, 1, (hours, markets)),
    )


@pytest.fixture(scope="session")
def make_panel():
    return made_up
