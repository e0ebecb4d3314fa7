import json
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load, save

from cryptoviz.forecasting.lstm_training import LossNotFinite
from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import (
    CALIBRATION,
    FUTURE_PREDICTIONS,
    LSTM_MODEL,
    PREDICTION_METRICS,
    PREDICTION_PERFORMANCE,
    PREDICTIONS,
    TRAINING_SET,
    VOL_MODEL,
)
from cryptoviz.lake.metric_tables import HOURLY_METRICS
from cryptoviz.storage.frames import open_table, read_partition, replace_partition, scan
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.defs.forecast import training
from cryptoviz_dagster.forecasts.model_store import ModelStore

YESTERDAY = Day.from_key("2026-11-09")
MODELS = {"last_price", "drift", "seasonal_naive", "ewma", "garch", "vol_harx", "lstm"}


def hours(first, count):
    return [first.next(n).key for n in range(count)]


def rows_of(table, location, hour):
    return read_partition(table, location, hour)


def data_of(location, table):
    """Hashes of the files of each partition of a table."""
    files = sorted(Path(uri.removeprefix("file://")) for uri in open_table(table, location).file_uris())
    return [(file.parent.relative_to(location.uri), sha256(file.read_bytes()).hexdigest()) for file in files]


def failure_of(result):
    failure = next(event.step_failure_data for event in result.all_events if event.is_step_failure)
    return f"{failure.error} {failure.user_failure_data}"


def test_an_hour_issues_24_steps_of_every_model_for_every_market(forecasts, trained, first):
    forecasts.make("forecast_hour", first.key)
    rows = rows_of(PREDICTIONS, trained, first)
    assert rows.height == 3 * len(MODELS) * 24
    assert set(rows["model"]) == MODELS
    assert (rows["issued_time"] == first.end).all()
    assert (rows["target_time"] - rows["issued_time"]).dt.total_hours().to_list() == rows["horizon"].to_list()
    issued = rows.filter(pl.col("model") != "lstm")
    assert set(issued["status"]) == {"issued"}
    prices = issued.select("p02_5", "p10", "p50", "p90", "p97_5").to_numpy()
    assert (np.diff(prices, axis=1) > 0).all()
    assert set(issued.filter(pl.col("model") == "vol_harx")["version"].str.head(10)) == {YESTERDAY.key}


def test_a_model_that_is_missing_shows_as_such_and_gives_no_number(forecasts, with_history, first):
    forecasts.make("forecast_hour", first.key)
    rows = rows_of(PREDICTIONS, with_history, first)
    for model in ("vol_harx", "lstm"):
        missing = rows.filter(pl.col("model") == model)
        assert set(missing["status"]) == {"model_missing"}
        assert missing["predicted_price"].null_count() == missing["p90"].null_count() == missing.height
    assert set(rows.filter(pl.col("model") == "last_price")["status"]) == {"issued"}


def test_hours_made_again_in_reverse_order_have_the_same_bytes(forecasts, trained, first):
    forecasts.make("forecast_hour", *hours(first, 6))
    before = data_of(trained, PREDICTIONS), data_of(trained, PREDICTION_METRICS)
    for key in reversed(hours(first, 6)):
        forecasts.make("forecast_hour", key)
    assert (data_of(trained, PREDICTIONS), data_of(trained, PREDICTION_METRICS)) == before


def test_days_made_again_in_reverse_order_have_the_same_bytes(forecasts, trained):
    tables = (TRAINING_SET, VOL_MODEL, CALIBRATION)
    before = [data_of(trained, table) for table in tables]
    for number in range(0, -4, -1):
        forecasts.make("forecast_day", YESTERDAY.next(number).key)
    assert [data_of(trained, table) for table in tables] == before


def test_candles_after_the_issue_change_no_byte_of_the_forecast(forecasts, trained, first):
    forecasts.make("forecast_hour", first.next(3).key)
    before = data_of(trained, PREDICTIONS)
    for number in range(4, 10):
        hour = first.next(number)
        absurd = rows_of(OHLC_1H, trained, hour).with_columns(pl.col("high", "close") * 1000)
        replace_partition(OHLC_1H, trained, hour, absurd, {})
    forecasts.make("forecast_hour", first.next(3).key)
    assert data_of(trained, PREDICTIONS) == before


