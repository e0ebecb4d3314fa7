"""Listings of markets judged: our own feed's records, checked like all."""

from datetime import datetime

import polars as pl
import pyarrow as pa

from cryptoviz.lake.hours import Hour
from streaming.feeds.parsed import ListingNotice, Refusal
from streaming.spark.decimals import DECIMAL, plain_text
from streaming.spark.judged import Judged, Keys, parse_records, taken

_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    **dict.fromkeys(("venue", "symbol", "venue_symbol", "base", "quote", "tick_size", "lot_size", "status"), pl.String)
}


def judge_instruments(records: pa.Table, *, first_hour: Hour) -> Judged:
    """Rows of ``instruments`` and refusals."""
    messages, refusals = parse_records(records)
    keys, rows, numbers = Keys(), [], []
    heard = zip(records["key"].to_pylist(), records["received_time"].to_pylist(), strict=True)
    for i, (message, (key, received)) in enumerate(zip(messages, heard, strict=True)):
        if isinstance(message, Refusal):
            continue
        try:
            rows.append(_row(message, keys, key, received, first_hour))
            numbers.append(i)
        except ValueError as error:
            refusals[i] = ("bad_listing", str(error))
    if not rows:
        return Judged(pl.DataFrame(), refusals)
    sizes = pl.col("tick_size", "lot_size").cast(DECIMAL)
    frame = taken(records, numbers).hstack(pl.DataFrame(rows, schema=_SCHEMA))
    return Judged(frame.with_columns(sizes, event_time=pl.col("received_time")), refusals)


def _row(
    message: object, keys: Keys, key: str | None, received: datetime | None, first_hour: Hour
) -> dict[str, object]:
    if received is None or received < first_hour.start:
        raise ValueError(f"received {received}, the lake begins {first_hour.start}")
    instrument = keys.instrument(key)
    if isinstance(instrument, str):
        raise ValueError(instrument)  # noqa: TRY004 - a fact about data, not a bug
    if not isinstance(message, ListingNotice):
        raise ValueError(f"a {type(message).__name__} among the listings")  # noqa: TRY004 - as above
    if message.key != instrument.key:
        raise ValueError(f"the listing is of {message.key}, the key of {instrument.key}")
    return {
        "venue": str(instrument.venue),
        "symbol": instrument.symbol,
        "venue_symbol": message.venue_symbol,
        "base": message.base,
        "quote": message.quote,
        "tick_size": None if message.tick_size is None else plain_text(message.tick_size),
        "lot_size": None if message.lot_size is None else plain_text(message.lot_size),
        "status": message.status,
    }
