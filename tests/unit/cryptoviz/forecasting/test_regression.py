import numpy as np
import pytest

from cryptoviz.forecasting.lstm import WrongWeights
from cryptoviz.forecasting.model_file import decode_volatility, encode_volatility
from cryptoviz.forecasting.regression import NormalEquations, fit_har, fit_volatility, normal_equations
from cryptoviz.forecasting.variance import HAR_COLUMNS, REGRESSORS, WEEK_HOURS, log_variance_ahead, variance_inputs

HORIZONS = (1, 24)
DENSE = len(REGRESSORS)


def sums_of(panel, rows=slice(None)):
    inputs = variance_inputs(panel)
    targets = log_variance_ahead(inputs.variance, HORIZONS)
    hours = inputs.week_hours
    return {
        market: normal_equations(inputs.values[rows, column], hours[rows], targets[rows, column])
        for column, market in enumerate(panel.markets)
    }


def test_dummies_that_are_never_laid_out_give_the_equations_of_those_that_are(make_panel):
    panel = make_panel(900, markets=1)
    inputs = variance_inputs(panel)
    targets = log_variance_ahead(inputs.variance, HORIZONS)
    usable = np.isfinite(inputs.values[:, 0]).all(axis=1) & np.isfinite(targets[:, 0]).all(axis=1)
    x = np.concatenate([inputs.values[usable, 0], np.eye(WEEK_HOURS)[inputs.week_hours[usable]]], axis=1)
    found = sums_of(panel)[panel.markets[0]]
    np.testing.assert_allclose(found.squares, x.T @ x, atol=1e-8)
    np.testing.assert_allclose(found.products, x.T @ targets[usable, 0], atol=1e-8)
    assert found.rows == usable.sum()


def test_equations_of_stretches_add_up(make_panel):
    panel = make_panel(600, markets=1)
    market = panel.markets[0]
    parts = sums_of(panel, slice(0, 400))[market] + sums_of(panel, slice(400, None))[market]
    whole = sums_of(panel)[market]
    np.testing.assert_allclose(parts.squares, whole.squares)
    assert parts.rows == whole.rows


def test_without_data_the_forecast_is_the_weighted_average_of_past_variances():
    nothing = NormalEquations(np.zeros((DENSE + WEEK_HOURS,) * 2), np.zeros((DENSE + WEEK_HOURS, 2)), 0)
    model = fit_volatility({"m": nothing}, HORIZONS)
    row = np.zeros(DENSE)
    row[0], row[1:8] = 1.0, np.log(4e-5)
    np.testing.assert_allclose(np.exp(model.log_variance(row, np.array(3), "m")), [4e-5, 24 * 4e-5])


def test_the_shape_of_the_day_is_learnt(make_panel):
    panel = make_panel(60 * 24)
    model = fit_volatility(sums_of(panel), (1, 24))
    by_hour = model.pooled[DENSE:, 0].reshape(7, 24).mean(axis=0)
    assert abs(np.argmax(by_hour) - 6) <= 2
    assert abs(np.argmin(by_hour) - 18) <= 2


def test_a_market_with_little_of_its_own_stays_near_all_markets(make_panel):
    many, few = sums_of(make_panel(2000, markets=1)), sums_of(make_panel(160, markets=1, seed=5))
    model = fit_volatility({"many": many["binance:M0-USDT"], "few": few["binance:M0-USDT"]}, HORIZONS)
    row, hour = variance_inputs(make_panel(900, seed=9)).values[-1, 0], np.array(5)
    pooled = row @ model.pooled[:DENSE] + model.pooled[DENSE + 5]
    assert np.abs(model.log_variance(row, hour, "few") - pooled).max() < 0.3
    np.testing.assert_allclose(model.log_variance(row, hour, "unknown"), pooled)


def test_har_uses_its_four_windows_alone(make_panel):
    model = fit_har(sums_of(make_panel(1500)), HORIZONS)
    used = np.flatnonzero(np.abs(model.pooled).sum(axis=1))
    assert used.tolist() == [0, *HAR_COLUMNS]


def test_a_model_survives_its_file_and_the_same_model_has_the_same_bytes(make_panel):
    model = fit_volatility(sums_of(make_panel(800)), HORIZONS)
    payload = encode_volatility(model)
    again = decode_volatility(payload)
    assert encode_volatility(again) == payload
    assert (again.horizons, again.rows, set(again.own)) == (HORIZONS, model.rows, set(model.own))


@pytest.mark.parametrize("payload", [b"", b"nonsense" * 10])
def test_a_file_that_is_no_model_is_refused(payload):
    with pytest.raises(WrongWeights):
        decode_volatility(payload)


def test_coefficients_that_are_not_finite_are_refused(make_panel):
    model = fit_volatility(sums_of(make_panel(800)), HORIZONS)
    model.pooled[3, 0] = np.nan
    with pytest.raises(WrongWeights, match="pooled"):
        decode_volatility(encode_volatility(model))
