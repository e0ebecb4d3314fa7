from datetime import UTC, datetime, timedelta

import pytest

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.tables import TRADES
from cryptoviz.storage.live_files import LiveFile
from cryptoviz_dagster.defs.maintenance.storage_checks import BYTES_A_ROW, ROWS_THAT_COUNT, TENDED_AFTER, judge, usage

HOUR = Hour(datetime(2026, 11, 10, 0, tzinfo=UTC))


def a_file(name, rows, size):
    return LiveFile(path=name, rows=rows, size=size)


def test_hours_the_upkeep_has_not_had_time_for_are_not_counted():
    files = {HOUR: [a_file("a", 1, 1), a_file("b", 1, 1)], HOUR.next(30): [a_file("c", 1, 1), a_file("d", 1, 1)]}
    assert usage(files, HOUR.end + TENDED_AFTER).crowded == [HOUR.key]
    assert usage(files, HOUR.end + TENDED_AFTER - timedelta(seconds=1)).hours == 0


@pytest.mark.parametrize(
    ("rows", "bytes_a_row", "fits"),
    [
        (ROWS_THAT_COUNT, BYTES_A_ROW["trades"], True),
        (ROWS_THAT_COUNT, BYTES_A_ROW["trades"] + 1, False),
        (ROWS_THAT_COUNT - 1, BYTES_A_ROW["trades"] + 1, True),
    ],
)
def test_rows_over_their_bytes_are_warned_of_once_there_are_enough(rows, bytes_a_row, fits):
    used = usage({HOUR: [a_file("a", rows, rows * bytes_a_row)]}, HOUR.end + TENDED_AFTER)
    assert [result.passed for result in judge(TRADES, used)] == [True, fits]
