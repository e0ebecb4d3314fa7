from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoviz.arithmetic.fold import fold_candles
from cryptoviz.arithmetic.intervals import RECIPES, UnknownInterval, recipe_of
from cryptoviz.lake.candle_tables import OHLC_1M

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
FROM_TABLES = [name for name, recipe in RECIPES.items() if recipe.base is not None]
SHORT = ["3m", "30m", "2h", "6h"]


@settings(deadline=None)
@given(instant=INSTANTS, name=st.sampled_from(list(RECIPES)))
def test_every_instant_is_in_one_window_and_windows_follow_each_other(instant, name):
    recipe = recipe_of(name)
    start, end = recipe.window_of(instant)
    assert start <= instant < end
    assert recipe.window_of(start) == (start, end)
    assert recipe.window_of(end)[0] == end


@settings(deadline=None)
@given(instant=INSTANTS, name=st.sampled_from(FROM_TABLES))
def test_a_window_is_made_of_whole_windows_of_its_base(instant, name):
    recipe = recipe_of(name)
    base = RECIPES[recipe.base.value]
    for edge in recipe.window_of(instant):
        assert base.window_of(edge)[0] == edge


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("1s", "2026-11-20T08:31:07", "2026-11-20T08:31:08"),
        ("3m", "2026-11-20T08:30:00", "2026-11-20T08:33:00"),
        ("8h", "2026-11-20T08:00:00", "2026-11-20T16:00:00"),
        ("1w", "2026-11-16T00:00:00", "2026-11-23T00:00:00"),
        ("1M", "2026-11-01T00:00:00", "2026-12-01T00:00:00"),
    ],
)
def test_windows_begin_where_venues_begin_them(name, start, end):
    instant = datetime(2026, 11, 20, 8, 31, 7, 500, tzinfo=UTC)
    assert recipe_of(name).window_of(instant) == tuple(datetime.fromisoformat(f"{t}+00:00") for t in (start, end))


def test_three_days_are_counted_from_1970():
    start, _ = recipe_of("3d").window_of(datetime(2026, 11, 20, tzinfo=UTC))
    assert (start - EPOCH) % timedelta(days=3) == timedelta(0)


def test_a_range_is_covered_by_whole_windows():
    day = datetime(2026, 11, 20, tzinfo=UTC)
    assert recipe_of("1w").covering(day, day + timedelta(days=3)) == (
        datetime(2026, 11, 16, tzinfo=UTC),
        datetime(2026, 11, 23, tzinfo=UTC),
    )
    assert recipe_of("1w").covering(day, day + timedelta(days=3, microseconds=1))[1] == datetime(
        2026, 11, 30, tzinfo=UTC
    )


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(closes=st.lists(st.integers(1, 10**9), min_size=60, max_size=60), name=st.sampled_from(SHORT))
def test_candles_folded_from_their_base_are_those_folded_from_minutes(make_candles, hour, closes, name):
    minutes = make_candles(hour, *map(str, closes))
    recipe = recipe_of(name)
    base = fold_candles(minutes, interval=recipe.base.length)
    through = fold_candles(base, interval=recipe.step).select(OHLC_1M.column_names)
    assert through.equals(fold_candles(minutes, interval=recipe.step).select(OHLC_1M.column_names))


def test_a_table_is_its_own_recipe():
    assert {name for name, recipe in RECIPES.items() if recipe.is_table} == {"1m", "5m", "15m", "1h", "4h", "1d"}


def test_an_interval_that_is_not_read_is_refused_with_those_that_are():
    with pytest.raises(UnknownInterval, match="1s, 1m"):
        recipe_of("7m")
