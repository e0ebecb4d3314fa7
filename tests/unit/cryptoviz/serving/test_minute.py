from decimal import Context, Decimal, localcontext
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.serving.minute import LiveTrade, part_of, sum_of

MARKET = Instrument(Venue.BINANCE, "BTC-USDT")
AMOUNTS = st.decimals(min_value=Decimal("0.00000001"), max_value=10**9, places=8)
TRADES = st.lists(st.tuples(st.integers(0, 59), AMOUNTS, AMOUNTS, st.booleans()), min_size=1, max_size=30)


def made(drawn):
    return [
        LiveTrade(instrument=MARKET, first_id=i, last_id=i, time_us=second * 1_000_000, price=price, quantity=size,
                  is_buyer_aggressor=is_buy)
        for i, (second, price, size, is_buy) in enumerate(drawn)
    ]  # fmt: skip


@given(TRADES, st.randoms())
def test_a_candle_is_the_same_in_whatever_order_its_trades_come(drawn, random):
    trades = made(drawn)
    shuffled = random.sample(trades, len(trades))
    assert sum_of(map(part_of, trades)) == sum_of(map(part_of, shuffled))


@given(TRADES, st.integers(0, 30))
def test_a_candle_of_parts_is_the_candle_of_all(drawn, cut):
    trades = made(drawn)
    halves = [sum_of(map(part_of, half)) for half in (trades[:cut], trades[cut:])]
    whole = reduce(lambda a, b: a.plus(b), [half for half in halves if half])
    assert whole == sum_of(map(part_of, trades))


@given(TRADES)
def test_open_and_close_are_the_first_and_last_trade_by_time_and_id(drawn):
    trades = made(drawn)
    ordered = sorted(trades, key=lambda trade: (trade.time_us, trade.first_id))
    candle = sum_of(map(part_of, trades))
    assert (candle.open, candle.close) == (ordered[0].price, ordered[-1].price)
    assert candle.volume == sum(trade.quantity for trade in trades)
    with localcontext(Context(prec=80)):
        assert candle.quote_volume == sum(trade.price * trade.quantity for trade in trades)