def test_a_model_trained_later_is_never_used_for_an_earlier_hour(forecasts, trained, first, clock):
    clock.move(hours=24)
    forecasts.make("forecast_day", YESTERDAY.next().key)
    forecasts.make("forecast_hour", first.key)
    used = rows_of(PREDICTIONS, trained, first).filter(pl.col("model") == "vol_harx")["version"]
    assert set(used.str.head(10)) == {YESTERDAY.key}


def test_forecasts_are_scored_beside_last_price_when_their_hour_is_sealed(forecasts, trained, first):
    forecasts.make("forecast_hour", *hours(first, 6))
    target = first.next(5)
    rows = rows_of(PREDICTION_METRICS, trained, target)
    assert rows.height == 5 * 3 * len(MODELS)
    assert set(rows["horizon"]) == {1, 2, 3, 4, 5}
    close = {r["symbol"]: float(r["close"]) for r in rows_of(OHLC_1H, trained, target).iter_rows(named=True)}
    one = rows.filter(model="vol_harx", symbol="ETH-USDT", horizon=3).row(0, named=True)
    issued = rows_of(PREDICTIONS, trained, first.next(2)).filter(model="vol_harx", symbol="ETH-USDT", horizon=3)
    assert one["actual_price"] == close["ETH-USDT"]
    assert one["last_price"] == issued["last_price"][0]
    assert one["squared_error"] == pytest.approx((issued["predicted_price"][0] - close["ETH-USDT"]) ** 2)
    inside = issued["p10"][0] <= close["ETH-USDT"] <= issued["p90"][0]
    assert one["is_in_80"] == inside
    closes = [
        float(rows_of(OHLC_1H, trained, first.next(n)).filter(symbol="ETH-USDT")["close"][0]) for n in (2, 3, 4, 5)
    ]
    assert one["realised_variance"] == pytest.approx(np.sum(np.diff(np.log(closes)) ** 2))
    last_price = rows.filter(model="last_price")
    assert (last_price["squared_error"] == last_price["last_price_squared_error"]).all()
    assert rows.filter(model="lstm")["squared_error"].null_count() == 15


def test_a_market_without_a_close_in_the_target_hour_has_no_score(forecasts, trained, first):
    target = first.next(2)
    forecasts.make("forecast_hour", *hours(first, 2))
    quiet = rows_of(OHLC_1H, trained, target).with_columns(
        close=pl.when(pl.col("symbol") != "ETH-USDT").then(pl.col("close"))
    )
    replace_partition(OHLC_1H, trained, target, quiet, {})
    forecasts.make("forecast_hour", target.key)
    rows = rows_of(PREDICTION_METRICS, trained, target).filter(symbol="ETH-USDT")
    assert set(rows["status"]) == {"no_target"}
    assert rows["squared_error"].null_count() == rows["is_in_80"].null_count() == rows.height
    assert "ETH-USDT" not in set(rows_of(PREDICTIONS, trained, target)["symbol"])


def test_future_predictions_show_the_latest_issue_alone_whatever_is_made_again(forecasts, trained, first):
    forecasts.make("forecast_hour", *hours(first, 3))
    forecasts.make("forecast_hour", first.key)
    shown = scan(FUTURE_PREDICTIONS, trained).collect()
    assert set(shown["window_start"]) == {first.next(2).start}
    assert shown.height == rows_of(PREDICTIONS, trained, first.next(2)).height


def test_an_hour_in_progress_is_refused(forecasts, trained, first):
    result = forecasts.make("forecast_hour", first.next(10).key, raise_on_error=False)
    assert not result.success
    assert "forecasts are issued from closed hours only" in failure_of(result)


def test_an_hour_whose_candles_are_provisional_is_refused(forecasts, trained, first):
    hour = first.next(9)
    rows = rows_of(HOURLY_METRICS, trained, hour).with_columns(status=pl.lit("open"))
    replace_partition(HOURLY_METRICS, trained, hour, rows, {})
    result = forecasts.make("forecast_hour", hour.key, raise_on_error=False)
    assert "provisional" in failure_of(result)


