from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg
import pytest

from cryptoviz_dagster.check_states import Told, changes

KEY = dg.AssetCheckKey(dg.AssetKey("ohlc_1m"), "truth")
NOW = datetime.now(UTC)


@pytest.fixture
def check(check_says):
    return partial(check_says, KEY)


def look(instance, told, limit=40):
    found = changes(instance, [KEY], told, now=NOW, limit=limit)
    return [(change.partition, "failed" if change.has_failed else "recovered") for change in found]


def test_a_failure_is_told_once_and_so_is_its_recovery(instance, check):
    told = Told()
    check("1", passed=True)
    assert look(instance, told) == []
    check("1", passed=False)
    assert look(instance, told) == [("1", "failed")]
    check("1", passed=False)
    assert look(instance, told) == []
    check("1", passed=True)
    assert look(instance, told) == [("1", "recovered")]
    assert look(instance, told) == []


def test_a_later_partition_that_passes_does_not_hide_an_earlier_one_that_fails(instance, check):
    told = Told()
    check("1", passed=False)
    check("2", passed=True)
    assert look(instance, told) == [("1", "failed")]
    assert told.failing == {"ohlc_1m:truth": ["1"]}


def test_a_check_that_failed_and_recovered_between_two_looks_is_no_news(instance, check):
    check("1", passed=False)
    check("1", passed=True)
    assert look(instance, Told()) == []


def test_a_lost_memory_tells_what_fails_once_more_and_nothing_else(instance, check):
    told = Told()
    check("1", passed=False)
    check("2", passed=False)
    look(instance, told)
    check("2", passed=True)
    look(instance, told)
    for lost in (Told(), Told.decode("not a cursor"), Told.decode(None)):
        assert look(instance, lost) == [("1", "failed")]
    assert look(instance, Told.decode(told.encode())) == []


def test_more_changes_than_fit_into_one_look_are_told_by_the_next_ones(instance, check):
    told, partitions = Told(), [str(n) for n in range(70)]
    for partition in partitions:
        check(partition, passed=False)
    looks = [look(instance, told, limit=30) for _ in range(4)]
    assert [len(found) for found in looks] == [30, 30, 10, 0]
    assert {partition for found in looks for partition, _ in found} == set(partitions)


def test_failures_behind_many_later_executions_are_found(instance, check):
    told = Told()
    look(instance, told)
    check("bad", passed=False)
    for n in range(120):
        check(str(n), passed=True)
    assert look(instance, told) == [("bad", "failed")]


def test_a_check_that_is_never_finished_does_not_hold_up_the_others(instance, check):
    told = Told()
    check("1", passed=True)
    look(instance, told)
    before = told.settled["ohlc_1m:truth"]
    check("2", passed=True)
    changes(instance, [KEY], told, now=NOW + timedelta(days=1), limit=40)
    assert told.settled["ohlc_1m:truth"] > before
