"""Forecasts: CPU seconds to issue 24 steps for many symbols, and to train the volatility model, in one run.

``./run bench forecasts`` (or ``python -m benchmarks.forecasts``). Candles are made up: random walks whose volatility
comes in waves. Threads count: the figure is CPU time of the process, not time that passed.
"""

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
    year = made_up_panel(7, 730 * 24)
    print(f"training on 730 days of 7 markets: {_cpu(lambda: _train(year)):.2f} CPU s")


if __name__ == "__main__":
    main()