def test_an_hour_without_any_candle_gives_no_forecast_and_fails_nothing(forecasts, location, first):
    assert forecasts.make("forecast_hour", first.key).success
    assert forecasts.make("forecast_day", YESTERDAY.key).success
    assert rows_of(PREDICTIONS, location, first).is_empty()
    assert scan(VOL_MODEL, location).collect()["status"].to_list() == ["too_little_history"]


def change(store, objects, stored):
    objects.put(stored.path, b"not what was trained")


def lose(store, objects, stored):
    objects.delete([stored.path])


def reshape(store, objects, stored):
    """Weights of a regression with other columns, stored as they should be."""
    shorter = {name: array[:-1] if array.ndim == 2 else array for name, array in load(store.weights(stored)).items()}
    store.save(stored.day, save(shorter), through=stored.day.end, examples=1, card={})


@pytest.mark.parametrize(
    ("damage", "message"),
    [(change, "have the hash"), (lose, "are gone"), (reshape, "have the shape")],
    ids=["changed", "gone", "of another shape"],
)
def test_weights_that_are_not_a_model_stop_the_hour_before_any_number(forecasts, trained, first, lake, damage, message):
    store = ModelStore(lake, VOL_MODEL)
    damage(store, Objects(trained), store.find(YESTERDAY))
    result = forecasts.make("forecast_hour", first.key, raise_on_error=False)
    assert message in failure_of(result)
    assert "materialize vol_model of 2026-11-09 again" in failure_of(result)
    assert rows_of(PREDICTIONS, trained, first).is_empty()


def test_a_model_has_a_card_that_says_what_it_is_for(trained):
    card = json.loads(Objects(trained).get(f"models/vol_model/{YESTERDAY.key}/card.json"))
    assert card["trained_through"] == "2026-11-10T00:00:00+00:00"
    assert card["skill"] == "volatility and intervals; none in the price"
    row = rows_of(VOL_MODEL, trained, YESTERDAY).row(0, named=True)
    assert (row["version"], row["sha256"]) == (card["version"], card["sha256"])


def test_training_whose_loss_is_not_finite_leaves_a_state_and_no_model(forecasts, trained, first, monkeypatch):
    def diverge(*_, **__):
        raise LossNotFinite("loss (nan,) after 1 epochs")

    monkeypatch.setattr(training, "run_apart", diverge)
    forecasts.make("forecast_week", "2026-11-02")
    row = rows_of(LSTM_MODEL, trained, Day.from_key("2026-11-02")).row(0, named=True)
    assert (row["status"], row["version"], row["path"]) == ("loss_not_finite", "", None)
    forecasts.make("forecast_hour", first.key)
    lstm = rows_of(PREDICTIONS, trained, first).filter(model="lstm")
    assert set(lstm["status"]) == {"model_missing"}
    assert lstm["predicted_price"].null_count() == lstm.height


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
def test_the_lstm_of_the_week_before_is_issued_with_the_interval_of_the_volatility_model(
    forecasts, trained, first, monkeypatch
):
    if find_spec("keras") is None:
        pytest.skip("Keras is not installed")
    monkeypatch.setattr(training, "TrainingPlan", lambda: training_plan(epochs=1, least_examples=100))
    forecasts.make("forecast_week", "2026-11-02")
    forecasts.make("forecast_hour", first.key)
    rows = rows_of(PREDICTIONS, trained, first)
    lstm, harx = rows.filter(model="lstm"), rows.filter(model="vol_harx")
    assert set(lstm["status"]) == {"issued"}
    assert set(lstm["version"].str.head(10)) == {"2026-11-02"}
    width = (pl.col("p90") / pl.col("p10")).log()
    np.testing.assert_allclose(lstm.select(width).to_numpy(), harx.select(width).to_numpy())


def training_plan(**values):
    from cryptoviz.forecasting.lstm_training import TrainingPlan  # noqa: PLC0415 - the name in the module is replaced

    return TrainingPlan(**values)


