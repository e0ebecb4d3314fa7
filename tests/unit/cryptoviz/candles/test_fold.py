from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoviz.candles.fold import HOUR, SumTooLarge, fold_candles
from cryptoviz.lake.candle_tables import OHLC_1M

COLUMNS = OHLC_1M.column_names


def folded(candles, interval):
    return fold_candles(candles, interval=interval, version="v").select(COLUMNS)


def shifted(candles, by):
    return candles.with_columns(pl.col("window_start", "window_end") + by)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(closes=st.lists(st.integers(1, 10**9), min_size=60, max_size=60), minutes=st.sampled_from([3, 5, 10, 30]))
def test_a_fold_of_folds_is_the_fold(make_candles, hour, closes, minutes):
    candles = make_candles(hour, *map(str, closes))
    through = folded(folded(candles, timedelta(minutes=minutes)), HOUR)
    assert through.equals(folded(candles, HOUR))


def test_weeks_begin_on_monday_and_end_after_seven_days(make_candles, hour):
    day = folded(make_candles(hour, "1", "2"), "1w")
    assert day["window_start"][0] == datetime(2025, 12, 29, tzinfo=UTC)
    assert day["window_end"][0] == datetime(2026, 1, 5, tzinfo=UTC)


def test_months_are_those_of_the_calendar(make_candles, hour):
    both = pl.concat([make_candles(hour, "1"), shifted(make_candles(hour, "2"), timedelta(days=30))])
    months = folded(both, "1mo")
    assert months["window_start"].to_list() == [datetime(2026, m, 1, tzinfo=UTC) for m in (1, 2)]
    assert months["window_end"].to_list() == [datetime(2026, m, 1, tzinfo=UTC) for m in (2, 3)]


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (("traded", "quiet"), "traded"),
        (("traded", "blind", "quiet"), "blind"),
        (("traded", "blind", "open"), "open"),
        (("quiet", "quiet"), "quiet"),
    ],
)
def test_the_weakest_part_names_the_whole(make_candles, hour, parts, whole):
    candles = make_candles(hour, *["1"] * len(parts)).with_columns(status=pl.Series(parts))
    assert folded(candles, HOUR)["status"].to_list() == [whole]


def test_a_volume_beyond_the_decimals_is_refused(make_candles, hour):
    candles = make_candles(hour, "1", "2").with_columns(volume=pl.lit(Decimal(99999999999999999999)))
    with pytest.raises(SumTooLarge):
        folded(candles, HOUR)
