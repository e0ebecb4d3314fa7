from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.metric_tables import HOURLY_METRICS
from cryptoviz.lake.tables import KLINES, QUOTES
from cryptoviz_dagster.transforms.history import LOOK_BACK, account_for_hours, build_history, history_versions
from cryptoviz_dagster.transforms.hourly_metrics import build_hourly_metrics
from cryptoviz_dagster.transforms.market_overview import latest_market_caps
from cryptoviz_dagster.transforms.stale_metrics import stale_metrics, versions_by_hour

FIRST = datetime(2026, 11, 20, 8, tzinfo=UTC)
KINDS = ("traded", "traded", "quiet", "blind", "open", "absent")


def at(number):
    return FIRST + timedelta(hours=number)


@pytest.fixture
def accounted(frame_of):
    def make(candles, klines=()):
        return account_for_hours(frame_of(OHLC_1H, *candles), frame_of(KLINES, *klines))

    return make


@pytest.fixture
def metrics(frame_of, make_candle, accounted):
    """Metrics of hours as they are made one by one."""

    def make(candles, *, since=FIRST):
        rows = frame_of(OHLC_1H, *candles).filter(pl.col("window_start") >= since)
        past, minutes = accounted(candles), frame_of(OHLC_1H)
        no_caps = latest_market_caps(frame_of(QUOTES))
        parts = [
            build_hourly_metrics(part, minutes, build_history(past, hour=start), no_caps)
            for (start,), part in rows.group_by("window_start")
        ]
        return pl.concat([frame_of(HOURLY_METRICS), *parts])

    return make


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=30),
    klines=st.sets(st.integers(0, 30)),
    reach=st.integers(1, 40),
)
def test_versions_of_all_hours_are_those_of_each_history(accounted, make_candle, kinds, klines, reach):
    with pytest.MonkeyPatch.context() as patch:
        for module in ("history", "stale_metrics"):
            patch.setattr(f"cryptoviz_dagster.transforms.{module}.LOOK_BACK", reach)
        ours = [
            make_candle(at(n), None if kind == "quiet" else 100 + n, status=kind)
            for n, kind in enumerate(kinds)
            if kind != "absent"
        ]
        known = accounted(ours, [make_candle(at(n), 500 + n) for n in klines])
        for start, version in versions_by_hour(known).select("window_start", "history_version").iter_rows():
            found = history_versions(build_history(known, hour=start))["history_version"].to_list()
            assert found == [version] or (found == [] and version.startswith("0-"))


def test_metrics_just_made_are_not_stale(metrics, accounted, make_candle):
    candles = [make_candle(at(n), 100 + n, status="blind" if n == 4 else "traded") for n in range(8)]
    assert stale_metrics(metrics(candles), accounted(candles)) == []


def test_a_late_trade_makes_exactly_the_hours_stale_that_look_back_to_it(metrics, accounted, make_candle):
    candles = [make_candle(at(n), 100 + n, symbol=s) for n in range(8) for s in ("BTC-USDT", "ETH-USDT")]
    before = metrics(candles)
    candles[6] = {**candles[6], "close": candles[6]["close"] + 1}
    assert stale_metrics(before, accounted(candles)) == [at(n) for n in range(3, 8)]


def test_a_kline_that_fills_a_hole_makes_the_hours_after_it_stale(metrics, accounted, make_candle):
    candles = [make_candle(at(n), 100 + n) for n in range(8) if n != 5]
    stale = stale_metrics(metrics(candles), accounted(candles, [make_candle(at(5), 100)]))
    assert stale == [at(6), at(7)]


def test_an_hour_in_progress_is_never_stale(metrics, accounted, make_candle):
    candles = [make_candle(at(0), 100), make_candle(at(1), 101, status="open")]
    before = metrics(candles)
    candles[1] = make_candle(at(1), 102)
    assert stale_metrics(before, accounted(candles)) == []


def test_an_hour_beyond_the_look_back_changes_nothing(metrics, accounted, make_candle):
    candles = [make_candle(at(n), 100 + n % 5) for n in range(LOOK_BACK + 1)]
    before = metrics(candles, since=at(LOOK_BACK))
    assert stale_metrics(before, accounted([make_candle(at(0), 7), *candles[1:]])) == []
    assert stale_metrics(before, accounted([candles[0], make_candle(at(1), 7), *candles[2:]])) == [at(LOOK_BACK)]
