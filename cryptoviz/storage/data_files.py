"""Rows as the bytes of a data file, and what Delta's log says of it: one encoding for whoever writes a table."""

import json
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cryptoviz.lake.schema import Table, Type

_DELTA_ENCODED = {Type.INT32, Type.INT64, Type.TIMESTAMP}
_HASH = "row_hash"


def encode(table: Table, rows: pa.Table, *, level: int = 1) -> bytes:
    """Parquet bytes: zstd, numbers delta encoded (ids, offsets and times grow in small steps), text by dictionary.

    The same rows in the same order give the same bytes.
    """
    encodings = {c.name: "DELTA_BINARY_PACKED" for c in table.columns if c.type in _DELTA_ENCODED}
    if _HASH in encodings:
        encodings[_HASH] = "PLAIN"
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows,
        sink,
        compression="zstd",
        compression_level=level,
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
