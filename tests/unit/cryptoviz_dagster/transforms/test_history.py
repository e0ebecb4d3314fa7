from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.tables import KLINES
from cryptoviz_dagster.transforms.history import LOOK_BACK, account_for_hours, build_history, history_versions

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
KINDS = ("traded", "quiet", "blind", "open", "absent")


def ago(hours):
    return NOW - timedelta(hours=hours)


@pytest.fixture
def history(frame_of):
    def make(candles, klines=()):
        return build_history(account_for_hours(frame_of(OHLC_1H, *candles), frame_of(KLINES, *klines)), hour=NOW)

    return make


def hours_back(rows):
    return [int((NOW - start) / timedelta(hours=1)) for start in rows["window_start"]]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=30), klines=st.sets(st.integers(0, 30)))
def test_it_is_the_unbroken_run_of_accounted_hours_up_to_this_one(history, make_candle, kinds, klines):
    """``kinds`` count back from the hour; a kline stands in wherever our candle is not whole."""
    ours = [
        make_candle(ago(n), None if kind == "quiet" else 100 + n, status=kind)
        for n, kind in enumerate(kinds)
        if kind != "absent"
    ]
    theirs = [make_candle(ago(n), 500 + n) for n in klines]
    expected = []
    for n in range(LOOK_BACK):
        kind = kinds[n] if n < len(kinds) else "absent"
        if kind in {"traded", "quiet"} or (kind == "open" and n == 0 and n not in klines):
            expected.append((n, None if kind == "quiet" else 100 + n))
        elif n in klines:
            expected.append((n, 500 + n))
        else:
            break
    expected.reverse()
    while expected and expected[0][1] is None:
        expected.pop(0)
    prices, last = [], None
    for _, price in expected:
        last = price if price is not None else last
        prices.append(last)
    found = history(ours, theirs)
    assert hours_back(found) == [n for n, _ in expected]
    assert found["price"].to_list() == prices


def test_it_reaches_back_thirty_days_and_never_beyond_the_hour(history, make_candle):
    found = history([make_candle(ago(n), 100) for n in range(-3, 800)])
    assert hours_back(found) == list(range(LOOK_BACK - 1, -1, -1))


def test_each_market_has_its_own(history, make_candle):
    hole = [make_candle(ago(n), 7, symbol="ETH-USDT") for n in (0, 1, 3)]
    found = history([make_candle(ago(n), 100) for n in range(5)] + hole)
    assert dict(found.group_by("symbol").len().iter_rows()) == {"BTC-USDT": 5, "ETH-USDT": 2}


def test_klines_of_other_intervals_are_passed_over(history, make_candle):
    assert history([], [make_candle(NOW, 100, interval="4h")]).height == 0


def test_its_version_names_the_facts_and_not_their_order(history, make_candle):
    rows = [make_candle(ago(n), 100 + n) for n in range(4)]
    version = history_versions(history(rows))
    assert version.equals(history_versions(history(rows[::-1])))
    late = [{**rows[0], "volume": Decimal("1.000000000000000001")}, *rows[1:]]
    assert not version.equals(history_versions(history(late)))
    assert version.schema == {"venue": pl.String, "symbol": pl.String, "history_version": pl.String}
