"""Ways around work that is not needed: they must not be seen in the numbers."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptoviz.arithmetic.fold import MARKET, SumTooLarge, refuse_overflow
from cryptoviz.arithmetic.trades import fold_trades
from cryptoviz.lake.tables import TRADES
from cryptoviz.storage.frames import empty

START = datetime(2026, 11, 10, tzinfo=UTC)


def a_trade(number, market, second):
    time = START + timedelta(seconds=second)
    return {
        "venue": market[0], "symbol": market[1], "trade_id": number, "last_trade_id": number, "event_time": time,
        "price": Decimal(100 + number * 7 % 13), "quantity": Decimal(number + 1), "quote_quantity": Decimal(number),
        "side": "buy" if number % 3 else "sell", "source": "ws", "received_time": None, "lateness_ms": 0, "topic": "t",
        "partition": 0, "offset": number, "kafka_time": time, "row_hash": number,
    }  # fmt: skip


def minutes(rows):
    frame = pl.DataFrame(rows, schema=empty(TRADES).schema)
    folded = fold_trades(frame.with_columns(window_start=pl.col("event_time").dt.truncate("1m")), "window_start")
    return folded.sort(*MARKET, "window_start")


@settings(deadline=None, max_examples=60)
@given(
    spread=st.lists(st.tuples(st.sampled_from(["ab", "ba", "bb"]), st.integers(0, 150)), min_size=1, max_size=40),
    seed=st.integers(0, 99),
)
def test_rows_in_order_and_rows_in_any_other_give_the_same_candles(spread, seed):
    rows = [a_trade(n, market, second) for n, (market, second) in enumerate(spread)]
    ordered = sorted(rows, key=lambda r: (r["venue"], r["symbol"], r["event_time"], r["trade_id"]))
    shuffled = random.Random(seed).sample(rows, len(rows))
    by_time = sorted(rows, key=lambda r: (r["event_time"], r["trade_id"]))
    assert minutes(ordered).equals(minutes(shuffled))
    assert minutes(ordered).equals(minutes(by_time))


def test_ids_against_the_order_of_time_are_no_order():
    rows = [a_trade(n, "ab", second) for n, second in ((2, 1), (1, 1), (3, 0))]
    assert minutes(rows)["open"].to_list() == [rows[2]["price"]]
    assert minutes(rows)["close"].to_list() == [rows[0]["price"]]


@pytest.mark.parametrize("markets", ["aa", "ab"])
def test_sums_are_refused_where_they_are_too_large_and_not_where_a_rough_bound_is(markets):
    rows = [{"venue": "v", "symbol": s, "amount": Decimal(6) * 10**19} for s in markets]
    small = [{"venue": "v", "symbol": "a", "amount": Decimal(1)} for _ in range(5)]
    frame = pl.DataFrame(rows + small, schema_overrides={"amount": pl.Decimal(38, 18)})
    if markets == "ab":
        refuse_overflow(frame, ("amount",))
    else:
        with pytest.raises(SumTooLarge):
            refuse_overflow(frame, ("amount",))


def test_no_rows_are_no_overflow():
    refuse_overflow(empty(TRADES), ("quantity",))
