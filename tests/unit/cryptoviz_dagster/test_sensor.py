from datetime import UTC, datetime, timedelta

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.storage.hour_index import HourEntry
from cryptoviz_dagster.defs.market.sensors import plan_runs, stale_hours

FIRST = Hour(datetime(2026, 11, 20, tzinfo=UTC))
REFRESH = timedelta(minutes=2)


def lake(*versions, changed=FIRST.start):
    return {FIRST.next(i): HourEntry(HourVersion(v, v), changed) for i, v in enumerate(versions)}


def stale(hours, folded, now, first=FIRST):
    return stale_hours(hours, folded, now, first=first, refresh=REFRESH)


def test_closed_hours_without_candles_are_wanted_newest_first():
    hours, now = lake(1, 2, 3), FIRST.next(3).start + timedelta(minutes=1)
    assert stale(hours, {}, now) == [FIRST.next(2), FIRST.next(1), FIRST]


def test_hours_whose_candles_stand_on_the_same_version_are_left_alone():
    hours, now = lake(1, 2), FIRST.next(5).start
    folded = {hour: entry.version.digest for hour, entry in hours.items()}
    assert stale(hours, folded, now) == []
    assert stale({**hours, **lake(9)}, folded, now) == [FIRST]


def test_late_data_waits_until_it_has_settled():
    now = FIRST.next(5).start
    hours = lake(2, changed=now - timedelta(seconds=5))
    assert stale(hours, {FIRST: "old"}, now) == []
    assert stale(hours, {FIRST: "old"}, now + timedelta(seconds=30)) == [FIRST]
    assert stale(hours, {}, now) == [FIRST]


def test_the_hour_in_progress_is_folded_at_the_clock_s_own_times():
    hours = lake(1)
    assert stale(hours, {}, FIRST.start + timedelta(minutes=4, seconds=1)) == [FIRST]
    assert stale(hours, {}, FIRST.start + timedelta(minutes=5, seconds=1)) == []


def test_hours_before_the_lake_do_not_count():
    assert stale(lake(1, 2), {}, FIRST.next(5).start, first=FIRST.next(1)) == [FIRST.next(1)]


def test_the_newest_hour_runs_alone_and_long_stretches_run_together():
    hours = lake(*range(1, 12))
    runs = plan_runs(sorted(hours, reverse=True), hours)
    assert [len(run.hours) for run in runs] == [1, 10]
    assert runs[0].is_newest
    assert runs[0].run_key == f"trades:{FIRST.next(10).key}@{HourVersion(11, 11).digest}"


def test_scattered_hours_run_one_by_one_and_a_tick_asks_for_few():
    hours = lake(*range(1, 60))
    wanted = [hour for hour in sorted(hours, reverse=True) if hour.number % 2]
    runs = plan_runs(wanted, hours)
    assert {len(run.hours) for run in runs} == {1}
    assert len(runs) == 12


def test_another_version_is_another_run():
    one, other = lake(1), lake(2)
    assert plan_runs([FIRST], one)[0].run_key != plan_runs([FIRST], other)[0].run_key
