from datetime import UTC, datetime, timedelta

import dagster as dg

from cryptoviz.lake.candle_tables import OHLC_1H, OHLC_1M
from cryptoviz.lake.tables import TRADES
from cryptoviz.settings import Settings
from cryptoviz.storage.frames import replace_partition
from cryptoviz_dagster.definitions import build_definitions
from cryptoviz_dagster.defs.market import sensors
from cryptoviz_dagster.defs.market.sensors import LongPoll
from cryptoviz_dagster.lake_reports import REPORTED
from cryptoviz_dagster.lanes import BACKLOG


def keys(result):
    return [request.run_key for request in result.run_requests]


def partitions(result):
    return [request.partition_key for request in result.run_requests]


def test_a_closed_hour_becomes_candles_by_one_run_and_then_there_is_peace(
    orchestra, writer, hour_of_trades, first, lake
):
    version = writer.commit(*hour_of_trades(first, 1))[first].digest
    assert orchestra.settle() == [f"trades:{first.key}@{version}"]
    assert lake.folded_hours()[first].version == version
    assert orchestra.tick().skip_message == "every hour stands on what the lake holds"


def test_late_trades_run_again_exactly_the_hours_they_touched(orchestra, writer, hour_of_trades, trade, first, clock):
    for number in range(3):
        writer.commit(*hour_of_trades(first.next(number), 1 + 60 * number))
    assert len(orchestra.settle()) == 3
    late = writer.commit(trade(1000, first.next().start + timedelta(seconds=30)))
    assert keys(orchestra.tick()) == []
    clock.move(seconds=20)
    assert orchestra.settle() == [f"trades:{first.next().key}@{late[first.next()].digest}"]


def test_publications_and_what_they_supersede_are_told_to_the_catalogue(
    orchestra, writer, hour_of_trades, trade, first, clock
):
    writer.commit(*hour_of_trades(first, 1))
    orchestra.settle()
    told = orchestra.instance.get_materialized_partitions
    assert told(dg.AssetKey("candle_publications")) == {"2026-11-10"}
    assert told(dg.AssetKey("candle_revisions")) == set()
    writer.commit(trade(1000, first.start + timedelta(seconds=30)))
    clock.move(seconds=20)
    orchestra.settle()
    assert told(dg.AssetKey("candle_revisions")) == {first.key}


def test_a_replay_and_a_compaction_run_nothing(orchestra, writer, hour_of_trades, first, clock):
    versions = writer.commit(*hour_of_trades(first, 1, count=30))
    versions |= writer.commit(*hour_of_trades(first, 31, count=30))
    clock.move(seconds=20)
    orchestra.settle()
    clock.move(minutes=5)
    writer.index.publish(versions, now=clock())
    writer.table.delta.optimize.compact()
    clock.move(minutes=5)
    assert keys(orchestra.tick()) == []


def test_compaction_of_the_candles_is_not_mistaken_for_a_fold(orchestra, writer, hour_of_trades, first, lake, location):
    writer.commit(*hour_of_trades(first, 1))
    orchestra.settle()
    before = dict(lake.folded_hours())
    replace_partition(OHLC_1H, location, first, lake.rows(OHLC_1H, first), {})
    assert lake.folded_hours() == before


def test_many_stale_hours_are_the_newest_alone_and_the_rest_in_one_run(orchestra, writer, hour_of_trades, first, lake):
    for number in range(9):
        writer.commit(*hour_of_trades(first.next(number), 1 + 60 * number))
    requests = orchestra.tick().run_requests
    assert [r.partition_key for r in requests] == [first.next(8).key, None]
    assert requests[1].tags["dagster/asset_partition_range_start"] == first.key
    assert requests[1].tags["dagster/asset_partition_range_end"] == first.next(7).key
    assert [set(BACKLOG) <= set(request.tags) for request in requests] == [False, True]
    assert len(orchestra.settle()) == 2
    assert len(lake.folded_hours()) == 9
    stored = orchestra.instance.get_materialized_partitions(dg.AssetKey(OHLC_1H.name))
    assert stored == {first.next(n).key for n in range(9)}


def test_an_hour_that_is_backfilled_in_two_batches_is_published_once(
    orchestra, writer, hour_of_trades, first, clock, lake
):
    writer.commit(*hour_of_trades(first, 1, count=20))
    writer.commit(*hour_of_trades(first, 21, count=20))
    assert keys(orchestra.tick()) == []
    clock.move(seconds=12)
    writer.commit(*hour_of_trades(first, 41, count=20))
    clock.move(seconds=19)
    assert keys(orchestra.tick()) == []
    clock.move(seconds=1)
    assert len(orchestra.settle()) == 1
    assert set(lake.rows(OHLC_1M, first)["revision"]) == {1}


def test_a_backfill_that_never_pauses_is_folded_after_five_minutes(orchestra, writer, hour_of_trades, first, clock):
    writer.commit(*hour_of_trades(first, 1, count=1))
    for number in range(30):
        writer.commit(*hour_of_trades(first, 2 + number, count=1))
        assert keys(orchestra.tick()) == []
        clock.move(seconds=10)
    writer.commit(*hour_of_trades(first, 40, count=1))
    assert partitions(orchestra.tick()) == [first.key]


def test_the_hour_in_progress_is_refreshed_while_it_runs_and_settled_when_it_ends(
    orchestra, writer, hour_of_trades, trade, first, clock, lake
):
    hour = first.next(10)
    writer.commit(*hour_of_trades(hour, 1, count=10))
    assert [key.endswith("/open") for key in orchestra.settle()] == [True]
    assert lake.rows(OHLC_1H, hour)["status"].to_list() == ["open"]
    writer.commit(trade(11, clock() - timedelta(seconds=1)))
    assert keys(orchestra.tick()) == []
    clock.move(minutes=2)
    assert [key.endswith("/open") for key in orchestra.settle()] == [True]
    clock.now = hour.end + timedelta(seconds=15)
    assert [key.endswith("/open") for key in orchestra.settle()] == [False]
    assert lake.rows(OHLC_1M, hour).height == 60
    assert "open" not in lake.rows(OHLC_1M, hour)["status"].to_list()


