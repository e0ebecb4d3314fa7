import json
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from cryptoviz.forecasting.candle_file import read_candle_file
from cryptoviz.forecasting.evaluation.report import evaluate, render
from cryptoviz.forecasting.evaluation.tables import NO_SKILL, interval_table, point_table, verdict
from cryptoviz.forecasting.evaluation.variance_tables import parts_table, variance_losses, volatility_table
from cryptoviz.forecasting.evaluation.walk_forward import HistoryTooShort, Plan, walk_forward
from cryptoviz.forecasting.lstm import WEIGHTS
from cryptoviz.forecasting.lstm_training import TrainingPlan, train_on_history

PLAN = Plan(train_days=60, first_train_days=60, refit_days=30, horizons=(1, 24))
SHAPES = [(8, 200), (50, 200), (200,), (50, 100), (25, 100), (100,), (25, 24), (24,)]
DAYS = 240


def zero_weights():
    return {name: np.zeros(shape, np.float32) for name, shape in zip(WEIGHTS, SHAPES, strict=True)}


class RecordingTrainer:
    """Notes what it was given and trains nothing."""

    def __init__(self):
        self.rows = []

    def __call__(self, _features, _returns, rows, _number):
        self.rows.append(rows)
        return zero_weights()


def find(rows, **wanted):
    return next(row for row in rows if all(row[name] == value for name, value in wanted.items()))


def variance_rows(walk):
    return volatility_table(walk, variance_losses(walk))


@pytest.fixture(scope="module")
def panel(make_panel):
    return make_panel(DAYS * 24)


@pytest.fixture(scope="module")
def walk(panel):
    return walk_forward(panel, PLAN, RecordingTrainer())


def test_training_ends_a_day_before_what_it_forecasts(panel):
    trainer = RecordingTrainer()
    walk_forward(panel, PLAN, trainer)
    starts = range(60 * 24, DAYS * 24, 30 * 24)
    assert [rows.stop for rows in trainer.rows] == [start - 24 for start in starts]
    assert all(len(rows) <= 60 * 24 for rows in trainer.rows)


def test_later_candles_change_no_forecast_before_them(panel, walk):
    row = 120 * 24 + 1  # the first forecast of a fit has been issued
    arrays = {n: getattr(panel, n).copy() for n in ("open", "high", "low", "close", "volume")}
    for values in arrays.values():
        values[row:] *= 1e4
    other = walk_forward(replace(panel, **arrays), PLAN, RecordingTrainer())
    for said, then in ((walk.means, other.means), (walk.variances, other.variances)):
        for model, forecast in said.items():
            np.testing.assert_array_equal(forecast[:row], then[model][:row], err_msg=model)


def test_on_a_random_walk_nothing_has_skill_in_the_price(walk):
    rows = point_table(walk)
    assert {row["verdict"] for row in rows} <= {"", NO_SKILL, "worse than last price"}
    assert find(rows, model="lstm", horizon=24)["rmse_ratio"] == pytest.approx(1)
    assert find(rows, model="seasonal_naive", horizon=1)["rmse_ratio"] > 3


def test_a_return_that_can_be_known_shows_as_skill(make_panel):
    panel = make_panel(400 * 24, memory=0.5)
    walk = walk_forward(panel, PLAN)
    knowing = 0.5 * walk.inputs.returns[..., None] * np.array([1.0, 0.0])
    rows = point_table(replace(walk, means={**walk.means, "knowing": knowing}))
    assert find(rows, model="knowing", horizon=1)["verdict"] == "skill over last price"
    assert find(rows, model="knowing", horizon=24)["verdict"] == NO_SKILL


@pytest.mark.parametrize(
    ("t", "days", "said"), [(9.0, 100, NO_SKILL), (2.9, 999, NO_SKILL), (-5, 999, "worse than last price")]
)
def test_skill_is_claimed_only_with_evidence(t, days, said):
    assert verdict(t, days=days) == said


def test_the_regression_that_knows_the_shape_of_the_day_beats_those_that_do_not(walk):
    rows = variance_rows(walk)
    for model in ("last_24h", "ewma", "garch", "har"):
        assert find(rows, model="vol_harx", horizon=1)["qlike"] < find(rows, model=model, horizon=1)["qlike"]


def test_the_variance_in_parts_is_that_of_the_whole(walk):
    over_new_year = replace(walk, panel=replace(walk.panel, hours=walk.panel.hours + 150 * 24))
    losses = variance_losses(over_new_year)
    whole = find(volatility_table(over_new_year, losses), model="vol_harx", horizon=24)
    rows = parts_table(over_new_year, losses)
    years = [row for row in rows if row["part"].isdigit()]
    markets = {row["part"]: row["qlike"] for row in rows if not row["part"].isdigit()}
    assert [row["part"] for row in years] == ["2027", "2028"]
    assert markets == pytest.approx(whole["by_market"])
    assert sum(row["origins"] for row in years) == whole["origins"]
    mean = sum(row["qlike"] * row["origins"] for row in years) / whole["origins"]
    assert mean == pytest.approx(whole["qlike"])


