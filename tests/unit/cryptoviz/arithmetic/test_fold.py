from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoviz.arithmetic.fold import HOUR, SumTooLarge, fold_candles
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.ledger import HourVersion

COLUMNS = OHLC_1M.column_names


def folded(candles, interval):
    return fold_candles(candles, interval=interval).select(COLUMNS)


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
        (("traded", "repaired", "quiet"), "repaired"),
        (("halted", "repaired", "traded"), "halted"),
        (("quiet", "quiet"), "quiet"),
    ],
)
def test_the_weakest_part_names_the_whole(make_candles, hour, parts, whole):
    candles = make_candles(hour, *["1"] * len(parts)).with_columns(status=pl.Series(parts))
    assert folded(candles, timedelta(minutes=len(parts)))["status"].to_list() == [whole]


def test_a_window_that_lacks_minutes_is_not_proven(make_candles, hour):
    candles = make_candles(hour, *["1"] * 59)
    row = folded(candles, HOUR).row(0, named=True)
    assert (row["status"], row["minutes"], row["revision"]) == ("blind", 59, 1)


def test_a_window_whose_parts_may_still_come_is_provisional(make_candles, hour):
    candles = make_candles(hour, *["1"] * 59)
    row = fold_candles(candles, interval=HOUR, settled=hour.end - timedelta(seconds=1)).row(0, named=True)
    assert (row["status"], row["revision"]) == ("open", 0)
    assert fold_candles(candles, interval=HOUR, settled=hour.end)["status"].to_list() == ["blind"]


def test_a_whole_window_is_final_however_soon(make_candles, hour):
    candles = make_candles(hour, *["1"] * 60)
    row = fold_candles(candles, interval=HOUR, settled=hour.start).row(0, named=True)
    assert (row["status"], row["revision"]) == ("traded", 1)


def test_a_provisional_part_makes_the_whole_provisional(make_candles, hour):
    candles = make_candles(hour, *["1"] * 60).with_columns(revision=pl.Series([2] * 59 + [0], dtype=pl.Int32))
    assert folded(candles, HOUR)["revision"].to_list() == [0]


def test_a_day_stands_on_what_its_hours_stand_on(make_candles, hour):
    versions = [HourVersion(n, 2**63 + n) for n in (1, 2)]
    hours = [make_candles(hour.next(n), "1", "2", version=version.digest) for n, version in enumerate(versions)]
    assert folded(pl.concat(hours), "1d")["source_version"].to_list() == [versions[0].plus(versions[1]).digest]


def test_integrals_beyond_the_decimals_are_null_and_so_is_their_mean(make_candles, hour):
    large = Decimal(10) ** 19 * 6
    candles = make_candles(hour, "1", "2").with_columns(depth_integral=pl.lit(large), quoted_ms=pl.lit(60_000))
    row = folded(candles, timedelta(minutes=2)).row(0, named=True)
    assert (row["depth_integral"], row["depth_mean"]) == (None, None)
    assert (row["spread_integral"], row["spread_mean"], row["quoted_ms"]) == (0, 0, 120_000)


def test_a_volume_beyond_the_decimals_is_refused(make_candles, hour):
    candles = make_candles(hour, "1", "2").with_columns(volume=pl.lit(Decimal(99999999999999999999)))
    with pytest.raises(SumTooLarge):
        folded(candles, HOUR)
