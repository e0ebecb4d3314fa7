from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.storage.hour_index import HourEntry
from cryptoviz_dagster.folded_hours import Standing
from cryptoviz_dagster.staleness import (
    Patience,
    Reason,
    StaleHour,
    plan_runs,
    stale_hours,
    with_empty_hours,
    without_final_candles,
)

H = Hour(datetime(2026, 11, 20, 8, tzinfo=UTC))
ONE, TWO = HourVersion(1, 1), HourVersion(2, 2)
PATIENCE = Patience(refresh=timedelta(minutes=2))
SECOND = timedelta(seconds=1)
LONG_AGO = H.next(-100)


def entry(version=ONE, changed=H.start):
    return HourEntry(version, changed)


def standing(version=ONE, as_of=H.end + 3 * SECOND, *, is_open=False, is_blind=False):
    return Standing(version=version.digest, as_of=as_of, is_open=is_open, is_blind=is_blind)


def reasons(trades, folded, now, first=LONG_AGO, waiting=None):
    latest = max(trades)
    stale = stale_hours(trades, folded, latest=latest, now=now, first=first, patience=PATIENCE, waiting=waiting)
    return {s.hour: s.reason for s in stale}


def stale(*numbers, version=ONE):
    return [StaleHour(hour=H.next(n), version=version, reason=Reason.CLOSED) for n in numbers]


def test_an_ended_hour_runs_at_once_when_trades_of_the_next_one_are_there():
    trades = {H: entry(), H.next(): entry()}
    assert H not in reasons(trades, {}, H.end + SECOND)
    assert reasons(trades, {}, H.end + 2 * SECOND)[H] is Reason.CLOSED


def test_an_ended_hour_runs_after_the_grace_when_nothing_follows():
    assert reasons({H: entry()}, {}, H.end + 14 * SECOND) == {}
    assert reasons({H: entry()}, {}, H.end + 15 * SECOND) == {H: Reason.CLOSED}


def test_an_hour_that_stands_on_its_trades_is_left_alone():
    assert reasons({H: entry()}, {H: standing()}, H.end + timedelta(days=1)) == {}


def test_a_provisional_hour_is_folded_again_when_it_has_ended_even_if_no_trade_came_since():
    provisional = standing(as_of=H.end - SECOND, is_open=True)
    assert reasons({H: entry()}, {H: provisional}, H.end + 15 * SECOND) == {H: Reason.CLOSED}


def test_late_trades_settle_before_the_hour_is_folded_again():
    changed = H.end + timedelta(hours=1)
    trades = {H: entry(TWO, changed)}
    folded = {H: standing(as_of=changed - SECOND)}
    assert reasons(trades, folded, changed + 19 * SECOND) == {}
    assert reasons(trades, folded, changed + 20 * SECOND) == {H: Reason.LATE}


def test_late_trades_that_never_settle_do_not_starve_the_hour():
    now = H.end + timedelta(minutes=10)
    trades = {H: entry(TWO, now - SECOND)}
    assert reasons(trades, {H: standing(as_of=now - timedelta(minutes=6))}, now) == {H: Reason.LATE}
    assert reasons(trades, {H: standing(as_of=now - timedelta(minutes=4))}, now) == {}


def test_an_hour_that_is_being_backfilled_waits_until_nothing_more_comes_in():
    changed = H.end + timedelta(minutes=40)
    trades = {H: entry(ONE, changed), H.next(): entry()}
    assert H not in reasons(trades, {}, changed + 19 * SECOND)
    assert reasons(trades, {}, changed + 20 * SECOND)[H] is Reason.CLOSED
    provisional = standing(as_of=H.end - SECOND, is_open=True)
    assert H not in reasons(trades, {H: provisional}, changed + 19 * SECOND)


def test_a_backfill_that_never_ends_does_not_starve_its_hours():
    now = H.end + timedelta(minutes=40)
    trades, five_minutes = {H: entry(ONE, now - SECOND), H.next(): entry()}, timedelta(minutes=5)
    assert H not in reasons(trades, {}, now, waiting={H: now - five_minutes + SECOND})
    assert reasons(trades, {}, now, waiting={H: now - five_minutes})[H] is Reason.CLOSED


def test_an_hour_that_has_just_ended_never_waits_for_a_backfill():
    now = H.end + 59 * SECOND
    assert reasons({H: entry(ONE, now), H.next(): entry()}, {}, now)[H] is Reason.CLOSED


def test_only_hours_without_final_candles_wait_and_each_since_it_was_first_seen():
    inputs = {H.next(n): entry() for n in range(3)}
    folded = {H: standing(), H.next(): standing(is_open=True)}
    known = {H: H.start, H.next(): H.start}
    assert without_final_candles(inputs, folded, known, H.end) == {H.next(): H.start, H.next(2): H.end}


def test_the_hour_in_progress_is_folded_at_first_sight_and_then_every_refresh_if_it_changed():
    now = H.start + timedelta(minutes=30)
    assert reasons({H: entry()}, {}, now) == {H: Reason.OPEN}
    recent, old = now - timedelta(seconds=119), now - timedelta(seconds=120)
    assert reasons({H: entry(TWO)}, {H: standing(ONE, recent, is_open=True)}, now) == {}
    assert reasons({H: entry(TWO)}, {H: standing(ONE, old, is_open=True)}, now) == {H: Reason.OPEN}
    assert reasons({H: entry(ONE)}, {H: standing(ONE, old, is_open=True)}, now) == {}


