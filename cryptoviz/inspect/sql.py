"""SQL over the lake: DuckDB on the tables' Delta snapshots, so that replaced and orphaned files are never counted."""

import contextlib
from collections.abc import Iterable

import duckdb
import polars as pl

from cryptoviz.inspect.reach import reading
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import BY_NAME
from cryptoviz.storage.frames import TableNotWritten, open_table

_READS = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.PRAGMA}


class NotAQuery(ValueError):
    """The text is not one statement that only reads."""


def run_query(location: Location, query: str) -> pl.DataFrame:
    """Rows of one query over the lake's tables, streamed from their files; decimals stay exact.

    Raises :class:`NotAQuery`, TableNotWritten for a table nobody has written yet, ``duckdb.Error`` for what DuckDB
    does not understand, and :class:`~cryptoviz.inspect.reach.Unreachable`.
    """
    with duckdb.connect() as connection:
        _require_query(connection, query)
        with reading(location):
            _register_mentioned(connection, location, _mentioned(connection, query))
        connection.execute("SET TimeZone = 'UTC'; SET enable_external_access = false; SET lock_configuration = true")
        rows: pl.DataFrame = connection.sql(query).pl()
        return rows


def _require_query(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type not in _READS:
        raise NotAQuery("the lake is read-only here: give one SELECT, DESCRIBE, SUMMARIZE or EXPLAIN")


def _mentioned(connection: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    """Tables a query names; none when DuckDB cannot tell before it knows their columns, as in a join ``USING``."""
    try:
        return connection.get_table_names(query)
    except duckdb.BinderException:
        return set()


def register_tables(connection: duckdb.DuckDBPyConnection, location: Location, names: Iterable[str]) -> list[str]:
    """Give a connection these tables as they are now and return those that are written."""
    written = []
    for name in names:
        with contextlib.suppress(TableNotWritten):
            connection.register(name, open_table(BY_NAME[name], location).to_pyarrow_dataset())
            written.append(name)
    return written


def _register_mentioned(connection: duckdb.DuckDBPyConnection, location: Location, mentioned: set[str]) -> None:
    """Register the tables a query mentions; all that exist when it mentions none, for ``SHOW TABLES``."""
    names = mentioned & set(BY_NAME)
    written = register_tables(connection, location, names or BY_NAME)
    for missing in names - set(written):
        open_table(BY_NAME[missing], location)
