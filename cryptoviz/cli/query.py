"""Commands that take data out of the lake."""

import io
import sys
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cryptoviz.cli.console import Exit, Form, Quiet, explained, fail, print_rows, say, settings_of

if TYPE_CHECKING:
    import polars as pl

    from cryptoviz.inspect.export import Format

commands = typer.Typer()

_ROWS_SHOWN = 100


class Exported(StrEnum):
    """Forms of exported rows."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class Answer(StrEnum):
    """Forms of an answer to a query."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class Activity(StrEnum):
    """Kinds of bars."""

    TICK = "tick"
    VOLUME = "volume"
    DOLLAR = "dollar"


@commands.command(rich_help_panel="Data")
def export(
    table: Annotated[str, typer.Argument(help="A table of the lake, such as ohlc_1m; duckdb for all in one file.")],
    file: Annotated[Path | None, typer.Argument(help="After duckdb: the file to write.")] = None,
    first: Annotated[str, typer.Option("--from", help="ISO date or time, inclusive, UTC.")] = "",
    last: Annotated[str, typer.Option("--to", help="ISO date or time, exclusive, UTC.")] = "",
    symbol: Annotated[str, typer.Option(help="Only this symbol, BTC-USDT.")] = "",
    venue: Annotated[str, typer.Option(help="Only this venue.")] = "",
    form: Annotated[Exported, typer.Option("-o", "--output-format")] = Exported.CSV,
    output: Annotated[Path | None, typer.Option("--output", help="File to write; standard output otherwise.")] = None,
    quiet: Quiet = False,
) -> None:
    """Rows of a table as CSV, JSON lines or Parquet: decimals exact, times ISO 8601, sorted by the table's key.

    ``cryptoviz export duckdb lake.duckdb`` copies every table but the raw records into one DuckDB file.
    """
    if table == "duckdb":
        _export_duckdb(file, quiet=quiet)
        return
    from cryptoviz.inspect.export import Format, parse_instant, select_rows, write_rows  # noqa: PLC0415 - quick help
    from cryptoviz.inspect.reach import Unreachable  # noqa: PLC0415
    from cryptoviz.lake.tables import table_named  # noqa: PLC0415
    from cryptoviz.storage.frames import TableNotWritten  # noqa: PLC0415

    settings = settings_of()
    if not (first and last):
        fail("--from and --to are needed", Exit.USAGE)
    with explained({ValueError: Exit.USAGE}):
        contract, begin, end = table_named(table), parse_instant(first), parse_instant(last)
    with explained({ValueError: Exit.USAGE, TableNotWritten: Exit.DOWN, Unreachable: Exit.DOWN}):
        rows = select_rows(contract, settings.lake, first=begin, last=end, symbol=symbol, venue=venue)
    if output and not output.parent.is_dir():
        fail(f"there is no folder {output.parent}", Exit.USAGE)
    if output:
        write_rows(rows, output, Format(form.value))
    else:
        _to_stdout(rows, Format(form.value))
    if not quiet:
        say(f"{rows.height} rows of {table}")


@commands.command(rich_help_panel="Data")
def candles(
    market: Annotated[str, typer.Argument(help="binance:BTC-USDT")],
    interval: Annotated[str, typer.Argument(help="1s, 1m, 3m … 1w, 1M")],
    first: Annotated[str, typer.Option("--from", help="ISO date or time, inclusive, UTC.")],
    last: Annotated[str, typer.Option("--to", help="ISO date or time, exclusive, UTC.")],
    is_filled: Annotated[
        bool, typer.Option("--filled", help="Windows without a trade show the price before them, flagged.")
    ] = False,
    form: Annotated[Exported, typer.Option("-o", "--output-format")] = Exported.CSV,
) -> None:
    """Candles of one market in any interval: from a table, folded from a finer one, seconds from the trades."""
    from cryptoviz.arithmetic.intervals import interval_named  # noqa: PLC0415 - keeps `--help` quick
    from cryptoviz.inspect.export import Format, parse_instant  # noqa: PLC0415
    from cryptoviz.inspect.reach import Unreachable, reading  # noqa: PLC0415
    from cryptoviz.lake.symbols import parse_instrument  # noqa: PLC0415
    from cryptoviz.storage.candles import read_candles  # noqa: PLC0415

    location = settings_of().lake
    with explained({ValueError: Exit.USAGE, Unreachable: Exit.DOWN}), reading(location):
        rows = read_candles(
            location,
            parse_instrument(market),
            interval_named(interval),
            start=parse_instant(first),
            end=parse_instant(last),
            now=datetime.now(UTC),
            is_filled=is_filled,
        )
    _to_stdout(rows, Format(form.value))


