"""Where a candle comes from: its trades, their Kafka offsets, and whether they still add up to it."""

from datetime import datetime
from typing import Any

import polars as pl

from cryptoviz.lake.candle_tables import Interval
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import signed
from cryptoviz.lake.symbols import Instrument
from cryptoviz.lake.tables import TRADES
from cryptoviz.serving.as_of import revisions_of
from cryptoviz.serving.candle_reader import Range
from cryptoviz.serving.errors import NOT_FOUND, ApiError
from cryptoviz.serving.intervals import Served
from cryptoviz.serving.parts import Parts
from cryptoviz.serving.reading import scan_promptly
from cryptoviz.serving.rows import json_row
from cryptoviz.storage.frames import TableNotWritten

_PROVED_HOURS = 24


def lineage(parts: Parts, instrument: Instrument, interval: Served, start: datetime) -> dict[str, Any]:
    """The candle that starts then, its sources and the proof. Raises ApiError 404, StoreUnavailable, OSError."""
    found = parts.reader.read(instrument, interval, Range(first=start, end=interval.end_of(start), limit=1))
    if not found.frame.height or found.frame["window_start"][0] != start:
        raise ApiError(NOT_FOUND, f"No candle of {instrument} starts at {start.isoformat()}.", status=404)
    candle = found.frame.row(0, named=True)
    end = candle["window_end"]
    source = Interval(interval.name) if interval.name in set(Interval) else interval.sources[0]
    revisions, publications = revisions_of(parts.settings.lake, instrument, interval=source, start=start)
    return {
        "candle": json_row(candle),
        "table": found.table,
        "table_version": found.snapshot.version,
        "trades": _trades(parts, instrument, start, end, candle),
        "revisions": [json_row(row) for row in revisions.iter_rows(named=True)],
        "publications": [json_row(row) for row in publications.iter_rows(named=True)],
    }


def _trades(
    parts: Parts, instrument: Instrument, start: datetime, end: datetime, candle: dict[str, Any]
) -> dict[str, Any]:
    """Count, offsets by partition and hash sum of the trades of the window, recomputed from the table ``trades``."""
    if _too_long(start, end):
        return {"proven": None, "reason": f"windows of up to {_PROVED_HOURS} hours are recomputed here"}
    try:
        rows = scan_promptly(TRADES, parts.settings.lake, Hour.containing(start), Hour.containing(end))
    except TableNotWritten:
        return {"proven": None, "reason": "table trades has not been written yet"}
    mine = rows.filter(
        pl.col("venue") == str(instrument.venue), pl.col("symbol") == instrument.symbol,
        pl.col("event_time").is_between(start, end, closed="left"),
    )  # fmt: skip
    offsets = mine.group_by("topic", "partition").agg(
        first_offset=pl.col("offset").min(), last_offset=pl.col("offset").max(), records=pl.len(),
        trades=(pl.col("last_trade_id") - pl.col("trade_id") + 1).sum(),
        hash_sum=pl.col("row_hash").cast(pl.Int128).sum(),
        sources=pl.col("source").unique().sort(),
    ).sort("topic", "partition").collect()  # fmt: skip
    total = sum(offsets["hash_sum"].to_list())
    agrees = signed(total) == candle["hash_sum"] and int(offsets["trades"].sum()) == candle["trade_count"]
    return {
        "records": int(offsets["records"].sum()),
        "hash_sum": signed(total),
        "proven": agrees,
        "reason": "" if agrees else "the trades at hand do not add up to the candle; it is stale or of another version",
        "offsets": offsets.drop("hash_sum").to_dicts(),
    }


def _too_long(start: datetime, end: datetime) -> bool:
    return (end - start).total_seconds() > _PROVED_HOURS * 3600
