"""Quotes of polled vendors judged: samples, with their age and whether they are stale.

Vendors write binary fractions: what has more than 18 decimals is rounded half to even. Zero means "not known" to them
and becomes null, except in a price, which is then none.
"""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import DECIMAL_PRECISION, DECIMAL_SCALE
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.topics import Source
from streaming.feeds.legacy_messages import schema_of
from streaming.feeds.parsed import Quote, Refusal
from streaming.feeds.sessions import open_seconds
from streaming.spark.decimals import DECIMAL
from streaming.spark.imported import numbers_of
from streaming.spark.judge_trades import AHEAD
from streaming.spark.judged import Judged, Keys, parse_records, taken

STALE_AFTER = timedelta(minutes=10)
_AMOUNTS = (
    "price", "market_cap", "volume_24h", "bid_price", "bid_quantity", "ask_price", "ask_quantity", "high_24h",
    "low_24h",
)  # fmt: skip
_CHANGES = ("change_1h", "change_24h", "change_7d", "price_change_24h")
_TEXTS = ("name", "other_fields")
_STEP = Decimal(1).scaleb(-DECIMAL_SCALE)
_LIMIT = Decimal(10) ** (DECIMAL_PRECISION - DECIMAL_SCALE)
_ROUNDING = Context(prec=100, rounding=ROUND_HALF_EVEN)
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "venue": pl.String,
    "symbol": pl.String,
    **dict.fromkeys((*_AMOUNTS, *_CHANGES), DECIMAL),
    **dict.fromkeys(_TEXTS, pl.String),
    "source_time": pl.Datetime("us", "UTC"),
    "age_ms": pl.Int64,
    "is_stale": pl.Boolean,
}


class NoQuote(ValueError):
    """A record that quotes nothing, with the reason that goes to quarantine."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def judge_quotes(records: pa.Table, *, first_hour: Hour) -> Judged:
    """Rows of ``quotes`` and refusals."""
    messages, refusals = parse_records(_named(records))
    keys, rows, numbers = Keys(), [], []
    received_times = pc.coalesce(records["received_time"], records["kafka_time"]).to_pylist()
    heard = zip(records["key"].to_pylist(), received_times, strict=True)
    for i, (message, (key, received)) in enumerate(zip(messages, heard, strict=True)):
        if isinstance(message, Refusal):
            continue
        try:
            own = message.key if isinstance(message, Quote) else ""
            rows.append(_row(message, keys, own or key, received, first_hour))
            numbers.append(i)
        except NoQuote as error:
            refusals[i] = (error.reason, str(error))
    if not rows:
        return Judged(pl.DataFrame(), refusals)
    imported = numbers_of(records)
    frame = taken(records, numbers).with_columns(
        source=pl.when(pl.col("source") == "").then(pl.lit(Source.LEGACY)).otherwise("source"),
        received_time=pl.coalesce("received_time", "kafka_time"),
        import_number=pl.Series([imported[i] for i in numbers], dtype=pl.Int64),
    )
    return Judged(frame.hstack(pl.DataFrame(rows, schema=_SCHEMA)), refusals)


def _named(records: pa.Table) -> pa.Table:
    """Records without headers named by their shape and topic, as earlier pipelines sent none."""
    schemas = records["schema"].to_pylist()
    if "" not in schemas:
        return records
    said = zip(schemas, records["value"].to_pylist(), records["topic"].to_pylist(), strict=True)
    named = [schema or schema_of(value, topic) for schema, value, topic in said]
    return records.set_column(records.column_names.index("schema"), "schema", pa.array(named, pa.string()))


def _row(
    message: object, keys: Keys, key: str | None, received: datetime | None, first_hour: Hour
) -> dict[str, object]:
    instrument = keys.instrument(key)
    if isinstance(instrument, str):
        raise NoQuote("unknown_symbol", instrument)
    if not isinstance(message, Quote):
        raise NoQuote("wrong_topic", f"a {type(message).__name__} among the quotes")
    if problem := keys.disagreement(instrument, message.symbol):
        raise NoQuote("symbol_mismatch", problem)
    if received is None or received < first_hour.start:
        raise NoQuote("bad_time", f"received {received}, the lake begins {first_hour.start}")
    amounts = {name: _amount(name, getattr(message, name)) for name in _AMOUNTS}
    if not amounts["price"]:
        raise NoQuote("no_quote", f"price is {message.price}")
    return {
        "venue": str(instrument.venue),
        "symbol": instrument.symbol,
        **{name: value or None for name, value in amounts.items()},
        **{name: _number(name, getattr(message, name)) for name in _CHANGES},
        **{name: getattr(message, name) for name in _TEXTS},
        **_age(instrument, message.time_us, received),
    }


def _age(instrument: Instrument, time_us: int | None, received: datetime) -> dict[str, object]:
    """A stock's quote does not age while its exchange is closed."""
    if time_us is None:
        return {"source_time": None, "age_ms": None, "is_stale": False}
    try:
        said = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=time_us)
    except OverflowError:
        raise NoQuote("bad_time", f"the vendor's time {time_us} is out of range") from None
    if said > received + AHEAD:
        raise NoQuote("far_future", f"the vendor's time {said} is after {received}")
    age = received - said
    is_stock = instrument.venue is Venue.FINNHUB
    aged = open_seconds(said, received) if is_stock and age > STALE_AFTER else age.total_seconds()
    age_ms = age // timedelta(milliseconds=1)
    return {"source_time": said, "age_ms": age_ms, "is_stale": aged > STALE_AFTER.total_seconds()}


def _amount(name: str, text: str | None) -> Decimal | None:
    number = _number(name, text)
    if number is not None and number < 0:
        raise NoQuote("not_positive", f"{name} is {number}")
    return number


def _number(name: str, text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise NoQuote("bad_decimal", f"{name}: {text[:60]!r} is not a decimal number") from None
    if not number.is_finite():
        raise NoQuote("bad_decimal", f"{name}: {text[:60]!r} is not finite")
    if abs(number) >= _LIMIT:
        raise NoQuote("decimal_overflow", f"{name}: {text[:60]} does not fit decimal(38,18)")
    return number.quantize(_STEP, context=_ROUNDING)
