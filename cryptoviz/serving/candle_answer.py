"""Candles for ``/api/v1/candles``: the lake's, as of an instant if asked, followed by those that still form."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from cryptoviz.lake.candle_tables import Interval
from cryptoviz.lake.symbols import Instrument
from cryptoviz.serving.as_of import known_at
from cryptoviz.serving.candle_reader import Candles, Range
from cryptoviz.serving.errors import BAD_PARAMETER, ApiError
from cryptoviz.serving.forming import Forming
from cryptoviz.serving.intervals import Served
from cryptoviz.serving.kline_rows import live_tail
from cryptoviz.serving.parts import Parts


@dataclass(frozen=True, kw_only=True, slots=True)
class CandleQuestion:
    """What was asked. ``fields`` empty means every column."""

    instrument: Instrument
    interval: Served
    first: datetime | None
    end: datetime | None
    limit: int
    as_of: datetime | None
    fields: tuple[str, ...]
    with_live: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CandleAnswer:
    """Rows, what is known about them, and a key that changes whenever they may."""

    frame: pl.DataFrame
    meta: dict[str, Any]
    key: str


def answer_candles(parts: Parts, question: CandleQuestion) -> CandleAnswer:
    """Answer. Raises ApiError for columns that do not exist, StoreUnavailable, OSError."""
    wanted = Range(first=question.first, end=question.end, limit=question.limit)
    found = parts.reader.read(question.instrument, question.interval, wanted)
    frame = _as_known(parts, question, found) if question.as_of else _with_live(parts, question, wanted, found.frame)
    unknown = set(question.fields) - set(frame.columns)
    if unknown:
        raise ApiError(BAD_PARAMETER, f"No such fields: {', '.join(sorted(unknown))}.")
    last = frame.row(-1) if frame.height else ()
    key = f"{found.table}@{found.snapshot.version}:{hash(last):x}"
    meta = _meta(question, found, frame)
    return CandleAnswer(frame=frame.select(question.fields) if question.fields else frame, meta=meta, key=key)


def _as_known(parts: Parts, question: CandleQuestion, found: Candles) -> pl.DataFrame:
    if question.interval.name not in set(Interval):
        intervals = ", ".join(Interval)
        raise ApiError(BAD_PARAMETER, f"as_of is answered for the intervals that are tables: {intervals}.")
    assert question.as_of is not None  # noqa: S101 - the caller asked for it
    interval = Interval(question.interval.name)
    return known_at(found.frame, question.as_of, interval=interval, location=parts.settings.lake)


def _with_live(parts: Parts, question: CandleQuestion, wanted: Range, lake: pl.DataFrame) -> pl.DataFrame:
    if not question.with_live or (wanted.is_from_start and lake.height == wanted.limit):
        return lake
    tail = live_tail(parts, question.instrument, question.interval, wanted)
    if not tail:
        return lake
    rows = pl.DataFrame([_row(question.instrument, one) for one in tail], schema=lake.schema, orient="row")
    joined = pl.concat([lake.filter(pl.col("window_start") < tail[0].start), rows])
    return joined.head(wanted.limit) if wanted.is_from_start else joined.tail(wanted.limit)


def _row(instrument: Instrument, candle: Forming) -> dict[str, Any]:
    part = candle.part
    return {
        "venue": str(instrument.venue),
        "symbol": instrument.symbol,
        "window_start": candle.start,
        "window_end": candle.end,
        "open": part.open,
        "high": part.high,
        "low": part.low,
        "close": part.close,
        "volume": part.volume,
        "quote_volume": part.quote_volume,
        "taker_buy_volume": part.taker_buy_volume,
        "taker_sell_volume": part.volume - part.taker_buy_volume,
        "taker_buy_quote_volume": part.taker_buy_quote_volume,
        "trade_count": part.trade_count,
        "first_trade_id": part.first_trade_id or None,
        "last_trade_id": part.last_trade_id or None,
        "status": "open" if candle.is_open else "live_closed",
        "revision": 0,
    }


def _meta(question: CandleQuestion, found: Candles, frame: pl.DataFrame) -> dict[str, Any]:
    return {
        "venue": str(question.instrument.venue),
        "symbol": question.instrument.symbol,
        "interval": question.interval.name,
        "rows": frame.height,
        "table": found.table,
        "table_version": found.snapshot.version,
        "age_s": round(found.snapshot.age_s, 1),
        "as_of": question.as_of.isoformat() if question.as_of else None,
        "degraded": found.snapshot.doubt,
        "reason": "" if frame.height else found.reason or "no candle of the range was known then",
    }
