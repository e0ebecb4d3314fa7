"""Best bids and asks judged: parsed by the venue's parser, then checked in columns for time, exactness and order."""

import polars as pl
import pyarrow as pa

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.symbols import Instrument
from streaming.feeds.parsed import BookTicker, Message, Refusal
from streaming.spark.decimals import DECIMAL, normalise
from streaming.spark.judge_trades import AHEAD
from streaming.spark.judged import Judged, Keys, parse_records, taken

_AMOUNTS = ("bid_price", "bid_quantity", "ask_price", "ask_quantity")
_ID_LIMIT = 1 << 62
_US = pl.Datetime("us", "UTC")

Accepted = tuple[int, Instrument, BookTicker]


def judge_book_tickers(records: pa.Table, *, first_hour: Hour) -> Judged:
    """Rows of ``book_tickers`` and refusals. A state without the venue's time was so when it was received."""
    messages, refusals = parse_records(records)
    accepted = _accepted(records, messages, refusals)
    if not accepted:
        return Judged(pl.DataFrame(), refusals)
    frame = _exact(_frame(records, accepted), refusals).with_columns(reason=_reason(first_hour))
    refused = frame.filter(pl.col("reason") != "").select("record", "reason", "event_time", *_AMOUNTS)
    for record, reason, time, bid, _, ask, _ in refused.iter_rows():
        refusals[record] = (reason, f"bid {bid}, ask {ask} at {time}")
    return Judged(frame.filter(pl.col("reason") == ""), refusals)


def _accepted(
    records: pa.Table, messages: list[Message | Refusal], refusals: dict[int, tuple[str, str]]
) -> list[Accepted]:
    keys, accepted = Keys(), []
    for i, (message, key) in enumerate(zip(messages, records["key"].to_pylist(), strict=True)):
        if isinstance(message, Refusal):
            continue
        instrument = keys.instrument(key)
        if isinstance(instrument, str):
            refusals[i] = ("unknown_symbol", instrument)
        elif not isinstance(message, BookTicker):
            refusals[i] = ("wrong_topic", f"a {type(message).__name__} among the book tickers")
        elif problem := keys.disagreement(instrument, message.symbol):
            refusals[i] = ("symbol_mismatch", problem)
        elif not 0 <= (message.update_id or 0) < _ID_LIMIT:
            refusals[i] = ("wrong_type", f"update id {message.update_id} is out of range")
        else:
            accepted.append((i, instrument, message))
    return accepted


def _frame(records: pa.Table, accepted: list[Accepted]) -> pl.DataFrame:
    instruments, messages = [i for _, i, _ in accepted], [m for _, _, m in accepted]
    said = pl.Series("said", [m.time_us for m in messages], pl.Int64).cast(_US)
    return taken(records, [number for number, _, _ in accepted]).with_columns(
        pl.Series("venue", [str(i.venue) for i in instruments], pl.String),
        pl.Series("symbol", [i.symbol for i in instruments], pl.String),
        pl.Series("update_id", [m.update_id for m in messages], pl.Int64),
        *(pl.Series(name, [getattr(m, name) for m in messages], pl.String) for name in _AMOUNTS),
        event_time=pl.coalesce(said, pl.col("received_time")),
    )


def _exact(frame: pl.DataFrame, refusals: dict[int, tuple[str, str]]) -> pl.DataFrame:
    """Amounts as decimals; rows with one that is none, or does not fit, join the refusals."""
    numbers = frame["record"]
    for name in _AMOUNTS:
        series, odd = normalise(frame[name])
        frame = frame.with_columns(series)
        for row, (reason, detail) in odd.items():
            refusals[int(numbers[row])] = (reason, f"{name}: {detail}")
    kept = frame.filter(~pl.col("record").is_in(list(refusals)))
    return kept.with_columns(pl.col(name).cast(DECIMAL) for name in _AMOUNTS)


def _reason(first_hour: Hour) -> pl.Expr:
    """Why a row is refused, empty when it is not. Equal prices pass: a book may be locked for a moment."""
    time = pl.col("event_time")
    return (
        pl.when(time.is_null()).then(pl.lit("bad_time"))
        .when(time > pl.col("kafka_time") + AHEAD).then(pl.lit("far_future"))
        .when(time < first_hour.start).then(pl.lit("before_lake_start"))
        .when(pl.any_horizontal(pl.col(name) <= 0 for name in _AMOUNTS)).then(pl.lit("not_positive"))
        .when(pl.col("bid_price") > pl.col("ask_price")).then(pl.lit("crossed_quote"))
        .otherwise(pl.lit(""))
    )  # fmt: skip
