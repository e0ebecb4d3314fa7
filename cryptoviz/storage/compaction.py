"""Many files of an ended hour become one: the same rows, sorted by the table's key.

The new file is read back and compared before it is committed. An hour's version is made of its rows, so compaction
leaves it as it is and nothing is computed again. The same rows give the same bytes, in whatever files they came.
Only for tables that are appended to: what is replaced hour by hour lies in one file an hour as it is.
"""

import io
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import CommitFailedError

from cryptoviz.crash import crash_point
from cryptoviz.lake.candle_tables import CANDLE_PUBLICATIONS, CANDLE_REVISIONS
from cryptoviz.lake.locations import Location
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.schema import Owner, Table
from cryptoviz.lake.tables import TABLES
from cryptoviz.storage.data_files import encode, statistics
from cryptoviz.storage.frames import TableNotWritten, open_table
from cryptoviz.storage.live_files import LiveFile, NewFile, Span, files_by_span, replace_files
from cryptoviz.storage.objects import Objects

APPENDED = (*(table for table in TABLES if table.owner is Owner.SPARK), CANDLE_REVISIONS, CANDLE_PUBLICATIONS)
"""Tables that grow by small files; the others lie in one file an hour or day as they are."""
SETTLED_AFTER = timedelta(hours=2)
"""How long after its end an hour is left alone: most late rows have come by then."""
LARGEST_BYTES = 512 << 20
_LEVEL = 3


class RowsChanged(RuntimeError):
    """The compacted file does not hold the rows of the files it is to replace; nothing was committed."""


@dataclass(kw_only=True, slots=True)
class Compacted:
    """What became of a table's crowded hours. ``contested`` ones were changed by someone else meanwhile."""

    spans: int = 0
    files_before: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    too_large: list[str] = field(default_factory=list)
    contested: list[str] = field(default_factory=list)


def compact(table: Table, location: Location, *, now: datetime, limit: int = 500) -> Compacted:
    """Compact at most ``limit`` ended hours that have more than one file, oldest first."""
    if table not in APPENDED:
        raise ValueError(f"table {table.name} is replaced hour by hour, not appended to; there is nothing to compact")
    done = Compacted()
    try:
        delta = open_table(table, location)
    except TableNotWritten:
        return done
    objects = Objects(location)
    for span, files in crowded(files_by_span(table, delta), now)[:limit]:
        size = sum(file.size for file in files)
        if size > LARGEST_BYTES:
            done.too_large.append(span.key)
            continue
        new = _write_as_one(table, objects, span, files)
        crash_point("compaction.before_commit")
        try:
            replace_files(delta, table, span, files, [new], {"cryptoviz.compacted": span.key}, same_rows=True)
        except CommitFailedError:
            done.contested.append(span.key)
            continue
        finally:
            delta.update_incremental()
        done.spans += 1
        done.files_before += len(files)
        done.bytes_before += size
        done.bytes_after += new.size
    return done


def crowded(files: dict[Span, list[LiveFile]], now: datetime) -> list[tuple[Span, list[LiveFile]]]:
    """Ended hours with more than one file, oldest first."""
    ended = [(span, found) for span, found in files.items() if len(found) > 1 and span.end + SETTLED_AFTER <= now]
    return sorted(ended, key=lambda item: item[0].start)


def _write_as_one(table: Table, objects: Objects, span: Span, files: list[LiveFile]) -> NewFile:
    parts = [_read(table, objects, f"{table.name}/{file.path}") for file in files]
    rows = _sorted(table, pa.concat_tables(parts))
    payload = encode(table, rows, level=_LEVEL)
    expected = sum(file.rows for file in files)
    if rows.num_rows != expected or not pq.read_table(io.BytesIO(payload)).cast(rows.schema).equals(rows):
        raise RowsChanged(f"table {table.name}, {span.key}: {expected} rows became {rows.num_rows} or others")
    path = f"{span.path}/part-{uuid.uuid4().hex}.zstd.parquet"
    objects.put(f"{table.name}/{path}", payload)
    return NewFile(path=path, size=len(payload), statistics=statistics(table, rows))


def _read(table: Table, objects: Objects, path: str) -> pa.Table:
    payload = objects.get(path)
    if payload is None:
        raise FileNotFoundError(f"table {table.name}: its log names {path}, which is gone from the store")
    found = pq.read_table(io.BytesIO(payload))
    return found.select(table.column_names).cast(arrow_schema(table))


def _sorted(table: Table, rows: pa.Table) -> pa.Table:
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - from_arrow of a table is a frame
    order = table.key if frame.select(table.key).is_unique().all() else frame.columns
    return frame.sort(order).to_arrow().cast(arrow_schema(table))
