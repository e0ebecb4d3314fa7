from datetime import timedelta

import dagster as dg
import polars as pl
import pytest

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.metric_tables import HOURLY_METRICS
from cryptoviz.storage.frames import replace_partition
from cryptoviz_dagster.defs.market.metric_sensor import stale_requests

HOURS = 4
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@pytest.fixture
def made(orchestra, writer, hour_of_trades, first, clock):
    """Four hours of trades, their candles and metrics made by the hour's own job, which takes the newest hour first."""
    clock.now = first.next(HOURS).start + timedelta(minutes=5)
    for number in range(HOURS):
        writer.commit(*hour_of_trades(first.next(number), 1 + 60 * number))
    orchestra.settle()
    return orchestra


@pytest.fixture
def tick(definitions, instance):
    sensor = definitions.get_repository_def().get_sensor_def("history_changed")

    def evaluate():
        resources = dict(definitions.resources or {})
        with dg.build_sensor_context(instance=instance, definitions=definitions, resources=resources) as context:
            return sensor.evaluate_tick(context)

    return evaluate


@pytest.fixture
def follow(tick, definitions, instance):
    """Ticks and runs what is asked until nothing is; the ranges that were asked for."""
    job = definitions.resolve_job_def("metrics")

    def run():
        asked = []
        while requests := tick().run_requests:
            for request in requests:
                tags = {**request.tags, "dagster/run_key": request.run_key}
                done = job.execute_in_process(instance=instance, partition_key=request.partition_key, tags=tags)
                assert done.success
                asked.append([request.partition_key or request.tags[tag] for tag in RANGE])
        return asked

    return run


def change_an_hour(lake, hour):
    """What a late trade does to the hourly candle."""
    candles = lake.rows(OHLC_1H, hour).with_columns(pl.col("close", "high") + 1)
    replace_partition(OHLC_1H, lake.location, hour, candles, {})


def test_hours_made_before_those_they_look_back_to_are_made_again(made, follow, tick, lake, first):
    hours = [first.next(number) for number in range(HOURS)]
    assert follow() == [[first.next(1).key, first.next(3).key]]
    assert [lake.rows(HOURLY_METRICS, hour)["hours"].to_list() for hour in hours] == [[1], [2], [3], [4]]
    assert "stand on the history" in tick().skip_message


def test_a_changed_hour_asks_for_those_that_look_back_to_it_and_then_there_is_peace(made, follow, lake, first):
    follow()
    before = lake.rows(HOURLY_METRICS, first.next(3))["history_version"].to_list()
    change_an_hour(lake, first.next(2))
    assert follow() == [[first.next(2).key, first.next(3).key]]
    assert lake.rows(HOURLY_METRICS, first.next(3))["history_version"].to_list() != before


def test_the_hour_in_progress_is_left_to_its_own_job(made, follow, lake, first, writer, trade):
    follow()
    writer.commit(trade(241, first.next(HOURS).start))
    made.settle()
    change_an_hour(lake, first.next(HOURS))
    assert stale_requests(lake) == []


def test_an_empty_lake_asks_for_nothing(lake):
    assert stale_requests(lake) == []
