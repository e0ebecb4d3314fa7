from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoviz.arithmetic.bars import BarKind, build_bars, fold_bars, totals

KINDS = st.sampled_from(list(BarKind))
SIZES = st.sampled_from([Decimal(1), Decimal("2.5"), Decimal("0.000001"), Decimal(40)])
FACTS = st.lists(
    st.tuples(
        st.integers(0, 50),
        st.integers(1, 10**6).map(lambda n: f"{n}e-4"),
        st.integers(1, 10**6).map(lambda n: f"{n}e-5"),
        st.sampled_from([0, 0, 3]),
    ),
    min_size=1,
    max_size=30,
)


def with_ids(facts):
    rows, last = [], 0
    for ms, price, quantity, more in facts:
        rows.append((ms, price, quantity, last + 1, last + 1 + more))
        last += 1 + more
    return rows


def amount(trade, kind):
    if kind is BarKind.TICK:
        return Fraction(trade["last_trade_id"] - trade["trade_id"] + 1)
    return Fraction(trade["quantity"] if kind is BarKind.VOLUME else trade["quote_quantity"])


def by_hand(trades, kind, size):
    """Trades of each bar, one after the other."""
    bars, total = {}, Fraction(0)
    for trade in sorted(trades.iter_rows(named=True), key=lambda t: (t["event_time"], t["trade_id"])):
        bars.setdefault(total // Fraction(size), []).append(trade)
        total += amount(trade, kind)
    return bars, total


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=FACTS, kind=KINDS, size=SIZES, shuffle=st.randoms())
def test_a_bar_holds_the_trades_a_hand_would_give_it_in_any_order_of_rows(make_trades, facts, kind, size, shuffle):
    rows = with_ids(facts)
    expected, total = by_hand(make_trades(*rows), kind, size)
    shuffle.shuffle(rows)
    bars = build_bars(make_trades(*rows), kind=kind, size=size)
    assert bars["bar"].to_list() == list(expected)
    for bar in bars.iter_rows(named=True):
        mine = expected[bar["bar"]]
        prices = [trade["price"] for trade in mine]
        assert (bar["open"], bar["high"], bar["low"], bar["close"]) == (
            prices[0], max(prices), min(prices), prices[-1],
        )  # fmt: skip
        assert bar["volume"] == sum(trade["quantity"] for trade in mine)
        assert bar["trade_count"] == sum(t["last_trade_id"] - t["trade_id"] + 1 for t in mine)
        assert (bar["first_time"], bar["last_time"]) == (mine[0]["event_time"], mine[-1]["event_time"])
    assert bars["is_closed"].to_list()[:-1] == [True] * (bars.height - 1)
    last = bars.row(-1, named=True)
    assert last["is_closed"] == (total >= (last["bar"] + 1) * Fraction(size))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=FACTS, kind=KINDS, size=SIZES, cuts=st.lists(st.integers(1, 50), max_size=3))
def test_bars_of_parts_folded_are_the_bars_of_all(make_trades, hour_start, facts, kind, size, cuts):
    trades = pl.concat([make_trades(*with_ids(facts)), make_trades(*with_ids(facts[::-1]), symbol="ETH-USDT")])
    parts, before = [], {}
    edges = [0, *sorted(cuts), 51]
    for first, last in pairwise(edges):
        start, end = (hour_start + timedelta(milliseconds=ms) for ms in (first, last))
        part = trades.filter(pl.col("event_time").is_between(start, end, closed="left"))
        parts.append(build_bars(part, kind=kind, size=size, before=before))
        before = totals(part, kind=kind, before=before)
    assert fold_bars(pl.concat(parts)).equals(build_bars(trades, kind=kind, size=size))


def test_a_large_trade_is_not_split_and_leaves_numbers_without_a_bar(make_trades):
    trades = make_trades((0, "1", "7", 1, 1), (1, "1", "2", 2, 2), (2, "1", "2", 3, 3))
    bars = build_bars(trades, kind=BarKind.VOLUME, size=Decimal(2))
    assert bars.select("bar", "volume", "is_closed").rows() == [(0, 7, True), (3, 2, True), (4, 2, True)]


def test_a_size_must_be_positive(make_trades):
    with pytest.raises(ValueError, match="positive"):
        build_bars(make_trades(), kind=BarKind.TICK, size=Decimal(0))


def test_no_trades_are_no_bars(make_trades):
    assert build_bars(make_trades(), kind=BarKind.DOLLAR, size=Decimal(5)).height == 0