def test_a_day_of_scores_becomes_performance_with_a_verdict(forecasts, trained, first, clock):
    forecasts.make("forecast_hour", *hours(first, 10))
    clock.move(hours=24)
    forecasts.make("forecast_day", "2026-11-10")
    rows = rows_of(PREDICTION_PERFORMANCE, trained, Day.from_key("2026-11-10"))
    one = rows.filter(model="drift", symbol="BTC-USDT", horizon=2).row(0, named=True)
    metrics = scan(PREDICTION_METRICS, trained).filter(model="drift", symbol="BTC-USDT", horizon=2).collect()
    assert one["forecasts"] == metrics.height == 8
    assert one["rmse"] == pytest.approx(metrics["squared_error"].mean() ** 0.5)
    assert one["last_price_rmse"] == pytest.approx(metrics["last_price_squared_error"].mean() ** 0.5)
    assert one["verdict"] == "no measurable skill over last price"
    assert "lstm" not in set(rows["model"])


def test_the_page_shows_the_fan_and_scores_and_lies_in_the_lake(forecasts, trained, first):
    result = forecasts.make("forecast_hour", *hours(first, 6))
    page = Objects(trained).get("pages/forecasts/latest.html").decode()
    assert page == Objects(trained).get("pages/forecasts/2026-11-10.html").decode()
    for words in ("binance BTC-USDT, issued 2026-11-10 06:00", "share inside the interval", "RMSE over that of last"):
        assert words in page
    events = result.asset_materializations_for_node("forecast_evaluation")
    notes = next(event.metadata for event in events if event.partition == first.next(5).key)
    for name in ("coverage_over_time", "skill_by_horizon", "reliability", "variance_by_horizon"):
        assert notes[name].value.startswith(f"![{name.replace('_', ' ')}](data:image/svg+xml;base64,")


def test_an_older_hour_made_again_leaves_the_page_at_the_last_issue(forecasts, trained, first):
    forecasts.make("forecast_hour", *hours(first, 6))
    pages = [Objects(trained).get(f"pages/forecasts/{name}.html") for name in ("latest", "2026-11-10")]
    forecasts.make("forecast_hour", first.next(2).key)
    assert [Objects(trained).get(f"pages/forecasts/{name}.html") for name in ("latest", "2026-11-10")] == pages


def test_a_model_whose_numbers_are_not_finite_gives_no_forecast_that_anybody_sees(forecasts, trained, first, lake):
    store = ModelStore(lake, VOL_MODEL)
    weights = load(store.weights(store.find(YESTERDAY)))
    broken = save(
        {name: np.full_like(values, np.nan) if values.dtype.kind == "f" else values for name, values in weights.items()}
    )
    store.save(YESTERDAY, broken, through=YESTERDAY.end, examples=1, card={})
    result = forecasts.make("forecast_hour", first.key, raise_on_error=False)
    assert not result.success
    assert "not all finite" in failure_of(result)
    assert read_partition(FUTURE_PREDICTIONS, trained, first).is_empty()
    assert read_partition(PREDICTION_METRICS, trained, first).is_empty()


def test_a_key_within_an_hour_makes_the_hour_that_dagster_names_and_no_other(forecasts, trained, first):
    forecasts.make("forecast_hour", "2026-11-10-00:30")
    named = forecasts.instance.get_materialized_partitions(dg.AssetKey(PREDICTIONS.name))
    made = {hour.key for hour in map(first.next, range(10)) if rows_of(PREDICTIONS, trained, hour).height}
    assert named == made == {"2026-11-10-01:00"}


@pytest.mark.parametrize(
    ("job", "key"),
    [
        ("forecast_hour", "2026-11-10"),
        ("forecast_day", "2026-11-09-00:00"),
        ("forecast_day", "yesterday"),
        ("forecast_day", "2031-01-01"),
        ("forecast_week", "2026-11-03"),
        ("hour", "2026-11-09-23:00"),
        ("hour", "2031-01-01-00:00"),
    ],
)
def test_a_key_of_no_partition_is_refused_whatever_the_job(forecasts, with_history, job, key):
    with pytest.raises(dg.DagsterUnknownPartitionError):
        forecasts.make(job, key)
