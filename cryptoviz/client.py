"""The Python client: candles as a Polars frame, and DuckDB over all tables, from a lake or a running server."""

import atexit
import json
import urllib.error
import urllib.parse
import urllib.request
import weakref
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from cryptoviz.inspect.export import parse_instant
from cryptoviz.inspect.reach import Unreachable, reading
from cryptoviz.inspect.sql import register_tables
from cryptoviz.lake.candle_tables import OHLC, Interval
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import BY_NAME
from cryptoviz.settings import load_settings
from cryptoviz.storage.frames import scan_between

_PAGE = 20_000
_TIMEOUT_S = 60
_opened: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()
_SCHEMA = "crypto"


class RefusedByServer(ValueError):
    """The server does not answer the question; the message is its own."""


def candles(
    symbol: str,
    interval: str = "1m",
    start: datetime | str = "",
    end: datetime | str = "",
    *,
    venue: str = "",
    source: str | Path | None = None,
    token: str = "",
) -> pl.DataFrame:
    """Candles of one market whose windows begin in `[start, end)`, oldest first, with the columns of the lake's table.

    Args:
        symbol: Canonical symbol, ``BTC-USDT``.
        interval: 1m, 5m, 15m, 1h, 4h or 1d.
        start: Aware time, or ISO text that is UTC unless it says otherwise; a day before ``end`` when left out.
        end: The same; now when left out.
        venue: ``binance``, ``kraken``; of several that have the symbol the first in the alphabet when left out.
        source: ``http://127.0.0.1:8700`` asks a running server, a folder is the root of a lake; otherwise the lake of
            the settings in effect (``CRYPTOVIZ_HOME``) is read.
        token: For a server that asks for one.

    Prices and amounts are exact decimals, times UTC. ``.to_arrow()`` makes an Arrow table of it. Raises ValueError
    for what cannot be asked, TableNotWritten, and Unreachable.
    """
    last = _instant(end) if end else datetime.now(UTC)
    first = _instant(start) if start else last - timedelta(days=1)
    if last <= first:
        raise ValueError(f"end {last.isoformat()} is not after start {first.isoformat()}")
    table = _table_of(interval)
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        rows = _from_server(source, table, {"symbol": symbol, "interval": interval, "venue": venue}, first, last, token)
    else:
        rows = _from_lake(_location(source), table, symbol, venue, first, last)
    return rows


def connect(source: str | Path | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that has every written table of the lake, as ``crypto.ohlc_1m`` and as ``ohlc_1m``.

    Rows are streamed from the lake's files when asked for; the tables are those of this moment, connect again to see
    later commits. ``source`` is the root folder of a lake, otherwise the lake of the settings in effect. Raises
    Unreachable.
    """
    connection = duckdb.connect()
    location = _location(source)
    with reading(location):
        names = register_tables(connection, location, BY_NAME)
    connection.execute(f"SET TimeZone = 'UTC'; CREATE SCHEMA {_SCHEMA}")
    for name in names:
        connection.execute(f"CREATE VIEW {_SCHEMA}.{name} AS SELECT * FROM {name}")  # noqa: S608 - the contract's name
    _opened.add(connection)
    return connection


@atexit.register
def _close_opened() -> None:
    """DuckDB's threads end while the interpreter is whole, not in the midst of its teardown."""
    for connection in list(_opened):
        connection.close()


def _from_lake(
    location: Location, table: Table, symbol: str, venue: str, first: datetime, last: datetime
) -> pl.DataFrame:
    final = last - timedelta(microseconds=1)
    unit = Day if Interval(table.name.removeprefix("ohlc_")).is_daily else Hour
    with reading(location):
        rows = (
            scan_between(table, location, unit.containing(first), unit.containing(final))
            .filter(
                pl.col("symbol") == symbol, pl.col(table.time_column).is_between(first, last, closed="left"),
                *([pl.col("venue") == venue] if venue else []),
            )
            .sort(table.key)
            .collect()
        )  # fmt: skip
    return rows.filter(pl.col("venue") == rows["venue"].min()) if rows.height else rows


def _from_server(
    server: str, table: Table, market: dict[str, str], first: datetime, last: datetime, token: str
) -> pl.DataFrame:
    """Pages of the server's final candles, each beginning where the one before ended."""
    pages: list[pl.DataFrame] = []
    while not pages or pages[-1].height == _PAGE:
        page = _page(server, market, first, last, token).select(table.column_names)
        pages.append(page)
        if page.height:
            first = page["window_end"][-1]
    return pl.concat(pages)


def _page(server: str, market: dict[str, str], first: datetime, last: datetime, token: str) -> pl.DataFrame:
    bounds = {"start": first.isoformat(), "end": last.isoformat(), "limit": str(_PAGE)}
    fixed = {"format": "arrow", "with_live": "false"}
    query = urllib.parse.urlencode({**market, **bounds, **fixed})
    request = urllib.request.Request(f"{server.rstrip('/')}/api/v1/candles?{query}")  # noqa: S310 - http, checked above
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - http, checked above
            return pl.read_ipc_stream(answer.read())
    except urllib.error.HTTPError as error:
        raise RefusedByServer(f"{server}: {_message(error)}") from None
    except urllib.error.URLError as error:
        raise Unreachable(f"{server} does not answer: {error.reason}; start the stack with ./run up") from None


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["msg"])
    except (ValueError, KeyError, TypeError):
        return f"status {error.code}"


def _table_of(interval: str) -> Table:
    try:
        return OHLC[Interval(interval)]
    except ValueError:
        raise ValueError(f"interval {interval!r} is none of {', '.join(Interval)}") from None


def _location(source: str | Path | None) -> Location:
    return load_settings().lake if source is None else Location(uri=str(Path(source).expanduser().resolve()))


def _instant(value: datetime | str) -> datetime:
    if isinstance(value, str):
        return parse_instant(value)
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone; say datetime(..., tzinfo=UTC) or give ISO text, which is UTC")
    return value.astimezone(UTC)
