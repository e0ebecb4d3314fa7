"""The clean query's task: each record ends in exactly one of the clean table, duplicates and quarantine."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import DUPLICATES, QUARANTINE
from cryptoviz.storage.objects import Objects
from streaming.feeds.parsed import MAX_VALUE_BYTES
from streaming.spark.decimals import DECIMAL
from streaming.spark.imported import with_refused
from streaming.spark.judges import Judge
from streaming.spark.novelty import Novelty
from streaming.spark.parquet import write_hours
from streaming.spark.raw_task import Task
from streaming.spark.records import Floors, by_topic
from streaming.spark.report import TopicReport, encode, offset_ranges, oldest_us
from streaming.spark.split import split_by_novelty, split_samples

Seen = Mapping[str, Mapping[str, IdSet]]
"""Ids in the lake, by topic and record key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """How a topic's records are judged and where they go. Sampled ones have no ids, unless they are imported."""

    table: Table
    judge: Judge
    is_sampled: bool = False


def clean_task(*, kinds: Mapping[str, Kind], location: Location, floors: Floors, seen: Seen, first_hour: Hour) -> Task:
    """A task over Arrow batches. ``kinds`` maps a topic's name on the broker to its kind."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        objects = Objects(location)
        reports = [
            clean_topic(topic, records, kinds[topic], objects, seen.get(topic, {}), first_hour)
            for topic, records in by_topic(batches, floors)
        ]
        if reports:
            yield encode(reports)

    return run


def clean_topic(
    topic: str, records: pa.Table, kind: Kind, objects: Objects, seen: Mapping[str, IdSet], first_hour: Hour
) -> TopicReport:
    """Judge, compare with the ids seen, write the three tables' files and report."""
    judged = kind.judge(records, first_hour=first_hour)
    rows, ids = (split_samples if kind.is_sampled else split_by_novelty)(judged.rows, seen, judged.refusals)
    new = rows[Novelty.NEW]
    files = [
        *write_hours(kind.table, _arrow(new, kind.table), objects),
        *write_hours(DUPLICATES, _arrow(_said_again(rows[Novelty.REPEAT]), DUPLICATES), objects),
        *write_hours(QUARANTINE, _quarantine(records, judged.refusals), objects),
    ]
    return TopicReport(
        topic=topic,
        ranges=offset_ranges(records, topic),
        files=files,
        ids=with_refused(ids, records, judged.refusals, seen),
        refused=len(judged.refusals),
        repeated=rows[Novelty.REPEAT].height,
        oldest_us=oldest_us(records),
    )


def _arrow(rows: pl.DataFrame, table: Table) -> pa.Table:
    return rows.select(table.column_names).to_arrow() if rows.height else pa.table({})


def _said_again(repeats: pl.DataFrame) -> pl.DataFrame:
    """Repeats with what they say, so that one that contradicts the record kept can be told."""
    silent = [name for name in ("price", "quantity") if name not in repeats.columns]
    return repeats.with_columns(pl.lit(None, DECIMAL).alias(name) for name in silent)


def _quarantine(records: pa.Table, refusals: Mapping[int, tuple[str, str]]) -> pa.Table:
    if not refusals:
        return pa.table({})
    numbers = sorted(refusals)
    rows = records.take(pa.array(numbers, pa.int64()))
    sizes = pc.fill_null(pc.binary_length(rows["value"]), 0).cast(pa.int64())
    cut = pa.array([v[:MAX_VALUE_BYTES] if v is not None else None for v in rows["value"].to_pylist()], pa.binary())
    return (
        rows.set_column(rows.column_names.index("value"), "value", cut)
        .append_column("value_size", sizes)
        .append_column("reason", pa.array([refusals[n][0] for n in numbers], pa.string()))
        .append_column("detail", pa.array([refusals[n][1][:500] for n in numbers], pa.string()))
    )
