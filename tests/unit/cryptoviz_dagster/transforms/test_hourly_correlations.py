import math
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import correlation

import pytest

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.tables import KLINES
from cryptoviz_dagster.transforms.history import account_for_hours, build_history
from cryptoviz_dagster.transforms.hourly_correlations import build_hourly_correlations

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def correlations(frame_of, make_candle):
    """Correlations of markets given by their prices up to the hour."""

    def make(**markets):
        rows = [
            make_candle(NOW - (len(prices) - 1 - n) * HOUR, price, symbol=f"{name}-USD")
            for name, prices in markets.items()
            for n, price in enumerate(prices)
        ]
        candles = frame_of(OHLC_1H, *rows)
        history = build_history(account_for_hours(candles, frame_of(KLINES)), hour=NOW)
        return build_hourly_correlations(candles, history, hour=NOW)

    return make


def walk(count, seed):
    steps = random.Random(seed)
    return [round(100 + sum(steps.gauss(0, 1) for _ in range(4)), 6) for _ in range(count)]


def returns(prices):
    return [math.log(b / a) for a, b in pairwise(prices)]


def by_window(frame):
    return {row["window_hours"]: row for row in frame.iter_rows(named=True)}


def test_it_is_pearsons_r_of_the_returns_of_the_window(correlations):
    a, b = walk(200, 1), walk(200, 2)
    rows = by_window(correlations(A=a, B=b))
    for window in (24, 168):
        expected = correlation(returns(a)[-window:], returns(b)[-window:])
        assert rows[window]["correlation"] == pytest.approx(expected)
        assert rows[window]["hours"] == window


def test_every_pair_is_a_row_once_also_without_history(correlations):
    rows = correlations(A=walk(30, 1), B=walk(30, 2), C=[5])
    assert rows.height == 2 * 3
    assert rows["correlation"].null_count() == 3 + 2
    assert set(rows.select("symbol", "other_symbol").iter_rows()) == {
        ("A-USD", "B-USD"), ("A-USD", "C-USD"), ("B-USD", "C-USD"),
    }  # fmt: skip


@pytest.mark.parametrize(("factor", "expected"), [(1.0, 1.0), (-1.0, -1.0)])
def test_markets_that_move_alike_or_against_each_other(correlations, factor, expected):
    steps = [random.Random(n).gauss(0, 0.01) for n in range(40)]
    paths = []
    for sign in (1.0, factor):
        total, path = 0.0, []
        for step in steps:
            total += sign * step
            path.append(round(1e6 * math.exp(total), 9))
        paths.append(path)
    assert by_window(correlations(A=paths[0], B=paths[1]))[24]["correlation"] == pytest.approx(expected)


def test_a_price_that_does_not_move_has_no_correlation(correlations):
    rows = by_window(correlations(A=walk(30, 1), B=[7] * 30))
    assert rows[24]["correlation"] is None
    assert rows[24]["hours"] == 24


def test_the_first_return_of_the_window_needs_the_price_before_it(correlations):
    assert by_window(correlations(A=walk(24, 1), B=walk(24, 2)))[24]["correlation"] is None
