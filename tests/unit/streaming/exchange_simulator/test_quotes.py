import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.exchange_simulator.listings import LISTINGS
from streaming.exchange_simulator.quotes import SLOT_MS, Quotes
from streaming.exchange_simulator.seeded import EPOCH_MS, SeededMarket

NOW = 1_795_200_000_000
SLOT = NOW // SLOT_MS
HOUR_SLOTS = 3_600_000 // SLOT_MS
entries = {entry.key: entry for entry in LISTINGS}


def quotes_of(key, seed=7):
    market = SeededMarket(entries[key], seed=seed)
    return market, Quotes(market, seed=seed)


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(sorted(entries)), st.integers(0, 10 * HOUR_SLOTS))
def test_the_quote_told_last_holds_every_trade_between_bid_and_ask(key, offset):
    market, quotes = quotes_of(key)
    first = SLOT + offset
    told = {quote.slot: quote for quote in quotes.told(first, first + 240)}
    trades = market.between(first * SLOT_MS, (first + 240) * SLOT_MS)
    for time, tick in zip(trades.times, trades.ticks, strict=True):
        quote = told[int(time) // SLOT_MS]
        assert quote.bid <= tick <= quote.ask


@settings(deadline=None, max_examples=20)
@given(st.integers(0, HOUR_SLOTS), st.integers(1, 60), st.integers(1, 60))
def test_any_split_of_a_range_gives_the_same_quotes(offset, left, right):
    _, quotes = quotes_of("kraken:BTC-USD")
    first = SLOT + offset
    parts = quotes.told(first, first + left) + quotes.told(first + left, first + left + right)
    assert parts == quotes.told(first, first + left + right)


def test_spreads_and_sizes_are_those_of_a_liquid_market():
    market, quotes = quotes_of("binance:BTC-USDT")
    told = quotes.told(SLOT, SLOT + HOUR_SLOTS // 4)
    spread_bps = np.array([(q.ask - q.bid) / q.bid * 1e4 for q in told])
    size = np.array([q.bid_lots for q in told]) / 10**market.listing.lot_decimals
    assert (spread_bps > 0).all()
    assert 0.3 < np.median(spread_bps) < 1.5
    assert np.percentile(spread_bps, 99) < 10
    assert 0.01 < np.median(size) < 1
    assert len(set(spread_bps)) > 10


def test_a_symbol_is_told_a_few_times_a_second():
    for key in ("binance:BTC-USDT", "binance:BNB-USDT", "kraken:ETH-USD"):
        _, quotes = quotes_of(key)
        assert 1 <= len(quotes.told(SLOT, SLOT + HOUR_SLOTS // 12)) / 300 <= 4


def test_another_seed_is_another_quote_and_there_is_none_before_the_first_trade():
    _, one = quotes_of("binance:ETH-USDT", seed=7)
    _, other = quotes_of("binance:ETH-USDT", seed=8)
    assert one.at(SLOT) != other.at(SLOT)
    assert one.latest(EPOCH_MS - 1) is None
