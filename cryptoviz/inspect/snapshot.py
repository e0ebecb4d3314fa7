"""The lake as one DuckDB file: a copy that anybody's DuckDB opens, made whole or not at all."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from cryptoviz.inspect.reach import reading
from cryptoviz.inspect.sql import register_tables
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import BY_NAME

STORAGE_VERSION = "v1.2.0"
"""Opened by every DuckDB since 1.2; the newest form is not opened by the clients people have."""
SCHEMA = "crypto"


def write_snapshot(location: Location, target: Path, tables: Sequence[str]) -> dict[str, int]:
    """Copy tables into ``target``, replacing it, and return how many rows each has.

    Tables that nobody has written yet are left out. Raises Unreachable and ``duckdb.Error``.
    """
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with duckdb.connect() as connection:
            counts = _copy(connection, location, part, tables)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return counts


def default_tables() -> list[str]:
    """Every table but the raw records, which repeat what the clean tables say."""
    return [name for name in BY_NAME if not name.startswith("raw_")]


def _copy(
    connection: duckdb.DuckDBPyConnection, location: Location, part: Path, tables: Sequence[str]
) -> dict[str, int]:
    with reading(location):
        names = register_tables(connection, location, tables)
    path = str(part).replace("'", "''")
    connection.execute(f"SET TimeZone = 'UTC'; ATTACH '{path}' AS copy (STORAGE_VERSION '{STORAGE_VERSION}')")
    connection.execute(f"CREATE SCHEMA copy.{SCHEMA}")
    counts = {}
    for name in names:
        table = BY_NAME[name]
        place = f"copy.{SCHEMA}.{name}"
        columns = ", ".join(f'"{column}"' for column in table.column_names)
        with reading(location):
            connection.execute(f"CREATE TABLE {place} AS SELECT {columns} FROM {name}")  # noqa: S608
        doc = table.doc.replace("'", "''")
        connection.execute(f"COMMENT ON TABLE {place} IS '{doc}'")
        counts[name] = _count(connection, place)
    connection.execute("DETACH copy")
    return counts


def _count(connection: duckdb.DuckDBPyConnection, place: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {place}").fetchone()  # noqa: S608 - the contract's name
    return int(row[0]) if row else 0
