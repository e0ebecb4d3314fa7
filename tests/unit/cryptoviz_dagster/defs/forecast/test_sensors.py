from datetime import UTC, datetime, timedelta

import dagster as dg
import polars as pl

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.forecast_tables import FORECAST_TABLES, PREDICTION_METRICS, PREDICTIONS
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.metric_tables import HOURLY_METRICS
from cryptoviz.lake.tables import KLINES
from cryptoviz.storage.frames import read_partition, replace_partition, scan
from cryptoviz.storage.hour_index import HourIndex
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.defs.forecast import scores
from cryptoviz_dagster.folded_hours import Standing


def asked(result):
    return [request.run_key.partition("@")[0] for request in result.run_requests]


def test_models_come_first_then_forecasts_and_then_it_is_quiet(forecasts, with_history):
    assert [key.partition("@")[0] for key in forecasts.settle()] == [
        "forecast_day:2026-10-31..2026-11-09",
        "forecast_week:2026-11-02",
        "forecast_hour:2026-11-10-00:00..2026-11-10-09:00",
    ]
    assert asked(forecasts.tick()) == []
    filled = {table.name for table in FORECAST_TABLES if scan(table, with_history).collect().height}
    assert filled == {table.name for table in FORECAST_TABLES} - {"prediction_performance"}


def test_a_new_sealed_hour_is_asked_for_alone(forecasts, with_history, first, clock):
    forecasts.settle()
    hour = first.next(10)
    publish(with_history, hour, next_hour(with_history, first.next(9)), is_open=True)
    assert asked(forecasts.tick()) == []
    publish(with_history, hour, next_hour(with_history, first.next(9)))
    clock.move(hours=1)
    assert asked(forecasts.tick()) == [f"forecast_hour:{hour.key}"]


def next_hour(location, hour):
    """Candles of the hour after, as those of the hour."""
    return read_partition(OHLC_1H, location, hour).with_columns(
        pl.col("window_start", "window_end") + timedelta(hours=1)
    )


def publish(location, hour, candles, *, rows=1, is_open=False):
    """Candles as the market's job leaves them: the last table of its chain says what they stand on."""
    replace_partition(OHLC_1H, location, hour, candles, {})
    version = HourVersion(rows, 7).digest
    standing = Standing(version=version, as_of=hour.end, is_open=is_open, is_blind=False)
    metrics = read_partition(HOURLY_METRICS, location, hour)
    replace_partition(HOURLY_METRICS, location, hour, metrics, standing.metadata(hour))


def test_candles_that_change_are_scored_again_and_the_forecasts_stay_as_issued(forecasts, with_history, first):
    forecasts.settle()
    hour = first.next(5)
    issued = read_partition(PREDICTIONS, with_history, hour)
    changed = read_partition(OHLC_1H, with_history, hour).with_columns(pl.col("high", "close") * 2)
    publish(with_history, hour, changed, rows=2)
    request = forecasts.tick().run_requests[0]
    assert request.asset_selection == [dg.AssetKey(PREDICTION_METRICS.name)]
    forecasts.run(request)
    truth = float(changed.filter(symbol="ETH-USDT")["close"][0])
    scored = read_partition(PREDICTION_METRICS, with_history, hour).filter(symbol="ETH-USDT")
    assert set(scored["actual_price"]) == {truth}
    assert read_partition(PREDICTIONS, with_history, hour).equals(issued)
    assert asked(forecasts.tick()) == []


def test_hours_wait_for_their_models_but_not_for_those_that_cannot_be_made(forecasts, with_history):
    request = forecasts.tick().run_requests[0]
    assert request.job_name == "forecast_day"
    job = forecasts.definitions.resolve_job_def("forecast_day")
    forecasts.instance.create_run_for_job(job, tags=dict(request.tags), status=dg.DagsterRunStatus.FAILURE)
    again = forecasts.tick().run_requests
    assert {request.job_name for request in again} == set()
    week_failed = request.tags["cryptoviz/request"].replace(
        "forecast_day:2026-10-31..2026-11-09", "forecast_week:2026-11-02"
    )
    forecasts.instance.create_run_for_job(
        job, tags={"cryptoviz/request": week_failed}, status=dg.DagsterRunStatus.FAILURE
    )
    assert [request.job_name for request in forecasts.tick().run_requests] == ["forecast_hour"]


def test_champions_that_failed_beside_the_lstm_are_asked_for_again(forecasts, with_history, clock, monkeypatch):
    def fail(*_):
        raise RuntimeError("no champions today")

    forecasts.run(forecasts.tick().run_requests[0])
    week = next(one for one in forecasts.tick().run_requests if one.job_name == "forecast_week")
    with monkeypatch.context() as patch:
        patch.setattr(scores, "champion_rows", fail)
        assert not forecasts.run(week, raise_on_error=False).success
    clock.now = datetime.now(UTC) + timedelta(minutes=1)
    again = [one.run_key for one in forecasts.tick().run_requests if one.job_name == "forecast_week"]
    assert again == [f"{week.run_key}#1"]


def test_models_that_were_tried_before_their_history_came_are_made_again(forecasts, with_history, first):
    forecasts.settle()
    hours = {first.next(-n): HourVersion(4, n) for n in range(1, 25)}
    HourIndex(Objects(with_history), KLINES.name).publish(hours, now=first.start)
    assert asked(forecasts.tick())[0].startswith("forecast_day:2026-10-31..2026-11-09")


def test_nothing_is_asked_while_history_is_still_to_come(forecasts, location, first, clock):
    assert "still to come" in forecasts.tick().skip_message
    HourIndex(Objects(location), KLINES.name).publish({first.next(-1): HourVersion(1, 1)}, now=clock())
    assert asked(forecasts.tick()) == []
    clock.move(seconds=20)
    assert asked(forecasts.tick()) == ["forecast_day:2026-10-31..2026-11-09"]


def test_a_run_that_is_under_way_is_not_asked_for_twice(forecasts, with_history):
    request = forecasts.tick().run_requests[0]
    job = forecasts.definitions.resolve_job_def("forecast_day")
    forecasts.instance.create_run_for_job(job, tags=dict(request.tags), status=dg.DagsterRunStatus.STARTED)
    assert asked(forecasts.tick()) == []


def test_a_failed_run_is_not_asked_for_again_at_once(forecasts, with_history):
    request = forecasts.tick().run_requests[0]
    job = forecasts.definitions.resolve_job_def("forecast_day")
    forecasts.instance.create_run_for_job(job, tags=dict(request.tags), status=dg.DagsterRunStatus.FAILURE)
    assert not any(key.startswith("forecast_day") for key in asked(forecasts.tick()))
