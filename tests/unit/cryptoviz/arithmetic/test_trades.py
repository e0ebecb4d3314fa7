from datetime import timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoviz.arithmetic.fold import HOUR, MINUTE, fold_candles
from cryptoviz.arithmetic.trades import candles_of_trades
from cryptoviz.lake.candle_tables import OHLC_1M

SECOND = timedelta(seconds=1)
CONTENT = [
    name for name in OHLC_1M.column_names if name not in {"status", "minutes", "revision"}
]  # fmt: skip
FACTS = st.lists(
    st.tuples(
        st.integers(0, 599_999),
        st.integers(1, 10**12).map(lambda n: f"{n}e-6"),
        st.integers(1, 10**9).map(lambda n: f"{n}e-8"),
        st.sampled_from([1, 1, 1, 2, 5]),
        st.sampled_from([0, 0, 3]),
    ),
    min_size=1,
    max_size=30,
)


def with_ids(facts):
    """Ids in the order of the list, with holes and aggregates as drawn."""
    rows, last = [], 0
    for ms, price, quantity, step, more in facts:
        first = last + step
        last = first + more
        rows.append((ms, price, quantity, first, last))
    return rows


@pytest.fixture
def candles(hour_start):
    def make(trades, interval=SECOND, *, start=0, seconds=600, now=HOUR):
        first = hour_start + start * SECOND
        end = hour_start + seconds * SECOND
        rows = candles_of_trades(trades, interval=interval, start=first, end=end, now=hour_start + now)
        return rows.select(OHLC_1M.column_names).sort(OHLC_1M.key)

    return make


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=FACTS, minutes=st.sampled_from([1, 2, 5]))
def test_seconds_folded_are_the_candles_of_the_trades_to_the_last_digit(make_trades, candles, facts, minutes):
    trades = make_trades(*with_ids(facts))
    interval = minutes * MINUTE
    folded = fold_candles(candles(trades), interval=interval).select(CONTENT)
    assert folded.equals(candles(trades, interval).select(CONTENT))


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=FACTS, shuffle=st.randoms(), at=st.integers(1, 599))
def test_neither_the_order_of_trades_nor_their_parts_change_a_second(make_trades, candles, facts, shuffle, at):
    rows = with_ids(facts)
    whole = candles(make_trades(*rows))
    shuffle.shuffle(rows)
    trades = make_trades(*rows)
    assert candles(trades).equals(whole)
    assert pl.concat([candles(trades, seconds=at), candles(trades, start=at)]).equals(whole)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=FACTS)
def test_a_window_without_trades_is_quiet_only_if_no_id_is_missing_around_it(make_trades, candles, facts, hour_start):
    rows = sorted(with_ids(facts))
    ids = {number for *_, first, last in rows for number in range(first, last + 1)}
    for row in candles(make_trades(*rows)).filter(pl.col("trade_count") == 0).iter_rows(named=True):
        edge = int((row["window_start"] - hour_start) / timedelta(milliseconds=1))
        before, after = [r for r in rows if r[0] < edge], [r for r in rows if r[0] >= edge]
        proven = False
        if before and after:
            second = max(r[0] for r in before) // 1000
            next_second = min(r[0] for r in after) // 1000
            last = max(r[4] for r in before if r[0] // 1000 == second)
            first = min(r[3] for r in after if r[0] // 1000 == next_second)
            proven = set(range(min(first, last), max(first, last) + 1)) <= ids
        assert row["status"] == ("quiet" if proven else "blind")


def test_every_second_up_to_now_is_a_row_and_the_one_under_way_is_open(make_trades, candles):
    rows = candles(make_trades((500, "1", "1", 1, 1)), now=timedelta(seconds=2.5))
    assert rows["status"].to_list() == ["traded", "blind", "open"]
    assert rows["revision"].to_list() == [1, 1, 0]


def test_trades_beyond_the_range_prove_its_edges_and_are_not_in_it(make_trades, candles):
    trades = make_trades((500, "1", "1", 1, 1), (2500, "1", "1", 2, 2), (9000, "1", "1", 3, 3))
    rows = candles(trades, start=1, seconds=4)
    assert rows["status"].to_list() == ["quiet", "traded", "quiet"]
    assert rows["trade_count"].to_list() == [0, 1, 0]
