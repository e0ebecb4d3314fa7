import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.inspect.export import Format, as_text, parse_instant, select_rows, write_rows
from cryptoviz.inspect.reach import Unreachable, reading
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.tables import RAW_TRADES
from cryptoviz.storage.frames import TableNotWritten, replace_partition

amounts = st.decimals(min_value=-(10**19), max_value=10**19, places=18, allow_nan=False, allow_infinity=False)


@given(st.lists(st.none() | amounts, max_size=5))
def test_a_decimal_survives_its_text_which_has_neither_exponent_nor_trailing_zeros(values):
    text = as_text(pl.DataFrame({"x": values}, schema={"x": pl.Decimal(38, 18)}))["x"].to_list()
    assert [None if t is None else Decimal(t) for t in text] == values
    for t in filter(None, text):
        assert "e" not in t.lower()
        assert "." not in t or not t.endswith(("0", "."))


def test_whole_numbers_keep_their_zeros():
    rows = pl.DataFrame({"x": [Decimal(100), Decimal(0), Decimal("-0.5")]}, schema={"x": pl.Decimal(38, 18)})
    assert as_text(rows)["x"].to_list() == ["100", "0", "-0.5"]
    assert as_text(rows.select(pl.col("x").cast(pl.Decimal(38, 0))))["x"].to_list() == ["100", "0", "0"]


def test_times_are_iso_in_utc_and_bytes_and_lists_are_text():
    instant = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    rows = pl.DataFrame({"t": [instant], "b": [b"\x00\xff"], "l": [[1, 2]], "n": [None]})
    rows = rows.with_columns(pl.col("t").dt.convert_time_zone("Asia/Tokyo"))
    (found,) = as_text(rows).to_dicts()
    assert found == {"t": "2026-01-02T03:04:05.000006Z", "b": "AP8=", "l": "[1, 2]", "n": None}
    assert datetime.fromisoformat(found["t"]) == instant


@pytest.mark.parametrize(
    ("text", "hour"), [("2026-01-02", 0), ("2026-01-02T03:00", 3), ("2026-01-02T03:00Z", 3), ("2026-01-02T03+02:00", 1)]
)
def test_instants_are_utc_unless_they_say_otherwise(text, hour):
    assert parse_instant(text) == datetime(2026, 1, 2, hour, tzinfo=UTC)
    assert parse_instant(text).utcoffset() == timedelta(0)


def test_an_instant_that_is_none_is_quoted():
    with pytest.raises(ValueError, match="'yesterday' is no ISO date"):
        parse_instant("yesterday")


@pytest.fixture
def filled(lake, hour, make_candles):
    two = pl.concat([make_candles(hour, "1.1", "2.2", symbol="ETH-USDT"), make_candles(hour, "3.3", "4.4")])
    replace_partition(OHLC_1M, lake, hour, two.reverse(), {})
    replace_partition(OHLC_1M, lake, hour.next(), make_candles(hour.next(), "5.5", venue="kraken"), {})
    return lake


def closes(rows):
    return [str(close.normalize()) for close in rows["close"]]


def test_rows_begin_at_the_first_instant_end_before_the_last_and_are_sorted_by_the_key(filled, hour):
    everything = select_rows(OHLC_1M, filled, first=hour.start, last=hour.next().end)
    assert closes(everything) == ["3.3", "4.4", "1.1", "2.2", "5.5"]
    assert everything.columns == list(OHLC_1M.column_names)
    minute = hour.start + timedelta(minutes=1)
    assert closes(select_rows(OHLC_1M, filled, first=minute, last=hour.end)) == ["4.4", "2.2"]
    assert closes(select_rows(OHLC_1M, filled, first=hour.start, last=minute)) == ["3.3", "1.1"]


def test_rows_of_one_market_only(filled, hour):
    span = {"first": hour.start, "last": hour.next().end}
    assert closes(select_rows(OHLC_1M, filled, **span, symbol="ETH-USDT")) == ["1.1", "2.2"]
    assert closes(select_rows(OHLC_1M, filled, **span, venue="kraken")) == ["5.5"]
    assert closes(select_rows(OHLC_1M, filled, **span, venue="kraken", symbol="ETH-USDT")) == []


def test_an_hour_replaced_is_exported_once(filled, hour, make_candles):
    replace_partition(OHLC_1M, filled, hour, make_candles(hour, "9"), {})
    assert closes(select_rows(OHLC_1M, filled, first=hour.start, last=hour.end)) == ["9"]


def test_what_cannot_be_asked_is_said(lake, hour):
    with pytest.raises(ValueError, match="not after"):
        select_rows(OHLC_1M, lake, first=hour.end, last=hour.start)
    with pytest.raises(ValueError, match="raw_trades has no column symbol"):
        select_rows(RAW_TRADES, lake, first=hour.start, last=hour.end, symbol="BTC-USDT")
    with pytest.raises(TableNotWritten, match="ohlc_1m"):
        select_rows(OHLC_1M, lake, first=hour.start, last=hour.end)


def test_every_form_holds_the_same_exact_rows(filled, hour):
    rows = select_rows(OHLC_1M, filled, first=hour.start, last=hour.end)
    wanted = rows["close"].to_list()
    written = {form: io.BytesIO() for form in Format}
    for form, target in written.items():
        write_rows(rows, target, form)
        target.seek(0)
    lines = written[Format.JSON].read().splitlines()
    assert [Decimal(json.loads(line)["close"]) for line in lines] == wanted
    assert pl.read_parquet(written[Format.PARQUET]).equals(rows)
    table = pl.read_csv(written[Format.CSV], infer_schema=False)
    assert [Decimal(text) for text in table["close"]] == wanted
    assert table["window_start"][0] == "2026-01-02T03:00:00.000000Z"


def test_a_store_that_refuses_is_one_sentence_of_the_reason(lake):
    refused = "\x1b[31mKernel error\x1b[0m -> the signature differs\n<Error>a page of XML</Error>"
    said = r"cannot be read: Kernel error -> the signature differs; check its keys"
    with pytest.raises(Unreachable, match=said), reading(lake):
        raise OSError(refused)
