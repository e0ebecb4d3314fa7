from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.exchange_simulator.candles import fold
from streaming.exchange_simulator.market import LISTINGS, SeededMarket
from streaming.exchange_simulator.texts import decimal_text

NOW = 1_795_200_000_000
market = SeededMarket(LISTINGS[0], seed=7)
spans = st.tuples(st.integers(-3_600_000, 0), st.integers(1, 600_000)).map(lambda t: (NOW + t[0], NOW + t[0] + t[1]))


def same(one, other):
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in ("ids", "times", "ticks", "lots", "buys"))


@settings(deadline=None, max_examples=30)
@given(spans, st.floats(0, 1))
def test_any_split_of_a_range_gives_the_same_trades(span, share):
    start, end = span
    middle = start + int((end - start) * share)
    whole, parts = market.between(start, end), [market.between(start, middle), market.between(middle, end)]
    for name in ("ids", "times", "ticks", "lots"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(getattr(whole, name), joined)


def test_ids_are_dense_and_times_never_go_back():
    trades = market.between(NOW - 86_400_000, NOW)
    assert (np.diff(trades.ids) == 1).all()
    assert (np.diff(trades.times) >= 0).all()
    assert (trades.ticks > 0).all()
    assert (trades.lots > 0).all()


@settings(deadline=None, max_examples=30)
@given(spans)
def test_trades_by_id_are_those_by_time(span):
    by_time = market.between(*span)
    if len(by_time):
        assert same(market.from_id(int(by_time.ids[0]), len(by_time), span[1]), by_time)
        assert market.last_id(span[1]) == by_time.ids[-1]


def test_another_seed_is_another_market_and_the_same_seed_the_same():
    span = (NOW - 60_000, NOW)
    assert same(SeededMarket(LISTINGS[0], seed=7).between(*span), market.between(*span))
    assert not same(SeededMarket(LISTINGS[0], seed=8).between(*span), market.between(*span))


def test_klines_are_the_fold_of_the_trades_to_the_last_digit():
    hour = NOW // 3_600_000 * 3_600_000 - 3_600_000
    row, trades = fold(market, hour, hour + 3_600_000, 3_600_000)[0], market.between(hour, hour + 3_600_000)
    prices = [Decimal(int(t)).scaleb(-2) for t in trades.ticks]
    amounts = [Decimal(int(q)).scaleb(-5) for q in trades.lots]
    assert [Decimal(x) for x in row[1:6]] == [prices[0], max(prices), min(prices), prices[-1], sum(amounts)]
    assert Decimal(row[7]) == sum(p * q for p, q in zip(prices, amounts, strict=True))
    assert row[8] == len(trades)


@given(st.integers(0, 10**15), st.integers(0, 8))
def test_decimal_text_is_exact(units, decimals):
    assert Decimal(decimal_text(units, decimals, 10)) == Decimal(units).scaleb(-decimals)