@commands.command(rich_help_panel="Data")
def bars(
    market: Annotated[str, typer.Argument(help="binance:BTC-USDT")],
    kind: Annotated[Activity, typer.Argument(help="What each bar holds an equal amount of.")],
    size: Annotated[str, typer.Argument(help="Trades, base units or quote units a bar.")],
    first: Annotated[str, typer.Option("--from", help="ISO date or time, inclusive, UTC.")],
    last: Annotated[str, typer.Option("--to", help="ISO date or time, exclusive, UTC.")],
    form: Annotated[Exported, typer.Option("-o", "--output-format")] = Exported.CSV,
) -> None:
    """Bars of one market by trades, volume or money instead of time, counted from the first trade of each day."""
    from cryptoviz.arithmetic.bars import BarKind  # noqa: PLC0415 - keeps `--help` quick
    from cryptoviz.inspect.export import Format, parse_instant  # noqa: PLC0415
    from cryptoviz.inspect.reach import Unreachable, reading  # noqa: PLC0415
    from cryptoviz.lake.symbols import parse_instrument  # noqa: PLC0415
    from cryptoviz.storage.candles import read_bars  # noqa: PLC0415

    location = settings_of().lake
    try:
        amount = Decimal(size)
    except InvalidOperation:
        fail(f"size {size!r} is no number", Exit.USAGE)
    with explained({ValueError: Exit.USAGE, Unreachable: Exit.DOWN}), reading(location):
        rows = read_bars(
            location,
            parse_instrument(market),
            kind=BarKind(kind.value),
            size=amount,
            start=parse_instant(first),
            end=parse_instant(last),
        )
    _to_stdout(rows, Format(form.value))


@commands.command(rich_help_panel="Data")
def sql(
    query: Annotated[str, typer.Argument(help="One query over the lake's tables, by name.")],
    form: Annotated[
        Answer | None, typer.Option("-o", "--output-format", help="table on a terminal, csv otherwise.")
    ] = None,
) -> None:
    """Query the lake with DuckDB, read-only. Sums of decimals are exact; AVG and division give floats."""
    import duckdb  # noqa: PLC0415 - keeps `--help` quick

    from cryptoviz.inspect.export import Format, as_text  # noqa: PLC0415
    from cryptoviz.inspect.reach import Unreachable  # noqa: PLC0415
    from cryptoviz.inspect.sql import NotAQuery, run_query  # noqa: PLC0415
    from cryptoviz.storage.frames import TableNotWritten  # noqa: PLC0415

    settings, usage, is_down = settings_of(), Exit.USAGE, Exit.DOWN
    with explained({NotAQuery: usage, duckdb.Error: usage, TableNotWritten: is_down, Unreachable: is_down}):
        rows = run_query(settings.lake, query)
    chosen = form or (Answer.TABLE if sys.stdout.isatty() else Answer.CSV)
    if chosen is not Answer.TABLE:
        _to_stdout(rows, Format(chosen.value))
        return
    print_rows(as_text(rows.head(_ROWS_SHOWN)).to_dicts(), rows.columns, Form.TABLE)
    if rows.height > _ROWS_SHOWN:
        say(f"{rows.height - _ROWS_SHOWN} more rows; -o csv gives all")


def _export_duckdb(file: Path | None, *, quiet: bool) -> None:
    import duckdb  # noqa: PLC0415 - keeps `--help` quick

    from cryptoviz.inspect.reach import Unreachable  # noqa: PLC0415
    from cryptoviz.inspect.snapshot import default_tables, write_snapshot  # noqa: PLC0415

    if file is None or not file.absolute().parent.is_dir():
        fail("name a file in a folder that exists: cryptoviz export duckdb lake.duckdb", Exit.USAGE)
    with explained({Unreachable: Exit.DOWN, duckdb.Error: Exit.DOWN}):
        counts = write_snapshot(settings_of().lake, file, default_tables())
    if not quiet:
        say(f"{sum(counts.values())} rows of {len(counts)} tables in {file}")


def _to_stdout(rows: "pl.DataFrame", form: "Format") -> None:
    """By way of memory: Python tells a reader that has closed its end from other errors, Polars does not."""
    from cryptoviz.inspect.export import write_rows  # noqa: PLC0415 - keeps `--help` quick

    held = io.BytesIO()
    write_rows(rows, held, form)
    rest = held.getbuffer()
    while rest:
        # An unbuffered standard output may take a part only.
        rest = rest[sys.stdout.buffer.write(rest) :]
