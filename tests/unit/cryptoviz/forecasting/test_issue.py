from dataclasses import fields, replace

import numpy as np
import pytest

from cryptoviz.forecasting.calibration import GAUSSIAN
from cryptoviz.forecasting.issue import HISTORY, STEPS, Models, Status, Widths, issue_forecasts
from cryptoviz.forecasting.lstm import WEIGHTS
from cryptoviz.forecasting.regression import fit_volatility, normal_equations
from cryptoviz.forecasting.scoring import QUANTILES
from cryptoviz.forecasting.variance import log_variance_ahead, variance_inputs

MEDIAN = QUANTILES.index(0.5)
MODELS = ("last_price", "drift", "seasonal_naive", "ewma", "garch", "vol_harx", "lstm")


def models_for(panel):
    inputs = variance_inputs(panel)
    targets = log_variance_ahead(inputs.variance, STEPS)
    sums = {
        market: normal_equations(inputs.values[:, c], inputs.week_hours, targets[:, c])
        for c, market in enumerate(panel.markets)
    }
    random = np.random.default_rng(1)
    shapes = [(8, 200), (50, 200), (200,), (50, 100), (25, 100), (100,), (25, 24), (24,)]
    lstm = {n: random.normal(0, 0.1, s).astype(np.float32) for n, s in zip(WEIGHTS, shapes, strict=True)}
    widths = Widths(widths=np.tile(GAUSSIAN * 1.1, (24, 1)), level=np.full(24, 1.2))
    return Models(
        volatility=fit_volatility(sums, STEPS), volatility_version="v1", lstm=lstm, lstm_version="l1",
        widths=dict.fromkeys(panel.markets, widths),
    )  # fmt: skip


@pytest.fixture(scope="module")
def panel(make_panel):
    return make_panel(HISTORY + 60)


@pytest.fixture(scope="module")
def models(panel):
    return models_for(panel)


def hour_of(panel, row):
    return int(panel.hours[row])


def by_model(issue):
    return {forecast.model: forecast for forecast in issue.forecasts}


def bytes_of(issue):
    arrays = [issue.close, *(getattr(f, n) for f in issue.forecasts for n in ("mean", "volatility", "quantiles"))]
    return b"".join(array.tobytes() for array in arrays)


def test_every_model_is_issued_for_every_market_with_rising_quantiles(panel, models):
    issue = issue_forecasts(panel, hour_of(panel, HISTORY), models)
    assert tuple(by_model(issue)) == MODELS
    for forecast in issue.forecasts:
        assert set(forecast.status) == {Status.ISSUED}
        assert forecast.quantiles.shape == (2, 24, len(QUANTILES))
        assert (np.diff(forecast.quantiles, axis=-1) > 0).all()
        np.testing.assert_allclose(forecast.quantiles[..., MEDIAN], forecast.mean)


def test_candles_after_the_issue_change_no_byte_of_the_forecast(panel, models):
    row = HISTORY
    arrays = {}
    for field in fields(panel):
        values = getattr(panel, field.name)
        if field.name not in ("hours", "markets"):
            values = values.copy()
            values[row + 1 :] *= 1e6
        arrays[field.name] = values
    corrupted = replace(panel, **arrays)
    truth = issue_forecasts(panel, hour_of(panel, row), models)
    assert bytes_of(issue_forecasts(corrupted, hour_of(panel, row), models)) == bytes_of(truth)
    assert bytes_of(issue_forecasts(corrupted, hour_of(panel, row + 1), models)) != bytes_of(truth)


def test_a_longer_past_than_the_look_back_changes_no_byte(panel, models):
    row = HISTORY + 30
    short = panel.rows(row + 1 - HISTORY, row + 1)
    assert bytes_of(issue_forecasts(panel, hour_of(panel, row), models)) == bytes_of(
        issue_forecasts(short, hour_of(panel, row), models)
    )


def test_last_price_says_that_the_price_stays(panel, models):
    forecast = by_model(issue_forecasts(panel, hour_of(panel, HISTORY), models))["last_price"]
    assert (forecast.mean == 0).all()
    assert (np.diff(forecast.volatility, axis=1) > 0).all()


