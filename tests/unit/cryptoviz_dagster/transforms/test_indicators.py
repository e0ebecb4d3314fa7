import math
from itertools import pairwise
from statistics import fmean, pstdev

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from talipp.indicators import BB, MACD, RSI

from cryptoviz_dagster.transforms.indicators import (
    bollinger,
    ema,
    log_return,
    macd,
    momentum,
    percent_change,
    realised_volatility,
    rsi,
)

PRICE = pl.col("price")
A_PRICE = st.integers(100, 10**7).map(lambda n: n / 100)
LONG = st.lists(A_PRICE, min_size=40, max_size=120)
PRICES = st.one_of(st.lists(A_PRICE, min_size=1, max_size=40), LONG)

# StockCharts ChartSchool, "Relative Strength Index (RSI)", the spreadsheet of the article (QQQQ, December 2009).
RSI_CLOSES = [
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931, 46.0328, 45.6140,
    46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122,
]  # fmt: skip
RSI_VALUES = [70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93]
# StockCharts ChartSchool, "Moving Averages - Simple and Exponential", the 10-day example.
EMA_CLOSES = [
    22.27, 22.19, 22.08, 22.17, 22.18, 22.13, 22.23, 22.43, 22.24, 22.29, 22.15, 22.39, 22.38, 22.61, 23.36, 24.05,
    23.75, 23.83, 23.95, 23.63,
]  # fmt: skip
EMA_VALUES = [22.22, 22.21, 22.24, 22.27, 22.33, 22.52, 22.80, 22.97, 23.13, 23.28, 23.34]
# StockCharts ChartSchool, "Bollinger Bands", the spreadsheet of the article.
BAND_CLOSES = [
    86.16, 89.09, 88.78, 90.32, 89.07, 91.15, 89.44, 89.18, 86.93, 87.68, 86.96, 89.43, 89.32, 88.72, 87.45, 87.26,
    89.50, 87.90, 89.13, 90.70, 92.90,
]  # fmt: skip
BANDS = [(91.29, 88.71, 86.12), (91.95, 89.05, 86.14)]


def values(expression, prices):
    return pl.DataFrame({"price": prices}, schema={"price": pl.Float64}).select(expression).to_series().to_list()


def known(expression, prices):
    return [value for value in values(expression, prices) if value is not None]


def by_hand_average(series, period, weight):
    if len(series) < period:
        return []
    averages = [fmean(series[:period])]
    for value in series[period:]:
        averages.append(averages[-1] + weight * (value - averages[-1]))
    return averages


def close(ours, theirs):
    return len(ours) == len(theirs) and ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


def test_rsi_is_that_of_the_published_example():
    assert known(rsi(PRICE), RSI_CLOSES) == pytest.approx(RSI_VALUES, abs=0.01)


def test_ema_is_that_of_the_published_example():
    assert known(ema(PRICE, 10), EMA_CLOSES) == pytest.approx(EMA_VALUES, abs=0.01)


def test_bollinger_bands_are_those_of_the_published_example():
    bands = bollinger(PRICE)
    rows = zip(*(known(band, BAND_CLOSES) for band in (bands.upper, bands.middle, bands.lower)), strict=True)
    for row, published in zip(rows, BANDS, strict=True):
        assert row == pytest.approx(published, abs=0.01)


@settings(deadline=None)
@given(PRICES)
def test_averages_and_macd_are_what_a_hand_would_write(prices):
    fast, slow = (by_hand_average(prices, n, 2 / (n + 1)) for n in (12, 26))
    line = [f - s for f, s in zip(fast[14:], slow, strict=True)] if slow else []
    signal = by_hand_average(line, 9, 0.2)
    lines = macd(PRICE)
    assert close(known(ema(PRICE, 12), prices), fast)
    assert close(known(lines.line, prices), line)
    assert close(known(lines.signal, prices), signal)
    assert close(known(lines.histogram, prices), [m - s for m, s in zip(line[8:], signal, strict=True)])


@settings(deadline=None)
@given(PRICES)
def test_rsi_is_what_a_hand_would_write_and_null_while_nothing_moves(prices):
    changes = [b - a for a, b in pairwise(prices)]
    gains = by_hand_average([max(c, 0) for c in changes], 14, 1 / 14)
    losses = by_hand_average([max(-c, 0) for c in changes], 14, 1 / 14)
    expected = [100 * g / (g + x) if g + x > 0 else None for g, x in zip(gains, losses, strict=True)]
    found = values(rsi(PRICE), prices)
    assert found[:14] == [None] * min(14, len(prices))
    assert [v is None for v in found[14:]] == [v is None for v in expected]
    assert close([v for v in found if v is not None], [v for v in expected if v is not None])
    assert all(0 <= v <= 100 for v in found if v is not None)


@settings(deadline=None)
@given(PRICES)
def test_bands_are_the_mean_and_two_population_deviations(prices):
    windows = [prices[i - 19 : i + 1] for i in range(19, len(prices))]
    bands = bollinger(PRICE)
    assert known(bands.middle, prices) == pytest.approx([fmean(w) for w in windows])
    widths = [u - m for u, m in zip(known(bands.upper, prices), known(bands.middle, prices), strict=True)]
    assert widths == pytest.approx([2 * pstdev(w) for w in windows], rel=1e-6, abs=1e-3)


@settings(deadline=None)
@given(PRICES, st.integers(1, 30))
def test_changes_compare_with_the_price_so_many_rows_before(prices, period):
    pairs = list(zip(prices, prices[period:], strict=False))
    assert known(momentum(PRICE, period), prices) == [b - a for a, b in pairs]
    assert close(known(percent_change(PRICE, period), prices), [100 * (b / a - 1) for a, b in pairs])
    if period == 1:
        assert close(known(log_return(PRICE), prices), [math.log(b / a) for a, b in pairs])


@settings(deadline=None)
@given(PRICES)
def test_realised_volatility_is_the_root_of_the_sum_of_squared_returns(prices):
    returns = [math.log(b / a) for a, b in pairwise(prices)]
    windows = [returns[i - 23 : i + 1] for i in range(23, len(returns))]
    expected = [math.sqrt(sum(r * r for r in w)) for w in windows]
    assert known(realised_volatility(log_return(PRICE), 24), prices) == pytest.approx(expected, abs=1e-6)


@settings(deadline=None)
@given(PRICES, st.integers(0, 119))
def test_later_prices_change_nothing_before_them(prices, cut):
    assume(cut < len(prices))
    lines, bands = macd(PRICE), bollinger(PRICE)
    for expression in (rsi(PRICE), lines.signal, bands.upper, momentum(PRICE)):
        assert values(expression, prices)[:cut] == values(expression, prices[:cut])


@settings(deadline=None, max_examples=30)
@given(LONG)
def test_an_independent_library_gives_the_same(prices):
    assume(len(set(prices[:15])) > 1)
    lines, bands = macd(PRICE), bollinger(PRICE)
    others = [point for point in MACD(12, 26, 9, prices) if point is not None and point.signal is not None]
    assert close(known(lines.line, prices)[8:], [point.macd for point in others])
    assert close(known(lines.signal, prices), [point.signal for point in others])
    assert close(known(rsi(PRICE), prices), [value for value in RSI(14, prices) if value is not None])
    theirs = [(band.ub, band.cb, band.lb) for band in BB(20, 2, prices) if band is not None]
    for band, column in zip((bands.upper, bands.middle, bands.lower), zip(*theirs, strict=True), strict=True):
        assert known(band, prices) == pytest.approx(list(column), rel=1e-6, abs=1e-3)
