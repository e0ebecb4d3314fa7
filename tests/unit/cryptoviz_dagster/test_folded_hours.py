from datetime import UTC, datetime, timedelta

import pytest

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.ledger import HourVersion
from cryptoviz_dagster.folded_hours import FoldedHours, Standing


def facts(hours):
    return {hour: (s.version, s.is_open, s.is_blind) for hour, s in hours.items()}


@pytest.fixture
def three_hours(orchestra, writer, hour_of_trades, first, clock):
    """A whole hour, a blind one and the one in progress, with their versions."""
    versions = writer.commit(*hour_of_trades(first, 1), *hour_of_trades(first.next(3), 200, count=9))
    versions |= writer.commit(*hour_of_trades(first.next(10), 300, count=5))
    clock.move(minutes=5)
    orchestra.settle()
    return {hour: version.digest for hour, version in versions.items()}


def test_a_new_process_reads_from_the_log_what_the_old_one_saw_as_it_happened(three_hours, lake, location, first):
    expected = {
        first: (three_hours[first], False, False),
        first.next(3): (three_hours[first.next(3)], False, True),
        first.next(10): (three_hours[first.next(10)], True, False),
    }
    between = {first.next(n): (HourVersion().digest, False, True) for n in (1, 2, 4, 5, 6, 7, 8, 9)}
    assert facts(lake.folded_hours()) == expected | between
    assert facts(FoldedHours(OHLC_1H, location).read()) == expected | between


def test_what_a_new_process_takes_for_the_time_of_folding_is_not_too_late(three_hours, location):
    written = datetime.now(UTC)
    for standing in FoldedHours(OHLC_1H, location).read().values():
        assert written - timedelta(minutes=5) < standing.as_of < written - timedelta(seconds=50)


def test_a_table_without_candles_has_no_hours(location):
    assert FoldedHours(OHLC_1H, location).read() == {}


def test_a_commit_says_what_its_candles_stand_on(first, lake):
    standing = Standing(version="3-00", as_of=first.end, is_open=False, is_blind=True)
    assert Standing.from_commit(standing.metadata(first)) == (first, standing)
    assert Standing.from_commit({"operation": "OPTIMIZE"}) is None
