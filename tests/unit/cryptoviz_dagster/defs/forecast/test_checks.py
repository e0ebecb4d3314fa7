"""Each check is shown a lake that is well, and the one lie it is there for."""

import shutil
from datetime import timedelta

import polars as pl
import pytest

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import (
    CALIBRATION,
    FUTURE_PREDICTIONS,
    PREDICTION_METRICS,
    PREDICTIONS,
    TRAINING_SET,
    VOL_MODEL,
)
from cryptoviz.storage.frames import read_partition, replace_partition
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.defs.forecast import hourly
from cryptoviz_dagster.defs.forecast.issue_checks import (
    excuse_of_models,
    impossible_forecasts,
    missing_models,
    not_the_issue,
    out_of_time,
    steps_off,
)
from cryptoviz_dagster.defs.forecast.model_checks import untrue_model, unusable_rows, unusable_widths
from cryptoviz_dagster.defs.forecast.score_checks import (
    champions_off,
    impossible_averages,
    not_as_issued,
    wrong_scores,
)
from cryptoviz_dagster.forecasts.model_store import ModelStore
from cryptoviz_dagster.transforms.performance import champion_rows, performance_rows
from cryptoviz_dagster.transforms.predictions import prediction_rows

YESTERDAY = Day.from_key("2026-11-09")
IS_FIRST = (pl.col("model") == "vol_harx") & (pl.col("symbol") == "ETH-USDT") & (pl.col("horizon") == 3)


def lie(frame, where=IS_FIRST, **columns):
    """The frame with other values in the rows that the condition holds for."""
    lies = [pl.when(where).then(value).otherwise(pl.col(name)).alias(name) for name, value in columns.items()]
    return frame.with_columns(lies)


@pytest.fixture(scope="module")
def issued_folder(issue_hours, tmp_path_factory):
    """The lake with models, six hours of forecasts and their scores."""
    return issue_hours(tmp_path_factory.mktemp("issued") / "lake", 6)


@pytest.fixture
def issued(issued_folder, location):
    shutil.copytree(issued_folder, location.uri)
    return location


@pytest.fixture
def predictions(issued, first):
    return read_partition(PREDICTIONS, issued, first)


@pytest.fixture
def candles(issued, first):
    return read_partition(OHLC_1H, issued, first)


@pytest.fixture
def scores(issued, first):
    return read_partition(PREDICTION_METRICS, issued, first.next(5))


def test_forecasts_as_they_are_issued_pass(predictions, candles, first):
    assert impossible_forecasts(predictions).is_empty()
    assert out_of_time(predictions, candles, first) == []
    assert steps_off(predictions, candles) == []


@pytest.mark.parametrize(
    "columns",
    [
        {"p10": pl.lit(float("nan"))},
        {"p97_5": pl.lit(float("inf"))},
        {"p90": None},
        {"p10": pl.col("p25") * 1.01},
        {"p02_5": -pl.col("p02_5")},
        {"volatility": pl.lit(-0.1)},
        {"predicted_price": pl.col("p75")},
        {"status": pl.lit("model_missing")},
    ],
)
def test_a_quantile_that_cannot_be_is_found(predictions, columns):
    found = impossible_forecasts(lie(predictions, **columns))
    assert found.select("model", "symbol", "horizon").rows() == [("vol_harx", "ETH-USDT", 3)]


def test_a_number_without_a_model_is_found(predictions):
    missing = (pl.col("model") == "lstm") & (pl.col("symbol") == "ETH-USDT") & (pl.col("horizon") == 1)
    assert impossible_forecasts(lie(predictions, missing, predicted_price=pl.col("last_price"))).height == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("issued_time", pl.col("issued_time") - timedelta(hours=1)),
        ("target_time", pl.col("target_time") + timedelta(hours=1)),
        ("last_price", pl.col("last_price") * 1.001),
        ("version", pl.lit("2026-11-10+abcdefabcdef")),
    ],
)
def test_a_forecast_that_knows_what_came_later_is_found(predictions, candles, first, name, value):
    (found,) = out_of_time(lie(predictions, **{name: value}), candles, first)
    assert found.startswith(f"{name}: ")


def test_a_step_that_is_missing_or_doubled_is_found(predictions, candles):
    assert len(steps_off(predictions.filter(~IS_FIRST), candles)) == 1
    assert len(steps_off(pl.concat([predictions, predictions.filter(IS_FIRST)]), candles)) == 1


def test_a_market_that_was_left_out_or_has_no_close_is_found(predictions, candles):
    is_market = pl.col("symbol") == "ETH-USDT"
    assert len(steps_off(predictions.filter(~is_market), candles)) == 7 * 24
    assert len(steps_off(predictions, candles.filter(~is_market))) == 7 * 24


def test_an_issue_that_is_mixed_or_changed_is_found(issued, lake, first):
    assert not_the_issue(lake, first) == []
    assert not_the_issue(lake, first.next(6)) == [f"hours ['{first.next(5).key}'] are shown"]
    shown = read_partition(FUTURE_PREDICTIONS, issued, first.next(5))
    replace_partition(FUTURE_PREDICTIONS, issued, first.next(5), lie(shown, p50=pl.col("p50") + 1), {})
    assert not_the_issue(lake, first) == [f"not the rows of {first.next(5).key}"]
    replace_partition(FUTURE_PREDICTIONS, issued, first, read_partition(PREDICTIONS, issued, first), {})
    assert not_the_issue(lake, first) == [f"hours {[first.key, first.next(5).key]} are shown"]


