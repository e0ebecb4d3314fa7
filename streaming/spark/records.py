"""Kafka records in Arrow: the columns a query hands to its tasks, headers unpacked, replayed offsets left out."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from cryptoviz.lake.topics import Headers

SELECTED = (
    "key", "value", "topic", "partition", "offset", "timestamp AS kafka_time", "headers", "xxhash64(value) AS row_hash"
)  # fmt: skip
_HEADER_NAMES = ("schema", "source", "received_ns", "connection")
_US = pa.timestamp("us", "UTC")

Floors = Mapping[tuple[str, int], int]
"""First offset wanted of each (topic, partition); all records below it are in the lake already."""


def select_records(frame: DataFrame) -> DataFrame:
    """Project a Kafka source to what the tasks need; the row hash is computed beside the fetch."""
    return frame.selectExpr(*SELECTED)


def by_topic(batches: Iterable[pa.RecordBatch], floors: Floors) -> Iterator[tuple[str, pa.Table]]:
    """The task's records, one table a topic, headers as columns, without those below their floor."""
    filled = [batch for batch in batches if batch.num_rows]
    if not filled:
        return
    table = pa.Table.from_batches(filled)
    for topic in pc.unique(table["topic"]).to_pylist():
        mine = table.filter(pc.equal(table["topic"], topic))
        wanted = _above_floors(mine, topic, floors)
        if wanted.num_rows:
            yield topic, _unpack(wanted)


def _above_floors(table: pa.Table, topic: str, floors: Floors) -> pa.Table:
    partitions = table["partition"].to_numpy()
    offsets = table["offset"].to_numpy()
    keep = np.ones(len(offsets), dtype=bool)
    for partition in np.unique(partitions):
        floor = floors.get((topic, int(partition)))
        if floor is not None:
            keep &= (partitions != partition) | (offsets >= floor)
    return table if keep.all() else table.filter(pa.array(keep))


def _unpack(table: pa.Table) -> pa.Table:
    table = table.combine_chunks()
    headers = _headers(table["headers"])
    columns = {
        "topic": table["topic"],
        "partition": table["partition"].cast(pa.int32()),
        "offset": table["offset"],
        "kafka_time": table["kafka_time"].cast(_US),
        "key": _text(table["key"]),
        **headers,
        "value": table["value"],
        "row_hash": table["row_hash"],
    }
    return pa.table(columns)


def _headers(column: pa.ChunkedArray) -> dict[str, pa.Array]:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    fast = _regular_headers(array)
    if fast is not None:
        return fast
    decoded = [Headers.decode([(h["key"], h["value"]) for h in row or ()]) for row in array.to_pylist()]
    return {
        "schema": pa.array([h.schema for h in decoded], pa.string()),
        "source": pa.array([h.source for h in decoded], pa.string()),
        "received_time": pa.array([h.received_ns // 1000 or None for h in decoded], pa.int64()).cast(_US),
        "connection": pa.array([h.connection for h in decoded], pa.string()),
    }


def _regular_headers(array: pa.ListArray) -> dict[str, pa.Array] | None:
    """The usual case without a Python object per row: every record has exactly our headers in our order."""
    count, width = len(array), len(_HEADER_NAMES)
    flat = array.flatten()
    if array.null_count or len(flat) != count * width:
        return None
    names = flat.field("key").to_numpy(zero_copy_only=False).reshape(count, width)
    if not (names == np.array(_HEADER_NAMES, dtype=object)).all():
        return None
    try:
        values = flat.field("value").cast(pa.string())
        columns = [values.take(pa.array(np.arange(i, count * width, width))) for i in range(width)]
        received = pc.divide(columns[2].cast(pa.int64()), 1000).cast(_US)
    except pa.ArrowInvalid:
        return None
    return {"schema": columns[0], "source": columns[1], "received_time": received, "connection": columns[3]}


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        texts = [None if v is None else v.decode("utf-8", "replace") for v in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
