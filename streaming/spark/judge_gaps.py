"""States of gaps judged. They are our own feed's records, yet anybody may write to a topic: they are checked too."""

import polars as pl
import pyarrow as pa

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.symbols import Instrument
from streaming.feeds.parsed import GapNotice, Refusal
from streaming.spark.judge_trades import AHEAD
from streaming.spark.judged import Judged, Keys, parse_records, taken

_US = pl.Datetime("us", "UTC")
_LIMIT = 1 << 62
_LATEST_US = 4 * 10**15
_SCHEMA = {
    "venue": pl.String,
    "symbol": pl.String,
    "first_id": pl.Int64,
    "last_id": pl.Int64,
    "state": pl.String,
    "cause": pl.String,
    "opened_time": pl.Int64,
    "event_time": pl.Int64,
    "since_time": pl.Int64,
    "evidence": pl.String,
}


def judge_gaps(records: pa.Table, *, first_hour: Hour) -> Judged:
    """Rows of ``gaps`` and refusals."""
    messages, refusals = parse_records(records)
    keys, rows, numbers = Keys(), [], []
    for i, (message, key) in enumerate(zip(messages, records["key"].to_pylist(), strict=True)):
        if isinstance(message, Refusal):
            continue
        try:
            rows.append(_row(message, keys.instrument(key)))
            numbers.append(i)
        except ValueError as error:
            refusals[i] = ("bad_gap", str(error))
    if not rows:
        return Judged(pl.DataFrame(), refusals)
    times = pl.col("opened_time", "event_time", "since_time").cast(_US)
    frame = taken(records, numbers).hstack(pl.DataFrame(rows, schema=_SCHEMA)).with_columns(times)
    inside = pl.col("event_time").is_between(pl.lit(first_hour.start), pl.col("kafka_time") + AHEAD)
    for record, time in frame.filter(~inside).select("record", "event_time").iter_rows():
        refusals[record] = ("bad_time", f"{time} is before the lake or in the future")
    return Judged(frame.filter(inside), refusals)


def _row(message: object, instrument: Instrument | str) -> dict[str, object]:
    if isinstance(instrument, str):
        raise ValueError(instrument)  # noqa: TRY004 - a fact about data, not a bug
    if not isinstance(message, GapNotice):
        raise ValueError(f"a {type(message).__name__} among the gaps")  # noqa: TRY004 - a fact about data, not a bug
    if message.key != instrument.key:
        raise ValueError(f"the notice is of {message.key}, the key of {instrument.key}")
    if not 0 <= message.first_id <= message.last_id < _LIMIT:
        raise ValueError(f"ids {message.first_id} to {message.last_id} are no range")
    if not all(0 <= time < _LATEST_US for time in (message.opened_us, message.changed_us, message.since_us or 0)):
        raise ValueError(f"times {message.opened_us}, {message.changed_us}, {message.since_us} are out of range")
    return {
        "venue": str(instrument.venue),
        "symbol": instrument.symbol,
        "first_id": message.first_id,
        "last_id": message.last_id,
        "state": message.state,
        "cause": message.cause,
        "opened_time": message.opened_us,
        "event_time": message.changed_us,
        "since_time": message.since_us,
        "evidence": message.evidence or None,
    }
