import itertools
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.exchange_simulator.candles import candles
from streaming.exchange_simulator.intervals import LENGTHS, last_windows, window_of, windows
from streaming.exchange_simulator.listings import LISTINGS
from streaming.exchange_simulator.market import Listing
from streaming.exchange_simulator.seeded import EPOCH_MS, SeededMarket
from streaming.exchange_simulator.summary import Summaries, merge, summarise

NOW = 1_795_200_000_000
HOUR = 3_600_000
market = SeededMarket(LISTINGS[0], seed=7)
quiet = SeededMarket(
    Listing(key="binance:DUST-USDT", base="DUST", price=1, tick_decimals=4, lot_decimals=0, rate=0.01, size=5), seed=7
)


def ms(*when):
    return int(datetime(*when, tzinfo=UTC).timestamp() * 1000)


@settings(deadline=None, max_examples=40)
@given(st.integers(-3 * HOUR, 0), st.integers(0, 3 * HOUR))
def test_a_summary_of_kept_minutes_and_hours_is_that_of_the_trades(offset, length):
    start = NOW + offset
    assert Summaries(market).between(start, start + length) == summarise(market.between(start, start + length))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, HOUR), min_size=1, max_size=5))
def test_summaries_of_adjoining_ranges_make_the_summary_of_the_whole(cuts):
    bounds = sorted({0, HOUR, *cuts})
    parts = [summarise(market.between(NOW + a, NOW + b)) for a, b in itertools.pairwise(bounds)]
    assert merge(parts) == summarise(market.between(NOW, NOW + HOUR))


def test_candles_are_the_fold_of_the_trades_to_the_last_digit():
    start = NOW // HOUR * HOUR
    (candle,) = candles(
        market, Summaries(market), interval="1h", start_ms=start, end_ms=start + HOUR, until_ms=start + HOUR
    )
    trades = market.between(start, start + HOUR)
    prices = [Decimal(int(t)).scaleb(-2) for t in trades.ticks]
    amounts = [Decimal(int(q)).scaleb(-5) for q in trades.lots]
    s = candle.traded
    assert [Decimal(x).scaleb(-2) for x in (s.open, s.high, s.low, s.close)] == [
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
    ]
    assert Decimal(s.lots).scaleb(-5) == sum(amounts)
    assert Decimal(s.amount).scaleb(-7) == sum(p * q for p, q in zip(prices, amounts, strict=True))
    assert s.count == len(trades)


def test_a_window_without_trades_is_flat_at_the_close_before():
    found = list(
        candles(quiet, Summaries(quiet), interval="1m", start_ms=NOW, end_ms=NOW + 2 * HOUR, until_ms=NOW + 2 * HOUR)
    )
    assert [c.start_ms for c in found] == list(range(NOW // 60_000 * 60_000, NOW + 2 * HOUR, 60_000))[-len(found) :]
    assert len(found) == 120
    empty = [i for i, c in enumerate(found) if c.traded.count == 0 and i > 0]
    assert empty
    for i in empty:
        s = found[i].traded
        assert s.open == s.high == s.low == s.close == found[i - 1].traded.close
        assert (s.lots, s.amount, s.first_id) == (0, 0, -1)


def test_there_is_no_candle_before_the_first_trade():
    found = list(
        candles(market, Summaries(market), interval="1m", start_ms=EPOCH_MS - HOUR, end_ms=EPOCH_MS + 120_000,
                until_ms=EPOCH_MS + 120_000)
    )  # fmt: skip
    assert found[0].start_ms >= EPOCH_MS


@given(st.sampled_from(sorted(LENGTHS)), st.integers(ms(2020, 1, 1), ms(2030, 1, 1)))
def test_windows_cover_time_without_hole_or_overlap(interval, instant):
    start, end = window_of(interval, instant)
    assert start <= instant < end
    assert window_of(interval, start) == window_of(interval, end - 1) == (start, end)
    assert window_of(interval, end)[0] == end
    first, *_, last = windows(interval, start, end + 3 * LENGTHS[interval])
    assert first == (start, end)
    assert last[0] > start
    assert last_windows(interval, instant, 1) == start


def test_weeks_begin_on_monday_and_months_with_the_calendar():
    assert window_of("1w", ms(2026, 11, 21, 7)) == (ms(2026, 11, 16), ms(2026, 11, 23))
    assert window_of("1M", ms(2026, 12, 31, 23)) == (ms(2026, 12, 1), ms(2027, 1, 1))
    assert window_of("1M", ms(2028, 2, 29)) == (ms(2028, 2, 1), ms(2028, 3, 1))
