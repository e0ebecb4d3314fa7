"""Bring a database to what the publications declare. What differs is dropped and filled again: the lake has it all."""

from typing import Any

import psycopg

from cryptoviz.warehouse.ddl import SCHEMA, Relation, published_table
from cryptoviz.warehouse.publications import PUBLICATIONS
from cryptoviz.warehouse.server import Role
from cryptoviz.warehouse.star import STAR, dimensions, fact_table
from cryptoviz.warehouse.views import views

Connection = psycopg.Connection[tuple[Any, ...]]

LOADS = "crypto_load"
_SCHEMAS = {
    SCHEMA: "Tables of the lake, and views under the names of earlier pipelines.",
    STAR: "Star schema for Power BI and other ODBC clients: keys, UTC times without zone.",
    LOADS: "What was loaded from which version of the lake.",
}
_LEDGER = (
    f"""CREATE TABLE IF NOT EXISTS {LOADS}.partitions (
  table_name text NOT NULL,
  partition text NOT NULL,
  table_id text NOT NULL,
  lake_version bigint NOT NULL,
  digest text NOT NULL,
  row_count bigint NOT NULL,
  loaded_time timestamp(6) with time zone NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (table_name, partition)
)""",
    f"COMMENT ON TABLE {LOADS}.partitions IS 'One row for each partition here and the lake files it was loaded from.'",
    f"CREATE TABLE IF NOT EXISTS {LOADS}.relations (name text PRIMARY KEY, kind text NOT NULL, digest text NOT NULL)",
    f"COMMENT ON TABLE {LOADS}.relations IS 'One row for each table and view, with a digest of its definition.'",
)


def relations() -> list[Relation]:
    """Every table and view, each after those it needs."""
    tables = [published_table(publication) for publication in PUBLICATIONS]
    facts = [fact_table(publication) for publication in PUBLICATIONS if publication.fact]
    return [*dimensions(), *tables, *facts, *views()]


def prepare_schema(connection: Connection) -> list[str]:
    """Create, replace and drop what differs, in one transaction of the owner. Returns the names of what was made."""
    with connection.transaction():
        _run(connection, "SELECT pg_advisory_xact_lock(hashtextextended('cryptoviz schema', 0))")
        for schema, doc in _SCHEMAS.items():
            _run(connection, f"CREATE SCHEMA IF NOT EXISTS {schema}")
            _run(connection, f"COMMENT ON SCHEMA {schema} IS '{doc}'")
        for statement in _LEDGER:
            _run(connection, statement)
        wanted = relations()
        _drop_others(connection, wanted)
        made = [relation.name for relation in wanted if _make(connection, relation)]
        for statement in _rights():
            _run(connection, statement)
    return made


def _drop_others(connection: Connection, wanted: list[Relation]) -> None:
    """What was once declared and no longer is."""
    names = [relation.identifier for relation in wanted]
    query = f"SELECT name, kind FROM {LOADS}.relations WHERE name <> ALL(%s)"
    for name, kind in connection.execute(query.encode(), [names]).fetchall():
        _run(connection, f"DROP {kind} IF EXISTS {name} CASCADE")
        connection.execute(f"DELETE FROM {LOADS}.relations WHERE name = %s".encode(), [name])


def _make(connection: Connection, relation: Relation) -> bool:
    known = connection.execute(
        f"SELECT digest FROM {LOADS}.relations WHERE name = %(n)s AND to_regclass(%(n)s) IS NOT NULL".encode(),
        {"n": relation.identifier},
    ).fetchone()
    if known == (relation.digest,):
        return False
    _run(connection, f"DROP {relation.kind} IF EXISTS {relation.identifier} CASCADE")
    for statement in relation.statements:
        _run(connection, statement)
    connection.execute(f"DELETE FROM {LOADS}.partitions WHERE table_name = %s".encode(), [relation.of])
    connection.execute(
        f"INSERT INTO {LOADS}.relations VALUES (%s, %s, %s) "
        "ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, digest = excluded.digest".encode(),
        [relation.identifier, relation.kind, relation.digest],
    )
    return True


def _rights() -> list[str]:
    everything = ", ".join(_SCHEMAS)
    return [
        f"GRANT USAGE ON SCHEMA {everything} TO {Role.READER}, {Role.LOADER}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {everything} TO {Role.READER}, {Role.LOADER}",
        f"GRANT INSERT, DELETE ON ALL TABLES IN SCHEMA {SCHEMA}, {STAR} TO {Role.LOADER}",
        f"GRANT INSERT, UPDATE, DELETE ON {LOADS}.partitions TO {Role.LOADER}",
    ]


def _run(connection: Connection, statement: str) -> None:
    """Without parameters, so that `%` and quotes mean themselves; bytes, because none of it comes from outside."""
    connection.execute(statement.encode())
