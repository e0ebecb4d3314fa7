from dataclasses import replace

import numpy as np
import pytest

from cryptoviz.forecasting.features import (
    FEATURES,
    SEQUENCE,
    build_features,
    garman_klass,
    input_windows,
    scaled_targets,
)
from cryptoviz.forecasting.panel import log_returns
from cryptoviz.forecasting.variance import HAR_COLUMNS, REGRESSORS, hours_of_week, variance_inputs
from cryptoviz.lake.forecast_tables import REGRESSOR_COLUMNS, SEQUENCE_COLUMNS


def corrupted_from(panel, row):
    """The panel with every candle from a row on made absurd."""
    arrays = {}
    for name in ("open", "high", "low", "close", "volume"):
        values = getattr(panel, name).copy()
        values[row:] *= 1e3 + np.arange(len(values) - row)[:, None]
        arrays[name] = values
    return replace(panel, **arrays)


def test_features_know_nothing_of_later_candles(make_panel):
    panel = make_panel(400)
    other = corrupted_from(panel, 300)
    for made in (build_features, variance_inputs):
        np.testing.assert_array_equal(made(panel).values[:300], made(other).values[:300])
        assert not np.array_equal(made(panel).values[300:], made(other).values[300:])


def test_features_do_not_depend_on_the_level_of_the_price(make_panel):
    panel = make_panel(300)
    dear = replace(panel, **{n: getattr(panel, n) * 1000 for n in ("open", "high", "low", "close")},
                   volume=panel.volume / 1000)  # fmt: skip
    np.testing.assert_allclose(build_features(dear).values, build_features(panel).values, atol=1e-6)
    np.testing.assert_allclose(variance_inputs(dear).values, variance_inputs(panel).values, atol=1e-6)


def test_a_gap_makes_the_rows_that_would_read_across_it_unusable(make_panel):
    panel = make_panel(300)
    close = panel.close.copy()
    close[200, 0] = np.nan
    features = build_features(replace(panel, close=close))
    assert np.isnan(features.values[200:202, 0]).all()
    assert np.isfinite(features.values[203:, 0]).all()
    assert np.isfinite(features.values[100:, 1]).all()


def test_windows_hold_the_twelve_hours_up_to_their_row(make_panel):
    features = build_features(make_panel(200))
    windows = input_windows(features, np.array([150, 160]), np.array([1, 0]))
    assert windows.shape == (2, SEQUENCE, len(FEATURES))
    np.testing.assert_array_equal(windows[0], features.values[139:151, 1].astype(np.float32))
    with pytest.raises(ValueError, match="cannot end at row 10"):
        input_windows(features, np.array([10]), np.array([0]))


def test_targets_are_returns_to_come_over_their_scale(make_panel):
    panel = make_panel(200)
    sigma = build_features(panel).sigma
    target = scaled_targets(log_returns(panel), sigma)[100, 0, 5]
    np.testing.assert_allclose(target, np.log(panel.close[106, 0] / panel.close[100, 0]) / sigma[100, 0] / 6**0.5, 1e-5)


def test_the_variance_of_an_hour_is_that_of_garman_and_klass(make_panel):
    panel = make_panel(3, markets=1)
    high, low, first, last = (getattr(panel, n)[1, 0] for n in ("high", "low", "open", "close"))
    expected = 0.5 * np.log(high / low) ** 2 - (2 * np.log(2) - 1) * np.log(last / first) ** 2
    np.testing.assert_allclose(garman_klass(panel)[1, 0], expected)


def test_hour_zero_of_the_week_is_monday_midnight():
    monday = 1_762_732_800 // 3600
    assert hours_of_week(np.array([monday, monday + 25, monday - 1])).tolist() == [0, 25, 167]


def test_the_contract_names_the_columns_that_models_read():
    assert ("constant", *REGRESSOR_COLUMNS) == REGRESSORS
    assert FEATURES == SEQUENCE_COLUMNS
    assert [REGRESSORS[place] for place in HAR_COLUMNS] == [f"log_variance_{h}h" for h in (1, 24, 168, 720)]
