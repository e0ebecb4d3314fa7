"""A file of an archive as records: JSON as its writer wrote it, rows of Parquet as JSON objects of their columns.

Nothing is judged here beyond whether the file is of an earlier pipeline at all: a bad record goes to the judge too.
"""

import gzip
import math
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from cryptoviz.lake.legacy import LEGACY_SHAPES, LegacyShape, legacy_time_us, shape_of

_TIMES = ("ingestion_timestamp", "trade_timestamp", "eventTime", "event_time", "event_timestamp", "timestamp")
"""Where a record says when it was received, the surest first."""
_RAW_COLUMNS = ("value", "json")
"""Columns in which raw layers kept whole records."""
_ROW = dict[str, Any]
_encode = msgspec.json.Encoder(enc_hook=str, decimal_format="number").encode
_decode = msgspec.json.Decoder(_ROW).decode
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


class BadFile(ValueError):
    """A file that cannot be read or is of no earlier pipeline; the message says why."""


@dataclass(frozen=True, slots=True)
class ArchivedRow:
    """One record: its bytes, its shape's schema, and when it was received in nanoseconds; 0 when it does not say."""

    value: bytes
    schema: str
    received_ns: int


def rows_of(content: bytes, path: str, partition: Mapping[str, int], *, topic: str = "") -> list[ArchivedRow]:
    """The records of a file in their order. ``topic`` names the one they went through, if their shape does not.

    Raises :class:`BadFile` when the file is damaged or not one of its records is of an earlier pipeline.
    """
    is_parquet = path.lower().endswith(".parquet")
    values = list(_parquet(content, partition) if is_parquet else _json(_unzipped(content, path)))
    rows = [_row(value, partition, topic) for value in values]
    if rows and not any(row.schema for row in rows):
        names = next((sorted(found) for value in values if (found := _fields(value))), None)
        what = f"its records have {', '.join(map(repr, names))}" if names else "it holds no JSON objects"
        raise BadFile(f"{what}; expected {_expected()}")
    return rows


def _row(value: bytes, partition: Mapping[str, int], topic: str) -> ArchivedRow:
    fields = _fields(value)
    shape: LegacyShape | None = shape_of(fields, topic)
    return ArchivedRow(value, shape.schema if shape else "", _received_ns(fields, partition))


def _fields(value: bytes) -> _ROW:
    try:
        return _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _received_ns(fields: _ROW, partition: Mapping[str, int]) -> int:
    for name in _TIMES:
        said = fields.get(name)
        if said is None or isinstance(said, bool):
            continue
        try:
            time_us = legacy_time_us(str(said))
        except (ValueError, OverflowError):
            continue
        if 0 < time_us * 1000 < time.time_ns():
            return time_us * 1000
    if {"year", "month", "day"} <= set(partition):
        return _start_ns(partition)
    return 0


def _start_ns(partition: Mapping[str, int]) -> int:
    try:
        start = datetime(partition["year"], partition["month"], partition["day"], partition.get("hour", 0), tzinfo=UTC)
    except ValueError:
        return 0
    return int(start.timestamp()) * 1_000_000_000


def _parquet(content: bytes, partition: Mapping[str, int]) -> Iterator[bytes]:
    try:
        table = pq.ParquetFile(BytesIO(content)).read()
    except (pa.ArrowException, OSError) as error:
        raise BadFile(f"it is no readable Parquet: {str(error).splitlines()[0][:200]}") from None
    whole = next((name for name in _RAW_COLUMNS if table.column_names == [name]), None)
    for row in _in_microseconds(table).to_pylist():
        if whole:
            value = row[whole]
            yield value.encode() if isinstance(value, str) else value or b""
        else:
            yield _as_json({**partition, **row})


def _in_microseconds(table: pa.Table) -> pa.Table:
    """Nanoseconds cut to microseconds: Python has no finer times, and Spark wrote finer ones without meaning them."""
    for i, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
            cut = table.column(i).cast(pa.timestamp("us", column.type.tz), safe=False)
            table = table.set_column(i, column.name, cut)
    return table


def _as_json(row: _ROW) -> bytes:
    """A row as its writer would have sent it; what is no number is null, as JSON has no word for it."""
    plain = {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in row.items()}
    return _encode(plain)


def _json(content: bytes) -> Iterator[bytes]:
    text = content.strip()
    if text.startswith(b"["):
        try:
            yield from (bytes(element) for element in _elements(text))
        except msgspec.DecodeError as error:
            raise BadFile(f"it is no readable JSON: {error}") from None
    elif _fields(text):
        yield text
    else:
        yield from (line for line in map(bytes.strip, text.splitlines()) if line)


def _unzipped(content: bytes, path: str) -> bytes:
    if not path.lower().endswith(".gz"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise BadFile(f"it is no readable gzip: {error}") from None


def _expected() -> str:
    return "; ".join(f"{', '.join(shape.fields)} ({shape.topic})" for shape in LEGACY_SHAPES)
