"""Load one partition: staged, then swapped in one transaction together with the ledger row that says what it is.

Readers see the old rows or the new ones, whatever dies in between. A loader that read an older version of the lake is
refused; loading the same files twice changes nothing. A lost answer to COMMIT is settled by loading again.
"""

import io
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import polars as pl
from psycopg import sql

from cryptoviz.storage.partition_files import PartitionState
from cryptoviz.warehouse.ddl import SCHEMA
from cryptoviz.warehouse.publications import Publication, Span
from cryptoviz.warehouse.schema import LOADS, Connection
from cryptoviz.warehouse.star import refill

_NULL = "\\N"
_STAGING = sql.Identifier("staging")
_LEDGER = sql.Identifier(LOADS, "partitions")


class Outcome(StrEnum):
    """How a load ended."""

    LOADED = "loaded"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    """A newer version of the lake is there already; this one was left out."""


class Loaded(NamedTuple):
    """What PostgreSQL has of one partition: digest of the files it was loaded from, and when."""

    digest: str
    loaded_time: datetime


def load_partition(
    connection: Connection, publication: Publication, span: Span, state: PartitionState, rows: pl.DataFrame
) -> Outcome:
    """Make the rows of a partition those given, which are of ``state``; without rows, remove it."""
    with connection.transaction():
        if rows.height:
            _stage(connection, publication, rows)
        key = {"table": publication.name, "partition": span.key}
        lock = "SELECT pg_advisory_xact_lock(hashtextextended(%(table)s || ' ' || %(partition)s, 0))"
        connection.execute(lock, key)
        if standing := _standing(connection, key, state):
            return standing
        _swap(connection, publication, span, is_empty=not rows.height)
        _record(connection, key, state, rows.height)
    return Outcome.LOADED


def ledger_mark(connection: Connection) -> tuple[int, datetime | None]:
    """Changes with every load and removal: how many partitions there are, and when the last one was loaded."""
    row = connection.execute(sql.SQL("SELECT count(*), max(loaded_time) FROM {}").format(_LEDGER)).fetchone()
    return row or (0, None)


def loaded_partitions(connection: Connection) -> dict[str, dict[str, Loaded]]:
    """What is loaded, by table and partition key."""
    found: dict[str, dict[str, Loaded]] = {}
    query = sql.SQL("SELECT table_name, partition, digest, loaded_time FROM {}").format(_LEDGER)
    for table, key, digest, time in connection.execute(query):
        found.setdefault(table, {})[key] = Loaded(digest, time)
    return found


def _stage(connection: Connection, publication: Publication, rows: pl.DataFrame) -> None:
    target = sql.Identifier(SCHEMA, publication.name)
    create = sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {}) ON COMMIT DROP").format(_STAGING, target)
    connection.execute(create)
    columns = sql.SQL(", ").join(sql.Identifier(c.name) for c in publication.published)
    copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, NULL {})").format(_STAGING, columns, sql.Literal(_NULL))
    with connection.cursor().copy(copy) as stream:
        stream.write(as_csv(rows.select(c.name for c in publication.published)))


def _standing(connection: Connection, key: Mapping[str, str], state: PartitionState) -> Outcome | None:
    """Why nothing is to be done, if so. A table of the lake begun anew starts its versions anew."""
    query = sql.SQL(
        "SELECT table_id, lake_version, digest FROM {} WHERE table_name = %(table)s AND partition = %(partition)s"
    ).format(_LEDGER)
    known = connection.execute(query, key).fetchone()
    if known is None or known[0] != state.table_id:
        return None if state.digest or known else Outcome.UNCHANGED
    if known[2] == state.digest:
        return Outcome.UNCHANGED
    return Outcome.SUPERSEDED if known[1] > state.lake_version else None


def _swap(connection: Connection, publication: Publication, span: Span, *, is_empty: bool) -> None:
    target, time = sql.Identifier(SCHEMA, publication.name), sql.Identifier(publication.table.time_column)
    bounds = {"start": span.start, "end": span.end}
    delete = sql.SQL("DELETE FROM {} WHERE {} >= %(start)s AND {} < %(end)s").format(target, time, time)
    connection.execute(delete, bounds)
    if not is_empty:
        connection.execute(sql.SQL("INSERT INTO {} SELECT * FROM {}").format(target, _STAGING))
    for statement in refill(publication) if publication.fact else ():
        connection.execute(statement.encode(), bounds)


def _record(connection: Connection, key: Mapping[str, str], state: PartitionState, rows: int) -> None:
    if not state.digest:
        forget = sql.SQL("DELETE FROM {} WHERE table_name = %(table)s AND partition = %(partition)s").format(_LEDGER)
        connection.execute(forget, key)
        return
    record = sql.SQL(
        "INSERT INTO {} (table_name, partition, table_id, lake_version, digest, row_count) "
        "VALUES (%(table)s, %(partition)s, %(table_id)s, %(lake_version)s, %(digest)s, %(row_count)s) "
        "ON CONFLICT (table_name, partition) DO UPDATE SET table_id = excluded.table_id, "
        "lake_version = excluded.lake_version, digest = excluded.digest, row_count = excluded.row_count, "
        "loaded_time = excluded.loaded_time"
    ).format(_LEDGER)
    values = {
        **key,
        "table_id": state.table_id,
        "lake_version": state.lake_version,
        "digest": state.digest,
        "row_count": rows,
    }
    connection.execute(record, values)


def as_csv(rows: pl.DataFrame) -> bytes:
    """Rows as COPY reads them: text always quoted, so that neither the empty text nor a spelled-out NULL is one.

    PostgreSQL's text has no NUL character; what a venue sent with one shows U+FFFD instead.
    """
    columns = []
    for column in rows.iter_columns():
        match column.dtype:
            case pl.String():
                columns.append(column.str.replace_all("\0", "\ufffd", literal=True))
            case pl.Binary():
                columns.append("\\x" + column.bin.encode("hex"))
            case pl.Datetime():
                columns.append(column.dt.replace_time_zone(None).dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00"))
            case _:
                columns.append(column)
    sink = io.BytesIO()
    pl.DataFrame(columns).write_csv(sink, include_header=False, quote_style="non_numeric", null_value=_NULL)
    return sink.getvalue()
