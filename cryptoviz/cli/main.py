"""``cryptoviz``: every command in one place. Heavy modules are imported by the command that needs them.

Data goes to standard output, progress to standard error. Exit status: 0 ok, 1 degraded or a check failed, 2 usage,
3 unreachable or down, 130 interrupted.
"""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A market-data lakehouse that can prove its numbers.",
)
data_app = typer.Typer(no_args_is_help=True, help="What the lake holds.")
docs_app = typer.Typer(no_args_is_help=True, help="Generated documentation.")
app.add_typer(data_app, name="data")
app.add_typer(docs_app, name="docs")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DEGRADED, USAGE, DOWN = 1, 2, 3


class Output(StrEnum):
    """Forms of exported rows."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class VenueName(StrEnum):
    """Venues whose recordings are understood."""

    BINANCE = "binance"
    KRAKEN = "kraken"


def say(message: str) -> None:
    """A line of progress."""
    typer.echo(message, err=True)


def fail(message: str, status: int) -> NoReturn:
    """End with one line of explanation."""
    say(f"error: {message}")
    raise typer.Exit(status)


def _settings(**overrides: Any) -> Any:
    from cryptoviz.settings import SettingsError, load_settings  # noqa: PLC0415

    try:
        return load_settings(**{name: value for name, value in overrides.items() if value is not None})
    except SettingsError as error:
        fail(str(error), USAGE)


Store = Annotated[str | None, typer.Option(help="minio, local, or s3://bucket/prefix.")]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Return once all is ready and leave it running.")]


@app.command()
def demo(store: Store = None, detach: Detach = False) -> None:
    """Start everything on the simulated exchange."""
    _start(store=store, detach=detach, is_demo=True)


@app.command()
def up(store: Store = None, detach: Detach = False) -> None:
    """Start everything on the live venues."""
    _start(store=store, detach=detach, is_demo=False)


@app.command()
def down() -> None:
    """Stop everything that runs in this home."""
    from cryptoviz.stack.launcher import down as stop  # noqa: PLC0415

    stop(_settings())


@app.command()
def status(as_json: AsJson = False) -> None:
    """Services, topics, tables and links. Exit status 0 only when all is healthy."""
    from dataclasses import asdict  # noqa: PLC0415

    from cryptoviz.inspect import overview  # noqa: PLC0415
    from cryptoviz.stack.status import status as stack_status  # noqa: PLC0415

    settings = _settings()
    stack = stack_status(settings)
    topics = [topic.as_dict() for topic in (overview.topics(settings) if stack.services else [])]
    tables = [table.as_dict() for table in overview.tables_if_reachable(settings.lake)]
    services = [{**asdict(service), "state": str(service.state)} for service in stack.services]
    if as_json:
        typer.echo(json.dumps({"services": services, "topics": topics, "tables": tables, "links": dict(stack.links)}))
    else:
        _print(services, ("name", "state", "pid", "memory_mb", "port", "waiting_for", "uptime_s"), as_json=False)
        _print(topics, ("name", "partitions", "records", "end_offset"), as_json=False)
        _print(tables, ("name", "rows", "hours", "files", "last_commit", "age_s"), as_json=False)
        _print([{"ui": name, "address": link} for name, link in stack.links.items()], ("ui", "address"), as_json=False)
    if not stack.is_healthy:
        raise typer.Exit(DEGRADED if stack.services else DOWN)


@app.command()
def logs(
    service: Annotated[str, typer.Argument(help="A service, as `cryptoviz status` names it.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> None:
    """The end of a service's log."""
    from cryptoviz.stack.errors import StackError  # noqa: PLC0415
    from cryptoviz.stack.launcher import logs as lines_of  # noqa: PLC0415

    try:
        for line in lines_of(_settings(), service, follow=follow):
            typer.echo(line.rstrip("\n"))
    except StackError as error:
        fail(str(error), USAGE)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Look at this machine and home without changing anything, and say how to mend what is amiss."""
    from dataclasses import asdict  # noqa: PLC0415

    from cryptoviz.stack.doctor import Verdict, examine  # noqa: PLC0415

    findings = examine(_settings())
    if as_json:
        typer.echo(json.dumps([{**asdict(finding), "verdict": str(finding.verdict)} for finding in findings]))
    else:
        marks = {Verdict.OK: "✓", Verdict.WARN: "⚠", Verdict.FAIL: "✗"}
        for finding in findings:
            mend = f"  → {finding.fix}" if finding.fix else ""
            typer.echo(f"{marks[finding.verdict]} {finding.name:10} {finding.detail}{mend}")
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        raise typer.Exit(DEGRADED)


@app.command()
def replay(
    file: Annotated[list[Path], typer.Option("--file", exists=True, dir_okay=False, help="A recording; repeatable.")],
    venue: Annotated[VenueName, typer.Option(help="Whose messages they are.")],
    wait: Annotated[bool, typer.Option(help="Wait until the recording's hours are candles.")] = True,
    timeout: Annotated[float, typer.Option(help="Longest wait in seconds.")] = 600,
    as_json: AsJson = False,
) -> None:
    """Push recordings of a venue through the whole pipeline."""
    import time  # noqa: PLC0415

    from cryptoviz.inspect.recordings import UnknownRecording, read_recording  # noqa: PLC0415
    from cryptoviz.inspect.replay import BeforeLakeStart, NotMaterialised, publish, wait_until_candles  # noqa: PLC0415
    from cryptoviz.lake.symbols import UnknownSymbol, Venue  # noqa: PLC0415

    settings, began = _settings(), time.monotonic()
    try:
        done = publish((t for path in file for t in read_recording(Venue(venue), path)), settings)
    except (BeforeLakeStart, UnknownRecording, UnknownSymbol) as error:
        fail(str(error), USAGE)
    except ConnectionError as error:
        fail(str(error), DOWN)
    say(f"published {done.messages} messages of {', '.join(sorted(done.markets))}")
    if wait:
        try:
            wait_until_candles(done, settings, timeout_s=timeout, progress=_Progress())
        except NotMaterialised as error:
            fail(str(error), DEGRADED)
    summary = {
        "messages": done.messages,
        "markets": sorted(done.markets),
        "hours": len(done.hours),
        "first_hour": min(done.hours).key if done.hours else None,
        "last_hour": max(done.hours).key if done.hours else None,
        "seconds": round(time.monotonic() - began, 1),
    }
    typer.echo(json.dumps(summary) if as_json else "\n".join(f"{k:11} {v}" for k, v in summary.items()))


@app.command()
def export(
    table: Annotated[str, typer.Argument(help="A table of the lake, such as ohlc_1m.")],
    first: Annotated[str, typer.Option("--from", help="ISO time, inclusive, UTC.")],
    last: Annotated[str, typer.Option("--to", help="ISO time, exclusive, UTC.")],
    symbol: Annotated[str, typer.Option(help="Only this symbol, BTC-USDT.")] = "",
    venue: Annotated[str, typer.Option(help="Only this venue.")] = "",
    form: Annotated[Output, typer.Option("-o", "--output-format")] = Output.CSV,
    output: Annotated[Path | None, typer.Option("--output", help="File to write; standard output otherwise.")] = None,
) -> None:
    """Rows of a table as CSV, JSON lines or Parquet, decimals exact."""
    from cryptoviz.inspect.export import parse_instant, select_rows, write_rows  # noqa: PLC0415
    from cryptoviz.lake.tables import UnknownTable, table_named  # noqa: PLC0415
    from cryptoviz.storage.frames import TableNotWritten  # noqa: PLC0415

    settings = _settings()
    try:
        bounds = {"first": parse_instant(first), "last": parse_instant(last)}
        rows = select_rows(table_named(table), settings.lake, **bounds, symbol=symbol, venue=venue)
    except (UnknownTable, ValueError) as error:
        fail(str(error), USAGE)
    except TableNotWritten as error:
        fail(str(error), DOWN)
    write_rows(rows, output or sys.stdout.buffer, form.value)
    say(f"{rows.height} rows of {table}")


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="SQL over the lake's tables, by name.")],
    form: Annotated[str, typer.Option("-o", help="table, csv or json.")] = "table",
) -> None:
    """Query the lake with DuckDB."""
    import duckdb  # noqa: PLC0415

    from cryptoviz.inspect.export import as_text, write_rows  # noqa: PLC0415
    from cryptoviz.inspect.sql import connect  # noqa: PLC0415
    from cryptoviz.storage.frames import TableNotWritten  # noqa: PLC0415

    settings = _settings()
    try:
        result = connect(settings.lake, query).sql(query)
    except TableNotWritten as error:
        fail(str(error), DOWN)
    except duckdb.Error as error:
        fail(str(error), USAGE)
    if form == "table":
        typer.echo(as_text(result.pl()).__str__() if len(result.columns) > 12 else str(result))
    else:
        write_rows(result.pl(), sys.stdout.buffer, "csv" if form == "csv" else "json")


@data_app.command("list")
def data_list(as_json: AsJson = False) -> None:
    """Tables with their size, and the markets of those that have any."""
    from cryptoviz.inspect import overview  # noqa: PLC0415
    from cryptoviz.inspect.export import as_text  # noqa: PLC0415
    from cryptoviz.lake.tables import table_named  # noqa: PLC0415

    settings = _settings()
    rows = []
    for table in overview.tables(settings.lake):
        contract = table_named(table.name)
        if "symbol" in contract.column_names and table.rows:
            found = as_text(overview.markets(settings.lake, contract)).to_dicts()
            rows += [{"table": table.name, **market} for market in found]
        else:
            rows.append({"table": table.name, "rows": table.rows, "hours": table.hours})
    _print(rows, ("table", "venue", "symbol", "first", "last", "rows", "hours"), as_json=as_json)


@docs_app.command("tables")
def docs_tables(check: Annotated[bool, typer.Option(help="Fail when the page is not current.")] = False) -> None:
    """Write docs/reference/tables.md from the contract."""
    from cryptoviz.lake.render import markdown  # noqa: PLC0415
    from cryptoviz.lake.tables import TABLES  # noqa: PLC0415

    page, text = Path(__file__).parents[2] / "docs" / "reference" / "tables.md", markdown(TABLES)
    if not check:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text)
    elif not page.exists() or page.read_text() != text:
        fail("docs/reference/tables.md is not what the contract renders; run `./run docs tables`", DEGRADED)


def _start(*, store: str | None, detach: bool, is_demo: bool) -> None:
    from cryptoviz.stack.errors import StackError  # noqa: PLC0415
    from cryptoviz.stack.launcher import up as start  # noqa: PLC0415

    try:
        status_code = start(_settings(store=store), demo=is_demo, detach=detach)
    except StackError as error:
        fail(str(error), DOWN)
    raise typer.Exit(status_code)


class _Progress:
    """One line on a terminal, a line each change elsewhere."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        line = f"{what}: {done} of {total}" if done else f"waiting for {total} {what}"
        if line != self._last:
            say(line)
        self._last = line


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows))
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(row.get(column, "")) for column in columns))
    Console().print(table)


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
