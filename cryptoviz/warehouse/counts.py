"""How many rows PostgreSQL has of each partition, counted, beside what its ledger says each was loaded from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.warehouse.ddl import SCHEMA
from cryptoviz.warehouse.load import Loaded, loaded_partitions
from cryptoviz.warehouse.publications import Publication, Span
from cryptoviz.warehouse.schema import Connection


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of each partition of one table, and the ledger's word on it; both as of one instant."""

    rows: Mapping[Span, int]
    loaded: Mapping[Span, Loaded]


def count_rows(connection: Connection, publication: Publication, *, start: datetime, end: datetime) -> Held:
    """Partitions that begin in `[start, end)`; one without rows is left out."""
    time = sql.Identifier(publication.table.time_column)
    query = sql.SQL(
        "SELECT date_trunc({unit}, {time}, 'UTC'), count(*) FROM {table} "
        "WHERE {time} >= %(start)s AND {time} < %(end)s GROUP BY 1"
    ).format(
        unit=sql.Literal("day" if publication.is_daily else "hour"),
        time=time,
        table=sql.Identifier(SCHEMA, publication.name),
    )
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        counted = connection.execute(query, {"start": start, "end": end}).fetchall()
        loaded = loaded_partitions(connection).get(publication.name, {})
    spans = {publication.span(key): one for key, one in loaded.items()}
    return Held(
        rows={_span(publication, begin): count for begin, count in counted},
        loaded={span: one for span, one in spans.items() if start <= span.start < end},
    )


def _span(publication: Publication, begin: datetime) -> Span:
    return Day.containing(begin) if publication.is_daily else Hour.containing(begin)
