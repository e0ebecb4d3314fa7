"""Rows to Parquet files in their hour directories, written by a task and described for the driver's commit."""

import uuid

import numpy as np
import pyarrow as pa

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import DataFile
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.schema import Table
from cryptoviz.storage.data_files import encode, statistics
from cryptoviz.storage.objects import Objects
from streaming.spark.report import hash_sum

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
