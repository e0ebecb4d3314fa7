"""Klines judged: the venue's closed hourly candles. An hour's number is the kline's id."""

import polars as pl
import pyarrow as pa

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.symbols import Instrument
from streaming.feeds.parsed import Kline, Refusal
from streaming.spark.decimals import DECIMAL, plain_text
from streaming.spark.judged import Judged, Keys, parse_records, taken

_HOUR_MS = 3_600_000
_AMOUNTS = ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume",
            "taker_buy_quote_volume")  # fmt: skip
_OPTIONAL = {"quote_volume", "taker_buy_volume", "taker_buy_quote_volume"}
_US = pl.Datetime("us", "UTC")


def judge_klines(records: pa.Table, *, first_hour: Hour) -> Judged:
    """Rows of ``klines`` and refusals. Klines before the lake's first hour are history and welcome."""
    del first_hour
    messages, refusals = parse_records(records)
    keys, rows, numbers = Keys(), [], []
    for i, (message, key) in enumerate(zip(messages, records["key"].to_pylist(), strict=True)):
        if isinstance(message, Refusal):
            continue
        instrument = keys.instrument(key)
        try:
            rows.append(_row(message, instrument))
            numbers.append(i)
        except ValueError as error:
            refusals[i] = ("bad_kline", str(error))
    return Judged(_frame(taken(records, numbers), rows) if rows else pl.DataFrame(), refusals)


def _row(message: object, instrument: Instrument | str) -> dict[str, object]:
    if isinstance(instrument, str):
        raise ValueError(instrument)  # noqa: TRY004 - a fact about data, not a bug
    if not isinstance(message, Kline):
        raise ValueError(f"a {type(message).__name__} among the klines")  # noqa: TRY004 - a fact about data, not a bug
    if message.open_time % _HOUR_MS or message.close_time != message.open_time + _HOUR_MS - 1:
        raise ValueError(f"not one whole hour: {message.open_time} to {message.close_time}")
    if not 0 <= message.open_time < 4 * 10**12 or message.trade_count < 0:
        raise ValueError(f"open time {message.open_time} or count {message.trade_count} is out of range")
    amounts = {name: _amount(message, name) for name in _AMOUNTS}
    hour = message.open_time // _HOUR_MS
    return {
        "venue": str(instrument.venue),
        "symbol": instrument.symbol,
        "first_id": hour,
        "last_id": hour,
        "trade_count": message.trade_count,
        **amounts,
    }


def _amount(kline: Kline, name: str) -> str | None:
    text = getattr(kline, name)
    return None if text is None and name in _OPTIONAL else plain_text(text)


def _frame(base: pl.DataFrame, rows: list[dict[str, object]]) -> pl.DataFrame:
    start = (pl.col("first_id") * (_HOUR_MS * 1000)).cast(_US)
    return base.hstack(pl.DataFrame(rows, schema_overrides=dict.fromkeys(_AMOUNTS, pl.String))).with_columns(
        *(pl.col(name).cast(DECIMAL) for name in _AMOUNTS),
        interval=pl.lit("1h"),
        window_start=start,
        window_end=start + pl.duration(hours=1),
        event_time=start,
        trade_id=pl.col("first_id"),
        last_trade_id=pl.col("last_id"),
    )