def test_intervals_hold_what_they_promise(walk):
    row = find(interval_table(walk), method="vol_harx + tracker", horizon=1)
    assert abs(row["coverage_80"] - 0.8) < 0.02
    assert abs(row["coverage_95"] - 0.95) < 0.01


def test_a_short_history_is_refused(make_panel):
    with pytest.raises(HistoryTooShort, match="an evaluation needs 90"):
        walk_forward(make_panel(50 * 24), PLAN)


def test_the_report_is_text_for_people_and_json_for_programs(panel):
    evaluation = evaluate(panel, PLAN)
    text = render(evaluation)
    assert NO_SKILL in text
    assert "2 markets" in text
    as_dict = json.loads(json.dumps(evaluation.as_dict(), allow_nan=False))
    assert {"points", "volatility", "intervals"} <= set(as_dict)


@pytest.mark.parametrize("standing", [(1,), (0, 1)], ids=["one market", "all markets"])
def test_a_price_that_never_moves_has_no_score_and_spoils_no_other(panel, standing):
    arrays = {name: getattr(panel, name).copy() for name in ("open", "high", "low", "close")}
    for values in arrays.values():
        values[:, standing] = 5.0
    walk = walk_forward(replace(panel, **arrays), PLAN)
    variance = find(variance_rows(walk), model="vol_harx", horizon=24)
    is_scored = [bool(np.isfinite(loss)) for loss in variance["by_market"].values()]
    assert is_scored == [number not in standing for number in range(2)]
    drift = find(point_table(walk), model="drift", horizon=24)
    assert np.isfinite(drift["rmse_ratio"]) == (standing != (0, 1))
    assert " nan" not in render(evaluate(replace(panel, **arrays), PLAN))


def test_without_any_volume_the_tables_are_whole(panel):
    rows = variance_rows(walk_forward(replace(panel, volume=np.zeros_like(panel.volume)), PLAN))
    assert np.isfinite(find(rows, model="vol_harx", horizon=24)["qlike"])


def test_hours_without_a_candle_are_told_and_not_scored(panel, walk):
    close = panel.close.copy()
    close[-100:-50, 0] = np.nan
    evaluation = evaluate(replace(panel, close=close), PLAN)
    assert f"{panel.markets[0]}: 50 hours without a usable candle" in render(evaluation)
    assert evaluation.as_dict()["absent_hours"] == {panel.markets[0]: 50}
    whole = find(point_table(walk), model="drift", horizon=1)["origins"]
    assert whole - find(evaluation.points, model="drift", horizon=1)["origins"] >= 50


@pytest.fixture(scope="module")
def real_history(recordings):
    return read_candle_file(next((recordings / "hourly_history").glob("*.parquet")))


def test_on_recorded_bitcoin_ether_and_solana_the_variance_beats_har_and_the_last_day(real_history):
    walk = walk_forward(real_history.only(("BTCUSDT", "ETHUSDT", "SOLUSDT")), Plan())
    rows = variance_rows(walk)
    row = find(rows, model="vol_harx", horizon=24)
    assert row["under_har"] >= 0.09
    assert row["under_last_24h"] >= 0.35
    assert find(rows, model="vol_harx", horizon=1)["under_har"] >= 0.03


def test_on_all_recorded_markets_the_variance_beats_har_and_the_last_day_in_every_year(real_history):
    walk = walk_forward(real_history, Plan(horizons=(1, 24)))
    losses = variance_losses(walk)
    row = find(volatility_table(walk, losses), model="vol_harx", horizon=24)
    assert row["under_har"] >= 0.05
    assert row["under_last_24h"] >= 0.28
    assert row["t_over_har"] > 3
    years = [row for row in parts_table(walk, losses) if row["part"].isdigit()]
    assert [row["part"] for row in years] == ["2022", "2023", "2024"]
    assert all(row["under_har"] > 0.04 for row in years)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
def test_on_recorded_prices_the_lstm_is_near_last_price_and_claims_no_skill(real_history):
    if find_spec("keras") is None:
        pytest.skip("Keras is not installed")
    trained = TrainingPlan(epochs=4, examples=20_000)

    def trainer(features, returns, rows, _number):
        return train_on_history(features, returns, rows=rows, plan=trained).weights

    panel = real_history.only(("BTCUSDT", "ETHUSDT", "SOLUSDT"))
    walk = walk_forward(panel, Plan(first_train_days=900, refit_days=500), trainer)
    for row in point_table(walk):
        if row["model"] == "lstm":
            assert row["rmse_ratio"] <= 1.02
            assert row["verdict"] == NO_SKILL


@pytest.mark.slow
def test_on_all_recorded_markets_intervals_hold_what_they_promise_over_the_last_year(real_history):
    rows = interval_table(walk_forward(real_history, Plan()))
    for horizon in (1, 6, 12, 24):
        row = find(rows, method="vol_harx + tracker", horizon=horizon)
        for name in ("coverage_80", "coverage_80_last_year"):
            assert abs(row[name] - 0.8) <= 0.01
        for name in ("coverage_95", "coverage_95_last_year"):
            assert abs(row[name] - 0.95) <= 0.005
        assert 0.75 <= row["coverage_80_after_shocks"] <= 0.86
        assert row["under_garch"] >= 0.01