def test_a_quiet_end_of_an_hour_is_proven_once_the_next_hour_tells(
    orchestra, writer, hour_of_trades, first, clock, lake
):
    writer.commit(*hour_of_trades(first, 1, count=50))
    orchestra.settle()
    assert set(lake.rows(OHLC_1M, first)["status"][-10:]) == {"blind"}
    clock.move(minutes=6)
    writer.commit(*hour_of_trades(first.next(), 51))
    clock.move(minutes=1)
    assert len(orchestra.settle()) == 2
    assert set(lake.rows(OHLC_1M, first)["status"][-10:]) == {"quiet"}


def test_nothing_is_asked_twice_while_its_run_is_under_way(orchestra, writer, hour_of_trades, first):
    writer.commit(*hour_of_trades(first, 1))
    request = orchestra.tick().run_requests[0]
    orchestra.instance.create_run_for_job(orchestra.job, tags=dict(request.tags), status=dg.DagsterRunStatus.STARTED)
    assert keys(orchestra.tick()) == []


def test_a_failed_hour_is_asked_for_again_under_a_new_key_after_a_pause(
    orchestra, writer, hour_of_trades, first, clock
):
    version = writer.commit(*hour_of_trades(first, 1))[first].digest
    request = orchestra.tick().run_requests[0]
    orchestra.instance.create_run_for_job(orchestra.job, tags=dict(request.tags), status=dg.DagsterRunStatus.FAILURE)
    clock.now = datetime.now(UTC)
    assert keys(orchestra.tick()) == []
    clock.now = datetime.now(UTC) + timedelta(seconds=16)
    assert keys(orchestra.tick()) == [f"trades:{first.key}@{version}#1"]


def test_a_stretch_that_failed_is_asked_for_hour_by_hour(orchestra, writer, hour_of_trades, first):
    for number in range(8):
        writer.commit(*hour_of_trades(first.next(number), 1 + 60 * number))
    newest, stretch = orchestra.tick().run_requests
    orchestra.run(newest)
    orchestra.instance.create_run_for_job(orchestra.job, tags=dict(stretch.tags), status=dg.DagsterRunStatus.FAILURE)
    assert partitions(orchestra.tick()) == [first.next(n).key for n in (6, 5, 4, 3, 2, 1, 0)]


def test_a_tick_asks_for_a_bounded_number_of_runs(orchestra, writer, hour_of_trades, first, clock, monkeypatch):
    monkeypatch.setattr(sensors, "RUNS_AT_ONCE", 3)
    clock.now = first.next(240).start
    for number in range(0, 240, 12):
        writer.commit(*hour_of_trades(first.next(number), 1 + 60 * number, count=1))
    assert len(orchestra.tick().run_requests) == 3


def test_hours_before_the_lake_begins_are_never_asked_for(orchestra, writer, hour_of_trades, first):
    writer.commit(*hour_of_trades(first.next(-3), 1))
    assert keys(orchestra.tick()) == []
    assert not orchestra.instance.get_materialized_partitions(dg.AssetKey(TRADES.name))


def test_hours_of_the_lake_are_told_to_the_catalogue_once_a_version(
    orchestra, writer, hour_of_trades, trade, first, clock
):
    writer.commit(*hour_of_trades(first, 1))
    assert [event.partition for event in orchestra.tick().asset_events] == [first.key]
    assert orchestra.tick().asset_events == []
    late = writer.commit(trade(99, first.start))
    events = orchestra.tick().asset_events
    assert [event.tags["dagster/data_version"] for event in events] == [late[first].digest]


def test_old_hours_are_told_in_turns_as_soon_as_the_new_ones(orchestra, writer, hour_of_trades, first, clock):
    for day in range(4):
        writer.commit(*hour_of_trades(first.next(24 * day), 1 + 60 * day))
    clock.move(days=100)
    told = [{event.partition for event in orchestra.tick().asset_events} for _ in range(len(REPORTED) + 1)]
    assert set().union(*told) == {first.next(24 * day).key for day in range(4)}
    assert sum(map(len, told)) == 4


def test_the_hour_in_progress_is_told_at_most_once_a_refresh(orchestra, writer, hour_of_trades, trade, first, clock):
    hour = first.next(10)
    writer.commit(*hour_of_trades(hour, 1, count=5))
    assert len(orchestra.tick().asset_events) == 1
    writer.commit(trade(6, clock()))
    assert orchestra.tick().asset_events == []
    clock.move(minutes=2)
    assert len(orchestra.tick().asset_events) == 1


def test_a_tick_looks_on_until_something_is_stale(writer, hour_of_trades, first, lake, instance, tmp_path):
    looks = []

    def wait(seconds):
        looks.append(seconds)
        if len(looks) == 3:
            writer.commit(*hour_of_trades(first, 1))

    poll = LongPoll(total=timedelta(seconds=4), pause=timedelta(seconds=0.5), wait=wait)
    settings = Settings(home=tmp_path, store="local", start=first.start)
    definitions = build_definitions(settings, resources={"lake": lake}, poll=poll)
    sensor = definitions.get_repository_def().get_sensor_def("trades_hour_changed")
    with dg.build_sensor_context(instance=instance, definitions=definitions, resources={"lake": lake}) as context:
        result = sensor.evaluate_tick(context)
    assert partitions(result) == [first.key]
    assert looks == [0.5, 0.5, 0.5]