def test_the_seasonal_forecast_is_the_price_of_the_day_before(panel, models):
    row = HISTORY
    forecast = by_model(issue_forecasts(panel, hour_of(panel, row), models))["seasonal_naive"]
    expected = np.log(panel.close[row - 24 + 5] / panel.close[row])
    np.testing.assert_allclose(forecast.mean[:, 4], expected, atol=1e-12)


def test_calibration_widens_the_interval_and_its_level_the_volatility(panel, models):
    hour = hour_of(panel, HISTORY)
    plain = by_model(issue_forecasts(panel, hour, replace(models, widths={})))["vol_harx"]
    wide = by_model(issue_forecasts(panel, hour, models))["vol_harx"]
    assert set(plain.status) == {Status.UNCALIBRATED}
    np.testing.assert_allclose(wide.quantiles, 1.1 * plain.quantiles)
    np.testing.assert_allclose(wide.volatility, np.sqrt(1.2) * plain.volatility)


def test_without_models_their_rows_are_empty_and_the_baselines_are_issued(panel):
    issue = by_model(issue_forecasts(panel, hour_of(panel, HISTORY), Models()))
    for name in ("vol_harx", "lstm"):
        assert set(issue[name].status) == {Status.MODEL_MISSING}
        assert np.isnan(issue[name].quantiles).all()
    for name in MODELS[:5]:
        assert set(issue[name].status) == {Status.ISSUED}


@pytest.mark.parametrize(
    ("hours", "status"), [(12, Status.NOT_ENOUGH_HISTORY), (200, Status.COLD), (HISTORY, Status.ISSUED)]
)
def test_history_decides_the_rung_of_the_ladder(panel, models, hours, status):
    row = HISTORY + 20
    young = panel.rows(row + 1 - hours, row + 1)
    issue = by_model(issue_forecasts(young, hour_of(panel, row), models))
    assert set(issue["vol_harx"].status) == {status}
    is_empty = np.isnan(issue["vol_harx"].quantiles).all()
    assert is_empty == (status is Status.NOT_ENOUGH_HISTORY)
    assert np.isnan(issue["last_price"].quantiles).all() == is_empty


def test_a_cold_market_has_the_weighted_variance(panel, models):
    row = HISTORY + 20
    young = panel.rows(row + 1 - 200, row + 1)
    issue = by_model(issue_forecasts(young, hour_of(panel, row), models))
    np.testing.assert_allclose(issue["vol_harx"].volatility, issue["ewma"].volatility)


def test_a_market_without_a_candle_in_the_hour_is_left_out(panel, models):
    close = panel.close.copy()
    close[HISTORY, 0] = np.nan
    issue = issue_forecasts(replace(panel, close=close), hour_of(panel, HISTORY), models)
    assert issue.markets == panel.markets[1:]


@pytest.mark.parametrize("offset", [-5, 10_000])
def test_an_hour_outside_the_history_has_no_forecast(panel, models, offset):
    assert issue_forecasts(panel, hour_of(panel, 0) + offset, models).forecasts == ()


def test_a_market_that_the_model_never_saw_is_forecast_by_what_all_say(panel, models):
    stranger = replace(panel, markets=("kraken:NEW-USD", panel.markets[1]))
    issue = by_model(issue_forecasts(stranger, hour_of(panel, HISTORY), models))
    assert issue["vol_harx"].status == (Status.UNCALIBRATED, Status.ISSUED)
    assert np.isfinite(issue["vol_harx"].quantiles).all()


def test_a_price_that_never_moves_gives_no_wrong_number(panel, models):
    still = replace(panel, **{n: np.full_like(panel.close, 100.0) for n in ("open", "high", "low", "close")})
    for forecast in issue_forecasts(still, hour_of(panel, HISTORY), models).forecasts:
        for place, status in enumerate(forecast.status):
            finite = np.isfinite(forecast.quantiles[place]).all()
            assert finite == (status not in (Status.NOT_ENOUGH_HISTORY, Status.MODEL_MISSING))
