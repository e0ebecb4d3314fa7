from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cryptoviz.forecasting.panel import UnknownMarket, build_panel, forward_sum, log_returns, trailing_mean

START = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = int(START.timestamp()) // 3600
SERIES = arrays(float, st.tuples(st.integers(1, 40), st.just(1)), elements=st.one_of(st.floats(-9, 9), st.just(np.nan)))


def candle(hour, *, market="a", close="10", high="11", low="9", volume="1"):
    prices = {"open": Decimal(10), "high": Decimal(high), "low": Decimal(low), "close": Decimal(close)}
    start = START + timedelta(hours=hour)
    return {"market": market, "window_start": start, **prices, "volume": Decimal(volume)}


def panel_of(*rows):
    return build_panel(pl.DataFrame(list(rows)), first=FIRST, last=FIRST + 3)


def test_hours_without_a_candle_are_absent_and_nothing_is_filled_forward():
    panel = panel_of(candle(0), candle(2, close="9.5"))
    assert panel.close[:, 0].tolist()[::2] == [10, 9.5]
    assert panel.is_bar[:, 0].tolist() == [True, False, True]
    assert np.isnan(log_returns(panel)).all()


@pytest.mark.parametrize("values", [{"high": "9.9"}, {"low": "10.5"}, {"low": "0", "close": "0"}, {"volume": "-1"}])
def test_a_candle_that_cannot_be_counts_as_absent(values):
    assert panel_of(candle(0), candle(1, **values)).is_bar[:, 0].tolist() == [True, False, False]


def test_of_two_candles_of_an_hour_the_last_counts():
    assert panel_of(candle(0, close="9"), candle(0, close="10.5")).close[0, 0] == 10.5


def test_markets_are_chosen_and_ordered_by_name():
    panel = panel_of(candle(0, market="b"), candle(0, close="9.5"))
    assert panel.only(["b"]).markets == ("b",)
    assert panel.only(["b", "a"]).close[0].tolist() == [10, 9.5]
    with pytest.raises(UnknownMarket, match="no market c; there are a, b"):
        panel.only(["c"])


@given(SERIES, st.integers(1, 12), st.integers(1, 4))
def test_a_trailing_mean_is_that_of_the_finite_values_seen(values, width, least):
    found = trailing_mean(values, width, least=least)
    for row in range(len(values)):
        seen = values[max(0, row - width + 1) : row + 1, 0]
        seen = seen[np.isfinite(seen)]
        expected = seen.mean() if len(seen) >= least else np.nan
        np.testing.assert_allclose(found[row, 0], expected, atol=1e-9)


@given(SERIES, st.integers(1, 12))
def test_a_forward_sum_needs_every_hour_ahead(values, horizon):
    found = forward_sum(values, horizon)
    for row in range(len(values)):
        ahead = values[row + 1 : row + 1 + horizon, 0]
        expected = ahead.sum() if len(ahead) == horizon else np.nan
        np.testing.assert_allclose(found[row, 0], expected, atol=1e-9)
