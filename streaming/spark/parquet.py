"""Rows to Parquet files in their hour directories, written by a task and described for the driver's commit."""

import json
import uuid
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import DataFile
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.schema import Table, Type
from cryptoviz.storage.objects import Objects
from streaming.spark.report import hash_sum

_DELTA_ENCODED = {Type.INT32, Type.INT64, Type.TIMESTAMP}
_HOUR_US = 3_600_000_000


def write_hours(table: Table, rows: pa.Table, objects: Objects) -> list[DataFile]:
    """Write one file for each hour of the table's time column. Each file appears whole or not at all."""
    if not rows.num_rows:
        return []
    rows = rows.select(table.column_names).cast(arrow_schema(table))
    numbers = rows[table.time_column].cast(pa.int64()).to_numpy() // _HOUR_US
    hours = np.unique(numbers)
    if len(hours) == 1:
        return [_write(table, Hour.from_number(int(hours[0])), rows, objects)]
    return [_write(table, Hour.from_number(int(h)), rows.filter(pa.array(numbers == h)), objects) for h in hours]


def _write(table: Table, hour: Hour, rows: pa.Table, objects: Objects) -> DataFile:
    payload = encode(table, rows)
    path = f"{hour.path}/part-{uuid.uuid4().hex}.zstd.parquet"
    objects.put(f"{table.name}/{path}", payload)
    return DataFile(
        table=table.name,
        path=path,
        size=len(payload),
        rows=rows.num_rows,
        hash_sum=hash_sum(rows["row_hash"].to_numpy().view(np.uint64)),
        statistics=statistics(table, rows),
    )


def encode(table: Table, rows: pa.Table) -> bytes:
    """Parquet bytes: zstd, numbers delta encoded (ids, offsets and times grow in small steps), text by dictionary."""
    encodings = {c.name: "DELTA_BINARY_PACKED" for c in table.columns if c.type in _DELTA_ENCODED}
    encodings["row_hash"] = "PLAIN"
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows,
        sink,
        compression="zstd",
        compression_level=1,
        use_dictionary=[c.name for c in table.columns if c.type in {Type.STRING, Type.DECIMAL}],
        column_encoding=encodings,
        row_group_size=1 << 20,
    )
    return bytes(sink.getvalue())


def statistics(table: Table, rows: pa.Table) -> str:
    """Delta's statistics of a file: count, and bounds of the columns readers filter on."""
    bounds: dict[str, Any] = {name: pc.min_max(rows[name]).as_py() for name in table.statistics}
    return json.dumps(
        {
            "numRecords": rows.num_rows,
            "minValues": {name: _json(b["min"]) for name, b in bounds.items()},
            "maxValues": {name: _json(b["max"]) for name, b in bounds.items()},
            "nullCount": {name: rows[name].null_count for name in table.statistics},
        }
    )


def _json(value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(value, datetime) else value
