from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.serving.intervals import INTERVALS

INSTANTS = st.integers(600_000_000, 2_900_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))


@given(instant=INSTANTS, name=st.sampled_from(list(INTERVALS)))
def test_a_window_starts_where_the_fold_truncates(instant, name):
    interval = INTERVALS[name]
    truncated = pl.Series([instant]).dt.cast_time_unit("us").dt.truncate(interval.step)[0]
    assert interval.start_of(instant) == truncated


@given(instant=INSTANTS, name=st.sampled_from(list(INTERVALS)))
def test_windows_follow_each_other_without_a_hole(instant, name):
    interval = INTERVALS[name]
    start = interval.start_of(instant)
    end = interval.end_of(start)
    assert start <= instant < end
    assert interval.start_of(end) == end
    assert interval.start_of(end - timedelta(microseconds=1)) == start


@pytest.mark.parametrize("interval", INTERVALS.values(), ids=INTERVALS)
def test_every_source_divides_the_interval(interval):
    assert all(interval.length % source.length == timedelta(0) for source in interval.sources)
