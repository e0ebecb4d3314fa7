import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.serving.binance_rows import eight_decimals, encode_candles, join_rows
from cryptoviz.storage.frames import empty

START = datetime(2026, 1, 2, 3, tzinfo=UTC)
AMOUNTS = ("volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")


def candles(*closes):
    """A minute each: a price, or the status of one without."""
    rows = []
    for i, close in enumerate(closes):
        start = START + timedelta(minutes=i)
        is_status = close in {"quiet", "blind", "halted", "open"}
        price = None if is_status else Decimal(close)
        rows.append(
            dict.fromkeys(OHLC_1M.column_names)
            | dict.fromkeys(("open", "high", "low", "close"), price)
            | dict.fromkeys(AMOUNTS, Decimal(0) if price is None else Decimal("1.5"))
            | {"window_start": start, "window_end": start + timedelta(minutes=1), "trade_count": int(price is not None),
               "status": close if is_status else "traded"}
        )  # fmt: skip
    return pl.DataFrame(rows, schema=empty(OHLC_1M).schema)


def closes(*parts):
    encoded = [encode_candles(part) for part in parts]
    joined = join_rows([(one, slice(None)) for one in encoded])
    return [json.loads(row)[4] for row in joined]


def test_a_row_has_binances_twelve_fields_in_its_order():
    row = json.loads(join_rows([(encode_candles(candles("100.5")), slice(None))])[0])
    opened = int(START.timestamp() * 1000)
    price, amount = "100.50000000", "1.50000000"
    assert row == [opened, price, price, price, price, amount, opened + 59_999, amount, 1, amount, amount, "0"]


def test_a_quiet_minute_repeats_the_last_price():
    assert closes(candles("100", "quiet", "101")) == ["100.00000000", "100.00000000", "101.00000000"]


def test_a_quiet_minute_takes_the_last_price_from_the_day_before():
    assert closes(candles("100"), candles("quiet", "101")) == ["100.00000000", "100.00000000", "101.00000000"]


def test_a_quiet_minute_before_any_price_is_left_out():
    assert closes(candles("quiet", "101")) == ["101.00000000"]


def test_minutes_nothing_is_known_of_are_left_out():
    assert closes(candles("100", "blind", "halted", "101")) == ["100.00000000", "101.00000000"]


def test_a_quiet_minute_carries_over_a_whole_day_without_trades():
    assert closes(candles("100"), candles("quiet"), candles("quiet")) == ["100.00000000"] * 3


@given(st.decimals(min_value=0, max_value=10**15, places=18, allow_nan=False))
def test_decimals_keep_every_digit_and_have_at_least_eight(value):
    frame = pl.DataFrame({"x": [value]}, schema={"x": pl.Decimal(38, 18)})
    text = frame.select(eight_decimals("x")).item()
    fraction = text.partition(".")[2]
    assert Decimal(text) == value
    assert len(fraction) >= 8
    assert len(fraction) == 8 or not fraction.endswith("0")