def test_between_its_end_and_the_grace_an_hour_waits_for_its_last_trades():
    assert reasons({H: entry(TWO)}, {H: standing(ONE, H.start, is_open=True)}, H.end + 5 * SECOND) == {}


def test_hours_before_the_lake_begins_and_hours_to_come_are_not_asked_for():
    trades = {H.next(-1): entry(), H.next(5): entry()}
    assert reasons(trades, {}, H.end + timedelta(minutes=1), first=H) == {}


def test_a_blind_hour_is_looked_at_again_once_an_ended_neighbour_has_changed():
    now = H.end + timedelta(hours=2)
    folded = {H: standing(is_blind=True), H.next(): standing()}
    after = {H: entry(), H.next(): entry(changed=now - timedelta(minutes=1))}
    assert reasons(after, folded, now) == {H: Reason.EDGES}
    again = {**folded, H: standing(as_of=now, is_blind=True)}
    assert reasons(after, again, now + timedelta(minutes=1)) == {}


def test_a_blind_hour_asks_a_neighbour_in_progress_after_pauses_that_double():
    asked, as_of = [], H.end + 3 * SECOND
    for minute in range(1, 58):
        now = H.end + timedelta(minutes=minute)
        trades = {H: entry(), H.next(): entry(changed=now - SECOND)}
        folded = {H: standing(as_of=as_of, is_blind=True), H.next(): standing(as_of=now, is_open=True)}
        if H in reasons(trades, folded, now):
            asked, as_of = [*asked, minute], now
    assert asked == [3, 6, 12, 24, 48]


def test_a_blind_hour_without_news_beside_it_is_left_alone():
    trades = {H: entry(), H.next(): entry(changed=H.end)}
    folded = {H: standing(is_blind=True), H.next(): standing()}
    assert reasons(trades, folded, H.end + timedelta(days=9)) == {}


def test_the_newest_hour_runs_alone_and_long_stretches_of_older_ones_together():
    plan = plan_runs(stale(9, 8, 7, 6, 5, 4, 3, 1, 0))
    assert [[h.number - H.number for h in r.hours] for r in plan] == [[9], [3, 4, 5, 6, 7, 8], [1], [0]]
    assert [r.is_urgent for r in plan] == [True, False, False, False]


@given(st.sets(st.integers(0, 300)))
def test_every_stale_hour_is_in_exactly_one_run_and_no_run_is_too_long(numbers):
    plan = plan_runs(stale(*sorted(numbers, reverse=True)))
    assert sorted(h.number - H.number for r in plan for h in r.hours) == sorted(numbers)
    assert all(len(r.hours) <= 48 for r in plan)
    assert all([*map(Hour.next, r.hours[:-1])] == r.hours[1:] for r in plan)


def test_a_run_key_names_the_hours_and_what_they_are_folded_from():
    assert plan_runs(stale(0))[0].key == "trades:2026-11-20-08:00@1-0000000000000001"
    assert plan_runs(stale(0, version=TWO))[0].key == "trades:2026-11-20-08:00@2-0000000000000002"
    stretch = plan_runs(stale(6, 5, 4, 3, 2, 1, 0))[1]
    assert stretch.key == "trades:2026-11-20-08:00..2026-11-20-13:00@6-0000000000000006"


@pytest.mark.parametrize(
    ("reason", "beside", "suffix"),
    [(Reason.OPEN, HourVersion(), "/open"), (Reason.EDGES, TWO, "/beside@2-0000000000000002")],
)
def test_a_fold_for_another_reason_has_a_key_of_its_own(reason, beside, suffix):
    request = plan_runs([StaleHour(hour=H, version=ONE, reason=reason, beside=beside)])[0]
    assert request.key == "trades:2026-11-20-08:00@1-0000000000000001" + suffix


def test_hours_that_are_to_run_alone_split_a_stretch():
    plan = plan_runs(stale(*range(20, -1, -1)), alone={H.next(10)})
    assert [len(r.hours) for r in plan] == [1, 9, 1, 10]


def test_an_ended_hour_waits_for_the_kind_of_input_that_lags():
    trades = {H: entry(), H.next(): entry()}
    lagging = stale_hours(trades, {}, latest=H, now=H.end + 2 * SECOND, first=LONG_AGO, patience=PATIENCE)
    assert H not in {s.hour for s in lagging}


def test_hours_without_input_between_others_are_folded_too_as_far_as_a_day():
    hours = with_empty_hours(
        {H: entry(), H.next(3): entry(), H.next(100): entry(), H.next(999): entry()}, H.next(200).end
    )
    assert [h.number - H.number for h in sorted(hours)] == [*range(28), 100, 999]
    assert reasons({H: entry(), H.next(3): entry()}, {}, H.next(9).end)[H.next(2)] is Reason.CLOSED


def test_an_hour_without_input_waits_until_the_history_before_it_has_stopped_coming():
    arrived = H.next(50).start
    trades = {H: entry(changed=arrived), H.next(40): entry()}
    folded = {H: standing(as_of=arrived), H.next(40): standing(as_of=arrived)}
    assert reasons(trades, folded, arrived + timedelta(minutes=4)) == {}
    later = reasons(trades, folded, arrived + timedelta(minutes=5))
    assert sorted(hour.number - H.number for hour in later) == [*range(1, 25)]
