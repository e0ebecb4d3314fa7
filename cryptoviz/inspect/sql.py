"""SQL over the lake: DuckDB on the tables' Delta snapshots, so that replaced and orphaned files are never counted."""

import re

import duckdb

from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import BY_NAME
from cryptoviz.storage.frames import TableNotWritten, open_table, scan


def connect(location: Location, query: str = "") -> duckdb.DuckDBPyConnection:
    """An in-memory database with the lake's tables as views: those a query mentions, or all that exist."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    words = set(re.findall(r"\w+", query.lower()))
    for name, table in BY_NAME.items():
        if query and name not in words:
            continue
        try:
            open_table(table, location)
        except TableNotWritten:
            if query:
                raise
            continue
        connection.register(name, scan(table, location).collect().to_arrow())
    return connection
