"""The clean query's task: each record ends in exactly one of the clean table, duplicates and quarantine."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.id_set import IdSet, Interval
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import DUPLICATES, QUARANTINE
from cryptoviz.storage.objects import Objects
from streaming.feeds.parsed import MAX_VALUE_BYTES
from streaming.spark.judged import Judged
from streaming.spark.novelty import Novelty, classify, intervals
from streaming.spark.parquet import write_hours
from streaming.spark.raw_task import Task
from streaming.spark.records import Floors, by_topic
from streaming.spark.report import TopicReport, encode, offset_ranges, oldest_us

Judge = Callable[..., Judged]
Seen = Mapping[str, Mapping[str, IdSet]]
"""Ids in the lake, by topic and record key."""
Split = tuple[dict[Novelty, pl.DataFrame], dict[str, list[Interval]]]
"""Rows by novelty, and the ids that are new by record key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """How a topic's records are judged and where they go. Sampled ones have no ids: none repeats another."""

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
    rows, ids = (_all_new if kind.is_sampled else _split)(judged.rows, seen, judged.refusals)
    new = rows[Novelty.NEW]
    files = [
        *write_hours(kind.table, _arrow(new, kind.table), objects),
        *write_hours(DUPLICATES, _arrow(rows[Novelty.REPEAT], DUPLICATES), objects),
        *write_hours(QUARANTINE, _quarantine(records, judged.refusals), objects),
    ]
    return TopicReport(
        topic=topic,
        ranges=offset_ranges(records, topic),
        files=files,
        ids=ids,
        refused=len(judged.refusals),
        repeated=rows[Novelty.REPEAT].height,
        oldest_us=oldest_us(records),
    )


def _all_new(rows: pl.DataFrame, seen: Mapping[str, IdSet], refusals: dict[int, tuple[str, str]]) -> Split:
    """Sampled states: no id is known, none is a repeat."""
    del seen, refusals
    return {Novelty.NEW: rows, Novelty.REPEAT: rows.clear()}, {}


def _split(rows: pl.DataFrame, seen: Mapping[str, IdSet], refusals: dict[int, tuple[str, str]]) -> Split:
    """Rows by novelty, and the ids that are new. Partial overlaps join the refusals."""
    if not rows.height:
        return dict.fromkeys(Novelty, rows), {}
    rows = rows.sort("partition", "offset")
    fates = np.zeros(rows.height, np.int8)
    firsts, lasts = rows["first_id"].to_numpy(), rows["last_id"].to_numpy()
    ids = {}
    for (key,), group in rows.with_row_index("at").group_by("key"):
        at = group["at"].sort().to_numpy()
        fates[at] = classify(firsts[at], lasts[at], seen.get(str(key), IdSet()))
        fresh = at[fates[at] == Novelty.NEW]
        ids[str(key)] = intervals(firsts[fresh], lasts[fresh])
    parts = {fate: rows.filter(pl.Series(fates == fate)) for fate in Novelty}
    for record, first, last in parts[Novelty.OVERLAP].select("record", "first_id", "last_id").iter_rows():
        refusals[record] = ("partial_overlap", f"some but not all of the ids {first} to {last} are in the lake")
    return parts, {key: found for key, found in ids.items() if found}


def _arrow(rows: pl.DataFrame, table: Table) -> pa.Table:
    return rows.select(table.column_names).to_arrow() if rows.height else pa.table({})


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