def test_a_model_that_nobody_made_is_missed_and_a_young_lake_is_excused(issued, lake, first):
    assert missing_models(lake, first) == ["lstm_model 2026-11-02: nobody has tried"]
    assert not excuse_of_models(lake, first)
    store = ModelStore(lake, VOL_MODEL)
    store.say_missing(YESTERDAY, "too_little_history", through=YESTERDAY.end, reason="few rows")
    assert not excuse_of_models(lake, first)


def test_scores_as_they_are_made_pass(scores, candles, issued, lake, first):
    assert wrong_scores(scores, read_partition(OHLC_1H, issued, first.next(5))) == []
    assert not_as_issued(lake, first.next(5)) == []


@pytest.mark.parametrize(
    ("fact", "columns"),
    [
        ("actual_price", {"actual_price": pl.col("actual_price") * 1.5}),
        ("absolute_error", {"absolute_error": pl.lit(0.0)}),
        ("squared_error", {"squared_error": pl.col("absolute_error")}),
        ("last_price_squared_error", {"last_price_squared_error": pl.lit(1.0)}),
        ("losses", {"crps_bps": pl.lit(float("nan"))}),
        ("qlike", {"qlike": pl.lit(float("inf"))}),
        ("intervals", {"is_in_50": pl.lit(True), "is_in_95": pl.lit(False)}),
        ("status", {"status": pl.lit("no_target")}),
    ],
)
def test_a_score_that_contradicts_its_prices_is_found(scores, issued, first, fact, columns):
    found = wrong_scores(lie(scores, **columns), read_partition(OHLC_1H, issued, first.next(5)))
    assert fact in {line.split(":")[0] for line in found}


def test_a_forecast_changed_after_its_issue_is_found_when_it_is_scored(issued, lake, first):
    better = lie(read_partition(PREDICTIONS, issued, first.next(2)), predicted_price=pl.col("p75"))
    replace_partition(PREDICTIONS, issued, first.next(2), better, {})
    found = not_as_issued(lake, first.next(5))
    assert [line.split(":")[0] for line in found] == ["due", "scored"]


def test_averages_that_no_scores_have_are_found(scores):
    rows = performance_rows(scores, Day.from_key("2026-11-10"))
    assert impossible_averages(rows).is_empty()
    for lies in ({"rmse": pl.lit(0.0)}, {"coverage_80": pl.lit(1.2)}, {"mae": pl.col("rmse") * 2}, {"forecasts": 0}):
        assert impossible_averages(lie(rows, **lies)).height == 1


def test_a_task_without_a_champion_or_with_two_is_found(scores):
    week = Day.from_key("2026-11-09")
    rows = champion_rows(scores, week)
    assert champions_off(rows, week) == []
    assert len(champions_off(rows.head(5), week)) == 1
    assert len(champions_off(pl.concat([rows, rows.head(1)]), week)) == 1
    assert len(champions_off(lie(rows, pl.col("task") == "price", challenger=pl.col("champion")), week)) == 3


def test_rows_that_nobody_can_learn_from_are_found(issued):
    rows = read_partition(TRAINING_SET, issued, YESTERDAY)
    assert unusable_rows(rows, YESTERDAY) == []
    one = pl.int_range(pl.len()) == 0
    assert len(unusable_rows(lie(rows, one, log_variance_6h=pl.lit(float("nan"))), YESTERDAY)) == 1
    assert len(unusable_rows(lie(rows, one, window_start=pl.lit(YESTERDAY.end)), YESTERDAY)) == 1


def test_widths_that_cannot_scale_an_interval_are_found(issued):
    rows = read_partition(CALIBRATION, issued, YESTERDAY)
    assert unusable_widths(rows) == []
    for lies in ({"width_80": None}, {"width_95": pl.lit(0.0)}, {"level": pl.lit(float("nan"))}):
        assert len(unusable_widths(lie(rows, **lies))) == 1
    assert len(unusable_widths(rows.filter(~IS_FIRST))) == 1


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("trained_through", pl.col("trained_through") + timedelta(days=1), "trained through 2026-11-11"),
        ("sha256", pl.lit("0" * 64), "of the hash 000"),
        ("card", pl.lit('{"loss": [NaN]}'), "loss: [nan]"),
        ("status", pl.lit("too_little_history"), "too_little_history, yet version"),
    ],
)
def test_a_model_that_is_not_what_its_row_says_is_found(issued, lake, name, value, words):
    assert untrue_model(lake, VOL_MODEL, YESTERDAY) == []
    row = lie(read_partition(VOL_MODEL, issued, YESTERDAY), pl.lit(True), **{name: value})
    replace_partition(VOL_MODEL, issued, YESTERDAY, row, {})
    assert words in " ".join(untrue_model(lake, VOL_MODEL, YESTERDAY))


def test_weights_that_were_damaged_are_found(issued, lake):
    Objects(issued).put(ModelStore(lake, VOL_MODEL).find(YESTERDAY).path, b"not what was trained")
    (found,) = untrue_model(lake, VOL_MODEL, YESTERDAY)
    assert "materialize vol_model of 2026-11-09 again" in found


def test_a_wrong_forecast_stops_what_follows_it_and_the_run_fails(forecasts, trained, first, monkeypatch):
    def crossed(issue, hour):
        return lie(prediction_rows(issue, hour), p10=pl.col("p90") * 1.1)

    monkeypatch.setattr(hourly, "prediction_rows", crossed)
    result = forecasts.make("forecast_hour", first.key, raise_on_error=False)
    assert not result.success
    failed = {e.check_name for e in result.get_asset_check_evaluations() if not e.passed}
    assert failed == {"quantiles_are_finite_and_in_order"} | {"models_are_there"}
    assert read_partition(FUTURE_PREDICTIONS, trained, first).is_empty()
