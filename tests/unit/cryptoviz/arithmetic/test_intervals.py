from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoviz.arithmetic.fold import fold_candles
from cryptoviz.arithmetic.intervals import INTERVALS, UnknownInterval, interval_named
from cryptoviz.lake.candle_tables import OHLC_1M

INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
PAIRS = [(interval.name, source.value) for interval in INTERVALS.values() for source in interval.sources]
SHORT = ["3m", "30m", "2h", "6h"]


@settings(deadline=None)
@given(instant=INSTANTS, name=st.sampled_from(list(INTERVALS)))
def test_every_instant_is_in_one_window_and_the_engine_cuts_at_the_same_places(instant, name):
    interval = interval_named(name)
    start = interval.start_of(instant)
    end = interval.end_of(start)
    assert start <= instant < end
    assert (interval.start_of(start), interval.start_of(end)) == (start, end)
    row = pl.select(pl.lit(instant).cast(pl.Datetime("us", "UTC")).dt.truncate(interval.step).alias("start"))
    assert row.select("start", end=pl.col("start").dt.offset_by(interval.step)).row(0) == (start, end)


@settings(deadline=None)
@given(instant=INSTANTS, pair=st.sampled_from(PAIRS))
def test_a_window_is_made_of_whole_windows_of_each_source(instant, pair):
    interval, source = (interval_named(name) for name in pair)
    start = interval.start_of(instant)
    assert source.start_of(start) == start
    assert source.start_of(interval.end_of(start)) == interval.end_of(start)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("1s", "2026-11-20T08:31:07"),
        ("3m", "2026-11-20T08:30:00"),
        ("8h", "2026-11-20T08:00:00"),
        ("1w", "2026-11-16T00:00:00"),
        ("1M", "2026-11-01T00:00:00"),
    ],
)
def test_windows_begin_where_venues_begin_them(name, start):
    instant = datetime(2026, 11, 20, 8, 31, 7, 500, tzinfo=UTC)
    assert interval_named(name).start_of(instant) == datetime.fromisoformat(f"{start}+00:00")


def test_a_range_is_covered_by_whole_windows():
    day, week = datetime(2026, 11, 20, tzinfo=UTC), interval_named("1w")
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    assert week.covering(day, day + timedelta(days=3)) == (monday, monday + timedelta(days=7))
    assert week.covering(day, day + timedelta(days=3, microseconds=1)) == (monday, monday + timedelta(days=14))


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(closes=st.lists(st.integers(1, 10**9), min_size=60, max_size=60), name=st.sampled_from(SHORT))
def test_candles_are_the_same_from_every_source(make_candles, hour, closes, name):
    minutes, interval = make_candles(hour, *map(str, closes)), interval_named(name)
    sources = [fold_candles(minutes, interval=source.length) for source in interval.sources]
    folded = [fold_candles(source, interval=interval.step).select(OHLC_1M.column_names) for source in sources]
    assert all(candles.equals(folded[0]) for candles in folded)


def test_the_tables_are_read_as_they_are():
    tables = {i.name for i in INTERVALS.values() if any(not i.is_folded_from(source) for source in i.sources)}
    assert tables == {"1m", "5m", "15m", "1h", "4h", "1d"}


def test_an_interval_that_is_not_read_is_refused_with_those_that_are():
    with pytest.raises(UnknownInterval, match="1s, 1m"):
        interval_named("7m")
