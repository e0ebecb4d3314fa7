from dataclasses import replace

import numpy as np
import pytest

from cryptoviz.forecasting.variance import LEADER_WINDOWS, REGRESSORS, variance_inputs

LEADER = slice(REGRESSORS.index("leader_1h"), REGRESSORS.index("leader_1h") + len(LEADER_WINDOWS))
OWN = [REGRESSORS.index(f"log_variance_{hours}h") for hours in LEADER_WINDOWS]
LAST = 899


@pytest.fixture
def panel(make_panel):
    """Three markets; the second trades by far the most, then the third."""
    panel = make_panel(LAST + 1, markets=3)
    return replace(panel, volume=panel.volume * np.array([1.0, 1000.0, 100.0]))


def without_bars(panel, rows, market):
    close = panel.close.copy()
    close[rows, market] = np.nan
    return replace(panel, close=close)


def test_every_market_reads_the_variance_of_the_one_that_trades_most(panel):
    values = variance_inputs(panel).values[LAST]
    np.testing.assert_array_equal(values[:, LEADER], np.tile(values[1, OWN], (3, 1)))


def test_without_a_candle_of_the_leader_the_next_one_leads(panel):
    values = variance_inputs(without_bars(panel, slice(LAST, None), 1)).values[LAST]
    assert np.isfinite(values[[0, 2]]).all()
    np.testing.assert_array_equal(values[[0, 2], LEADER], np.tile(values[2, OWN], (2, 1)))


def test_a_market_does_not_lead_before_it_has_a_history(panel):
    values = variance_inputs(without_bars(panel, slice(0, LAST - 40), 1)).values[LAST]
    assert np.isfinite(values[[0, 2]]).all()
    np.testing.assert_array_equal(values[[0, 2], LEADER], np.tile(values[2, OWN], (2, 1)))


def test_one_market_alone_leads_itself(panel):
    values = variance_inputs(panel.only(panel.markets[:1])).values[LAST, 0]
    np.testing.assert_array_equal(values[LEADER], values[OWN])


def test_later_candles_change_no_row(panel):
    later = replace(panel, volume=panel.volume.copy(), high=panel.high.copy())
    later.volume[800:, 0] *= 1e9
    later.high[800:, 0] *= 9
    np.testing.assert_array_equal(variance_inputs(later).values[:800], variance_inputs(panel).values[:800])
