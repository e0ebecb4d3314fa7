from decimal import Decimal
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.exchange_simulator.listings import LISTINGS
from streaming.exchange_simulator.seeded import CELL, SeededMarket

NOW = 1_795_200_000_000
COLUMNS = ("ids", "times", "nanos", "ticks", "lots", "buys", "limits")
market = SeededMarket(LISTINGS[0], seed=7)
spans = st.tuples(st.integers(-3_600_000, 0), st.integers(1, 600_000)).map(lambda t: (NOW + t[0], NOW + t[0] + t[1]))


def same(one, other):
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in COLUMNS)


@settings(deadline=None, max_examples=30)
@given(spans, st.floats(0, 1))
def test_any_split_of_a_range_gives_the_same_trades(span, share):
    start, end = span
    middle = start + int((end - start) * share)
    whole, parts = market.between(start, end), [market.between(start, middle), market.between(middle, end)]
    for name in COLUMNS:
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(getattr(whole, name), joined)


def test_ids_are_dense_and_times_never_go_back():
    trades = market.between(NOW - 86_400_000, NOW)
    assert (np.diff(trades.ids) == 1).all()
    assert (np.diff(trades.times * 1_000_000 + trades.nanos) >= 0).all()
    assert (trades.ticks > 0).all()
    assert (trades.lots > 0).all()


def test_fills_of_one_order_share_price_side_and_millisecond():
    trades = market.between(NOW - 3_600_000, NOW)
    second = np.flatnonzero((trades.ids % CELL == 0) & (np.arange(len(trades)) > 0))
    assert len(second) > 1000
    for name in ("ticks", "buys", "times"):
        column = getattr(trades, name)
        assert (column[second] == column[second - 1]).all()


@settings(deadline=None, max_examples=30)
@given(spans)
def test_trades_by_id_are_those_by_time(span):
    by_time = market.between(*span)
    if len(by_time):
        assert same(market.from_id(int(by_time.ids[0]), len(by_time), span[1]), by_time)
        assert market.last_id(span[1]) == by_time.ids[-1]


@settings(deadline=None, max_examples=30)
@given(spans, st.integers(1, 300))
def test_the_last_trades_are_the_same_near_and_far(span, limit):
    found = market.last_before(span[1], limit)
    assert list(found.ids) == list(range(market.last_id(span[1]) - limit + 1, market.last_id(span[1]) + 1))
    assert same(found, market.from_id(int(found.ids[0]), limit, span[1]))


def test_another_seed_is_another_market_and_the_same_seed_the_same():
    span = (NOW - 60_000, NOW)
    assert same(SeededMarket(LISTINGS[0], seed=7).between(*span), market.between(*span))
    assert not same(SeededMarket(LISTINGS[0], seed=8).between(*span), market.between(*span))


def test_lost_trades_are_in_no_answer_and_their_ids_stay_free():
    holed = SeededMarket(LISTINGS[0], seed=7)
    whole = holed.between(NOW - 60_000, NOW)
    first, last = int(whole.ids[3]), int(whole.ids[5])
    holed.lose(first, last)
    kept = holed.between(NOW - 60_000, NOW)
    assert len(kept) == len(whole) - 3
    assert not {first, last} & set(holed.from_id(first - 1, 10, NOW).ids.tolist())
    assert holed.last_id(NOW) == market.last_id(NOW)
    assert same(holed.between(NOW - 60_000, NOW, with_lost=True), whole)


def test_markets_of_one_base_move_alike_on_every_venue():
    by_key = {entry.key: SeededMarket(entry, seed=7) for entry in LISTINGS}
    prices = [
        float(by_key[key].last_before(NOW, 1).ticks[0]) / 10 ** by_key[key].listing.tick_decimals
        for key in ("binance:BTC-USDT", "kraken:BTC-USD", "coinbase:BTC-USD")
    ]
    assert all(abs(a / b - 1) < 0.001 for a, b in pairwise(prices))


def test_a_day_has_about_the_trades_the_listing_promises():
    trades = market.between(NOW - 86_400_000, NOW)
    assert abs(len(trades) / 86_400 / market.listing.rate - 1) < 0.1
    assert Decimal(int(trades.lots.sum())) > 0
