from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.metric_tables import HOURLY_CORRELATIONS, HOURLY_METRICS, HOURLY_QUOTES, MARKET_OVERVIEW
from cryptoviz.lake.tables import QUOTES
from cryptoviz.storage.hour_index import HourIndex
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster import followers
from cryptoviz_dagster.defs.market import metrics
from cryptoviz_dagster.folded_hours import Standing
from cryptoviz_dagster.followers import Followers, MadeHours


@pytest.fixture
def tick(definitions, instance):
    sensor = definitions.get_repository_def().get_sensor_def("hour_left_unfinished")

    def evaluate():
        resources = dict(definitions.resources or {})
        with dg.build_sensor_context(instance=instance, definitions=definitions, resources=resources) as context:
            return sensor.evaluate_tick(context)

    return evaluate


@pytest.fixture
def execute(definitions, instance):
    """Runs what was asked, and only the tables that were asked for."""
    job = definitions.resolve_job_def("hour")

    def run(request, **more):
        return job.execute_in_process(
            instance=instance,
            partition_key=request.partition_key,
            tags={**request.tags, "dagster/run_key": request.run_key},
            asset_selection=request.asset_selection,
            **more,
        )

    return run


def names(request):
    return [key.to_user_string() for key in request.asset_selection]


def test_hours_that_are_whole_ask_for_nothing(orchestra, writer, hour_of_trades, first, tick):
    for number in range(3):
        writer.commit(*hour_of_trades(first.next(number), 1 + 60 * number))
    orchestra.settle()
    assert tick().skip_message == "every hour has all its tables"


def test_a_table_that_failed_beside_the_metrics_is_asked_for_alone_until_it_is_there(
    orchestra, writer, hour_of_trades, first, tick, execute, lake, clock, monkeypatch
):
    def fail(*_):
        raise RuntimeError("no overview today")

    writer.commit(*hour_of_trades(first, 1))
    with monkeypatch.context() as patch:
        patch.setattr(metrics, "build_market_overview", fail)
        (request,) = orchestra.tick().run_requests
        assert not orchestra.run(request, raise_on_error=False).success
        assert first in lake.folded_hours()
        assert orchestra.tick().run_requests == []
        (again,) = tick().run_requests
        assert (again.partition_key, names(again)) == (first.key, ["market_overview"])
        assert not execute(again, raise_on_error=False).success
    clock.now = datetime.now(UTC)
    assert tick().run_requests == []
    clock.move(seconds=16)
    (once_more,) = tick().run_requests
    assert once_more.run_key == f"{again.run_key}#1"
    assert execute(once_more).success
    assert lake.rows(MARKET_OVERVIEW, first).height == 60
    assert tick().run_requests == []


def test_quotes_that_came_in_later_ask_for_the_tables_that_show_them(
    orchestra, writer, hour_of_trades, first, tick, location, clock
):
    writer.commit(*hour_of_trades(first, 1))
    orchestra.settle()
    HourIndex(Objects(location), QUOTES.name).publish({first: HourVersion(1, 7)}, now=clock())
    assert tick().run_requests == []
    clock.move(seconds=20)
    (request,) = tick().run_requests
    assert names(request) == ["market_overview", "hourly_quotes"]


def test_an_hour_in_progress_and_one_that_is_being_made_are_left_alone(
    orchestra, writer, hour_of_trades, first, tick, clock
):
    writer.commit(*hour_of_trades(first.next(10), 1, count=5))
    orchestra.settle()
    assert tick().run_requests == []


def test_a_new_process_knows_what_the_commits_say_and_does_not_guess_about_older_ones(
    orchestra, writer, hour_of_trades, first, lake, clock, monkeypatch
):
    for number in range(4):
        writer.commit(*hour_of_trades(first.next(number), 1 + 60 * number))
    orchestra.settle()
    monkeypatch.setattr(followers, "_FIRST_LOOK", 2)
    made = MadeHours(HOURLY_QUOTES, lake.location)
    assert sorted(made.read()) == [first, first.next()]
    assert Followers(lake.location).unfinished(dict(lake.folded_hours()), {}, now=clock()) == []


def test_metrics_of_other_candles_leave_the_tables_beside_them_unfinished(
    orchestra, writer, hour_of_trades, first, lake, clock
):
    writer.commit(*hour_of_trades(first, 1))
    orchestra.settle()
    other = Standing(version="9-0000000000000009", as_of=clock() + timedelta(1), is_open=False, is_blind=False)
    (left,) = Followers(lake.location).unfinished({first: other}, {}, now=clock())
    assert left.tables == (HOURLY_CORRELATIONS, MARKET_OVERVIEW)
    assert HOURLY_METRICS not in left.tables
