"""Forecasts: CPU seconds to issue 24 steps for many symbols, and to train the volatility model, in one run.

``./run bench forecasts`` (or ``python -m benchmarks.forecasts``). Candles are made up: random walks whose volatility
comes in waves. Threads count: the figure is CPU time of the process, not time that passed. It fails when 1,000 symbols
are not issued, or a market's volatility model not trained, within a second.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

from cryptoviz.forecasting.features import build_features
from cryptoviz.forecasting.issue import HISTORY, STEPS, Issue, Models, issue_forecasts
from cryptoviz.forecasting.lstm import UNITS, Weights
from cryptoviz.forecasting.panel import Panel
from cryptoviz.forecasting.regression import VolatilityModel, fit_volatility, normal_equations
from cryptoviz.forecasting.variance import log_variance_ahead, variance_inputs
from cryptoviz.lake.hours import Hour
from cryptoviz_dagster.transforms.predictions import prediction_rows

_REPEATS = 3
_FIRST = 500_000
_MOST_SECONDS = 1.0
_MARKETS = 28


def made_up_panel(symbols: int, hours: int) -> Panel:
    """Candles of random walks."""
    random = np.random.default_rng(7)
    scale = 0.005 * np.exp(random.normal(0, 0.4, (hours, symbols)))
    close = 100 * np.exp(np.cumsum(random.normal(0, 1, (hours, symbols)) * scale, axis=0))
    opened = np.concatenate([close[:1], close[:-1]])
    wick = np.exp(np.abs(random.normal(0, 1, (2, hours, symbols))) * scale)
    return Panel(
        hours=np.arange(_FIRST, _FIRST + hours),
        markets=tuple(f"venue:S{number}-USDT" for number in range(symbols)),
        open=opened,
        high=np.maximum(opened, close) * wick[0],
        low=np.minimum(opened, close) / wick[1],
        close=close,
        volume=random.lognormal(3, 1, (hours, symbols)),
    )


def _train(panel: Panel) -> VolatilityModel:
    inputs = variance_inputs(panel)
    targets = log_variance_ahead(inputs.variance, STEPS)
    sums = {
        market: normal_equations(inputs.values[:, column], inputs.week_hours, targets[:, column])
        for column, market in enumerate(panel.markets)
    }
    return fit_volatility(sums, STEPS)


def _network() -> Weights:
    random, (first, second) = np.random.default_rng(1), UNITS
    shapes = {
        "lstm_1/kernel": (8, 4 * first), "lstm_1/recurrent": (first, 4 * first), "lstm_1/bias": (4 * first,),
        "lstm_2/kernel": (first, 4 * second), "lstm_2/recurrent": (second, 4 * second), "lstm_2/bias": (4 * second,),
        "dense/kernel": (second, 24), "dense/bias": (24,),
    }  # fmt: skip
    return {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}


def _cpu(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(_REPEATS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def main() -> None:
    """Print the table."""
    model = _train(made_up_panel(7, 60 * 24))
    models = Models(volatility=model, volatility_version="v", lstm=_network(), lstm_version="v")
    hour = Hour.from_number(_FIRST + HISTORY - 1)
    print("symbols | issue CPU s | rows | to rows CPU s | LSTM features CPU s")
    for symbols in (10, 100, 1000):
        panel = made_up_panel(symbols, HISTORY)
        issued: list[Issue] = []
        issue = _cpu(lambda p=panel, to=issued: to.append(issue_forecasts(p, hour.number, models)))
        rows = _cpu(lambda to=issued: prediction_rows(to[0], hour))
        height = prediction_rows(issued[0], hour).height
        features = _cpu(lambda p=panel: build_features(p))
        print(f"{symbols} | {issue:.3f} | {height} | {rows:.3f} | {features:.3f}")
    if issue > _MOST_SECONDS:
        sys.exit(f"1,000 symbols took {issue:.2f} CPU s to issue, the limit is {_MOST_SECONDS}")
    two_years = made_up_panel(_MARKETS, 730 * 24)
    training = _cpu(lambda: _train(two_years))
    print(f"training on 730 days of {_MARKETS} markets: {training:.2f} CPU s, {training / _MARKETS:.3f} a market")
    if training > _MOST_SECONDS * _MARKETS:
        sys.exit(f"a market took {training / _MARKETS:.2f} CPU s to train, the limit is {_MOST_SECONDS}")


if __name__ == "__main__":
    main()
