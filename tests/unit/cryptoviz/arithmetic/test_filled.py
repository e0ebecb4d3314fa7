from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoviz.arithmetic.filled import fill_candles
from cryptoviz.arithmetic.fold import MINUTE, fold_candles

PRICES = ("open", "high", "low", "close")


def priced(candles):
    """All four prices are the close; without one the minute is quiet and empty."""
    is_quiet = pl.col("close").is_null()
    nothing = pl.lit(Decimal(0)).cast(candles.schema["volume"])
    return candles.with_columns(
        *(pl.col("close").alias(name) for name in PRICES),
        status=pl.when(is_quiet).then(pl.lit("quiet")).otherwise("status"),
        volume=pl.when(is_quiet).then(nothing).otherwise("volume"),
    )


def filled(candles, hour, *, first=0, last=60):
    start, end = hour.start + first * MINUTE, hour.start + last * MINUTE
    return fill_candles(candles, step=MINUTE, start=start, end=end)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    closes=st.lists(st.one_of(st.none(), st.integers(1, 99)), min_size=1, max_size=12), drop=st.sets(st.integers(0, 11))
)
def test_each_window_has_its_own_price_or_the_one_before_and_says_which(make_candles, hour, closes, drop):
    rows = [c if c is None else str(c) for c in closes]
    candles = priced(
        make_candles(hour, *[r or "1" for r in rows]).with_columns(
            close=pl.Series(rows, dtype=pl.String).cast(pl.Decimal(38, 18))
        )
    )
    kept = candles.filter(~pl.Series([n in drop for n in range(len(closes))]))
    if not kept.height:
        return
    view = filled(kept, hour, last=len(closes))
    price = None
    for number, row in enumerate(view.iter_rows(named=True)):
        own = None if number in drop else closes[number]
        assert row["window_start"] == hour.start + number * MINUTE
        assert row["is_filled"] == (own is None and price is not None)
        price = own if own is not None else price
        assert {row[name] for name in PRICES} == {price}
        assert row["status"] == ("blind" if number in drop else "quiet" if own is None else "traded")


def test_nothing_but_the_prices_of_a_filled_window_is_touched(make_candles, hour):
    candles = priced(make_candles(hour, "1", "2"))
    view = filled(candles, hour, last=2)
    assert view.drop("is_filled").equals(candles)
    assert view["is_filled"].to_list() == [False, False]


def test_candles_before_the_range_give_the_first_price_and_are_not_in_it(make_candles, hour):
    view = filled(priced(make_candles(hour, "7")), hour, first=1, last=3)
    assert view["close"].to_list() == [7, 7]
    assert view["is_filled"].to_list() == [True, True]


def test_weeks_and_months_are_filled_by_the_calendar(make_candles, hour):
    months = fold_candles(priced(make_candles(hour, "5")), interval="1mo")
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    view = fill_candles(months, step="1mo", start=start, end=end)
    assert view["window_start"].to_list() == [datetime(2026, m, 1, tzinfo=UTC) for m in (1, 2, 3)]
    assert view["window_end"][1] - view["window_start"][1] == timedelta(days=28)
    assert view["is_filled"].to_list() == [False, True, True]
