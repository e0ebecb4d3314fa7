"""Candles put where readers find them: what they replace is kept first, then the record, then the candles.

A crash in between leaves a row too many of what was replaced; the next publication writes it again, and both say the
same of every instant.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from cryptoviz.lake.candle_tables import CANDLE_PUBLICATIONS, CANDLE_REVISIONS, OHLC, Interval
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import Table
from cryptoviz.storage.frames import append_rows, empty, replace_partition
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.revisions import Revised, revise

_DETAILS = 100
SPAN = "cryptoviz.span"
"""Metadata of the commit that writes candles: the hour or day they are of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Candles of one hour or day."""

    span: Hour | Day
    candles: pl.DataFrame


def publish(lake: Lake, interval: Interval, parts: Sequence[Part]) -> list[Revised]:
    """Replace the hours or days of a candle table; what was there and what changed stays readable."""
    table, now = OHLC[interval], lake.now()
    revised = [revise(_in_shape(part.candles, table), lake.rows(table, part.span)) for part in parts]
    superseded = [r.superseded for r in revised if r.superseded.height]
    if superseded:
        kept = pl.concat(superseded).with_columns(interval=pl.lit(interval.value), superseded_time=pl.lit(now))
        append_rows(CANDLE_REVISIONS, lake.location, kept)
    records = [_record(interval, part, r, now) for part, r in zip(parts, revised, strict=True) if r.is_news]
    if records:
        schema = empty(CANDLE_PUBLICATIONS).schema
        append_rows(CANDLE_PUBLICATIONS, lake.location, pl.DataFrame(records, schema=schema))
    for part, result in zip(parts, revised, strict=True):
        replace_partition(table, lake.location, part.span, result.candles, {SPAN: part.span.key})
    return revised


def _in_shape(candles: pl.DataFrame, table: Table) -> pl.DataFrame:
    return candles.select(table.column_names).sort(table.key)


def _record(interval: Interval, part: Part, revised: Revised, now: datetime) -> dict[str, object]:
    final = revised.candles.filter(pl.col("revision") > 0)
    versions = final.head(1).select("source_version", "quotes_version").rows() or [("", "")]
    return {
        "interval": interval.value,
        "start": part.span.start,
        "published_time": now,
        "cause": revised.cause,
        "source_version": versions[0][0],
        "quotes_version": versions[0][1],
        "candles": revised.candles.height,
        "changed": revised.changed,
        "detail": json.dumps(revised.changes[:_DETAILS]),
    }
