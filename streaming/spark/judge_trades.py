"""Trades judged: parsed by the venue's parser, then checked in columns for time, size and exactness."""

from datetime import timedelta
from typing import Any

import polars as pl
import pyarrow as pa

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.symbols import Instrument
from streaming.feeds.parsed import Message, Refusal, Trade
from streaming.spark.decimals import DECIMAL, fraction_digits, normalise
from streaming.spark.judged import Judged, Keys, parse_records, taken

AHEAD = timedelta(days=1)
_US = pl.Datetime("us", "UTC")
_ID_LIMIT = 1 << 62
_QUOTE_LIMIT = 9.9e19
_TIME_UNITS = (
    (10**9, 10**11, 1_000_000, 1),
    (10**12, 10**14, 1_000, 1),
    (10**15, 10**17, 1, 1),
    (10**18, 2**63, 1, 1_000),
)
"""Windows of magnitude for seconds, milliseconds, microseconds and nanoseconds of the years 2001 to 5138."""


def judge_trades(records: pa.Table, *, first_hour: Hour) -> Judged:
    """Rows of ``trades`` and refusals. ``records`` are those of :func:`streaming.spark.records.by_topic`."""
    messages, refusals = parse_records(records)
    rows, instruments = _accepted(records, messages, refusals)
    if not rows:
        return Judged(pl.DataFrame(), refusals)
    frame = _frame(records, rows, instruments)
    frame = _refuse_where(_checked(frame, refusals, first_hour), refusals)
    return Judged(_columns(frame), refusals)


def _accepted(
    records: pa.Table, messages: list[Message | Refusal], refusals: dict[int, tuple[str, str]]
) -> tuple[list[tuple[Any, ...]], list[Instrument]]:
    keys, rows, instruments = Keys(), [], []
    for i, (message, key) in enumerate(zip(messages, records["key"].to_pylist(), strict=True)):
        if isinstance(message, Refusal):
            continue
        instrument = keys.instrument(key)
        if isinstance(instrument, str):
            refusals[i] = ("unknown_symbol", instrument)
        elif not isinstance(message, Trade):
            refusals[i] = ("wrong_topic", f"a {type(message).__name__} among the trades")
        elif problem := keys.disagreement(instrument, message.symbol):
            refusals[i] = ("symbol_mismatch", problem)
        elif not 0 <= message.first_id <= message.last_id < _ID_LIMIT or not 0 <= message.time < _ID_LIMIT * 2:
            refusals[i] = ("wrong_type", f"id {message.first_id} or time {message.time} is out of range")
        else:
            rows.append((i, *message[:6]))
            instruments.append(instrument)
    return rows, instruments


def _frame(records: pa.Table, rows: list[tuple[Any, ...]], instruments: list[Instrument]) -> pl.DataFrame:
    numbers, firsts, lasts, times, prices, quantities, buys = zip(*rows, strict=True)
    return taken(records, numbers).with_columns(
        pl.Series("venue", [str(i.venue) for i in instruments], pl.String),
        pl.Series("symbol", [i.symbol for i in instruments], pl.String),
        pl.Series("first_id", firsts, pl.Int64),
        pl.Series("last_id", lasts, pl.Int64),
        pl.Series("time", times, pl.Int64),
        pl.Series("price", prices, pl.String),
        pl.Series("quantity", quantities, pl.String),
        pl.Series("is_buy", buys, pl.Boolean),
    )


def _checked(frame: pl.DataFrame, refusals: dict[int, tuple[str, str]], first_hour: Hour) -> pl.DataFrame:
    """Add typed columns and the ``reason`` of each row that fails; decimals that do not fit are refused by row."""
    numbers = frame["record"]
    for name in ("price", "quantity"):
        series, odd = normalise(frame[name])
        frame = frame.with_columns(series)
        for row, (reason, detail) in odd.items():
            refusals[int(numbers[row])] = (reason, f"{name}: {detail}")
    frame = frame.filter(~pl.col("record").is_in(list(refusals)))
    digits = fraction_digits(frame["price"]) + fraction_digits(frame["quantity"])
    product = pl.col("price").cast(pl.Float64) * pl.col("quantity").cast(pl.Float64)
    frame = frame.with_columns(
        digits.alias("digits"), product.alias("product"), _event_us().alias("event_us"), pl.lit("").alias("reason")
    )
    frame = frame.with_columns(event_time=pl.col("event_us").cast(_US))
    ahead = pl.col("event_time") > pl.col("kafka_time") + AHEAD
    positive = pl.col("price").str.contains("[1-9]") & pl.col("quantity").str.contains("[1-9]")
    return frame.with_columns(
        reason=pl.when(pl.col("event_us").is_null()).then(pl.lit("bad_time"))
        .when(ahead).then(pl.lit("far_future"))
        .when(pl.col("event_time") < first_hour.start).then(pl.lit("before_lake_start"))
        .when(~positive).then(pl.lit("not_positive"))
        .when((pl.col("digits") > 18) | (pl.col("product") > _QUOTE_LIMIT)).then(pl.lit("decimal_overflow"))
        .otherwise(pl.lit(""))
    )  # fmt: skip


def _event_us() -> pl.Expr:
    expression = pl.lit(None, pl.Int64)
    for low, high, factor, divisor in _TIME_UNITS:
        inside = pl.col("time").is_between(low, high - 1)
        expression = pl.when(inside).then(pl.col("time") * factor // divisor).otherwise(expression)
    return expression


def _refuse_where(frame: pl.DataFrame, refusals: dict[int, tuple[str, str]]) -> pl.DataFrame:
    bad = frame.filter(pl.col("reason") != "")
    for record, reason, time, price, quantity in bad.select(
        "record", "reason", "time", "price", "quantity"
    ).iter_rows():
        refusals[record] = (reason, f"time {time}, price {price[:60]}, quantity {quantity[:60]}")
    return frame.filter(pl.col("reason") == "")


def _columns(frame: pl.DataFrame) -> pl.DataFrame:
    price, quantity = pl.col("price").cast(DECIMAL), pl.col("quantity").cast(DECIMAL)
    return frame.with_columns(
        price,
        quantity,
        quote_quantity=price * quantity,
        trade_id=pl.col("first_id"),
        last_trade_id=pl.col("last_id"),
        side=pl.when("is_buy").then(pl.lit("buy")).otherwise(pl.lit("sell")),
        lateness_ms=(pl.col("kafka_time") - pl.col("event_time")).dt.total_milliseconds(),
    )
