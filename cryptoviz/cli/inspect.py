"""Commands that look: at the stack, at this machine, at what the lake holds."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cryptoviz.cli.console import AsJson, Exit, Form, explained, fail, print_rows, say, settings_of

if TYPE_CHECKING:
    from cryptoviz.settings import Settings

commands = typer.Typer()
data_commands = typer.Typer(no_args_is_help=True, help="What the lake holds.")

_SERVICES = ("name", "state", "pid", "memory_mb", "port", "waiting_for", "restarts", "reason", "uptime_s")
_TOPICS = ("name", "partitions", "records", "end_offset", "last_record", "age_s")
_SOURCES = (
    "source", "state", "age_s", "published", "budget", "gaps_open", "gaps_repaired", "lost_ids", "skew_ms", "error",
)  # fmt: skip
_TABLES = ("name", "rows", "hours", "files", "last_commit", "age_s")


@commands.command(rich_help_panel="Run")
def status(as_json: AsJson = False) -> None:
    """Services, sources, topics, tables and links. Exit status 0 only when all is healthy."""
    from dataclasses import asdict  # noqa: PLC0415 - keeps `--help` quick

    from cryptoviz.inspect.sources import sources as sources_of  # noqa: PLC0415
    from cryptoviz.stack.status import status as stack_status  # noqa: PLC0415

    settings = settings_of()
    stack = stack_status(settings)
    services = [{**asdict(service), "state": str(service.state)} for service in stack.services]
    topics, tables, sources = _topics(settings), _tables(settings), sources_of(settings)
    if as_json:
        found = {"services": services, "sources": sources, "topics": topics, "tables": tables}
        typer.echo(json.dumps({**found, "links": dict(stack.links)}))
    else:
        links = [{"page": name, "address": link} for name, link in stack.links.items()]
        listings = (
            (services, _SERVICES), (sources, _SOURCES), (topics, _TOPICS), (tables, _TABLES),
            (links, ("page", "address")),
        )  # fmt: skip
        for rows, columns in listings:
            if rows:
                print_rows(rows, columns)
    if not stack.is_healthy:
        is_down = all(service.state == "stopped" for service in stack.services)
        raise typer.Exit(Exit.DOWN if is_down else Exit.DEGRADED)


def _topics(settings: "Settings") -> list[dict[str, Any]]:
    from cryptoviz.inspect.reach import Unreachable  # noqa: PLC0415 - keeps `--help` quick
    from cryptoviz.inspect.topics import topics  # noqa: PLC0415

    try:
        return [topic.as_dict() for topic in topics(settings)]
    except Unreachable:
        return []


def _tables(settings: "Settings") -> list[dict[str, Any]]:
    from cryptoviz.inspect.reach import Unreachable  # noqa: PLC0415 - keeps `--help` quick
    from cryptoviz.inspect.tables import tables  # noqa: PLC0415

    try:
        return [table.as_dict() for table in tables(settings.lake)]
    except Unreachable:
        return []


@commands.command(rich_help_panel="Inspect")
def doctor(as_json: AsJson = False) -> None:
    """Look at this machine and home without changing anything, and say how to mend what is amiss."""
    from dataclasses import asdict  # noqa: PLC0415 - keeps `--help` quick

    from cryptoviz.inspect.diagnosis import examine_parts  # noqa: PLC0415
    from cryptoviz.stack.doctor import Verdict, examine  # noqa: PLC0415

    settings = settings_of()
    findings = [*examine(settings), *examine_parts(settings)]
    if as_json:
        typer.echo(json.dumps([{**asdict(finding), "verdict": str(finding.verdict)} for finding in findings]))
    else:
        marks = {Verdict.OK: "✓", Verdict.WARN: "⚠", Verdict.FAIL: "✗"}
        for finding in findings:
            mend = f"\n             → {finding.fix}" if finding.fix else ""
            typer.echo(f"{marks[finding.verdict]} {finding.name:10} {finding.detail}{mend}")
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        raise typer.Exit(Exit.DEGRADED)


@commands.command(rich_help_panel="Inspect")
def gaps(
    venue: Annotated[str, typer.Option(help="Only this venue.")] = "",
    symbol: Annotated[str, typer.Option(help="Only this symbol, BTC-USDT.")] = "",
    state: Annotated[str, typer.Option(help="Only open, repaired or unrecoverable ones.")] = "",
    form: Annotated[Form, typer.Option("-o", "--output-format")] = Form.TABLE,
    as_json: AsJson = False,
) -> None:
    """Gaps in the trades' ids, what is open first. Exit status 1 when ids are lost for good."""
    from cryptoviz.inspect.export import as_text  # noqa: PLC0415 - keeps `--help` quick
    from cryptoviz.inspect.gaps import gaps as gaps_of  # noqa: PLC0415
    from cryptoviz.inspect.reach import Unreachable  # noqa: PLC0415
    from cryptoviz.lake.gaps import GapState  # noqa: PLC0415

    if state and state not in set(GapState):
        fail(f"--state is open, repaired or unrecoverable, not {state!r}", Exit.USAGE)
    with explained({Unreachable: Exit.DOWN}):
        found = gaps_of(settings_of().lake, venue=venue, symbol=symbol, state=state)
    if found.is_empty():
        say("no gap")
    print_rows(as_text(found).to_dicts(), found.columns, Form.JSON if as_json else form)
    if GapState.UNRECOVERABLE in found["state"]:
        raise typer.Exit(Exit.DEGRADED)


@commands.command(rich_help_panel="Inspect")
def instruments(
    venue: Annotated[str, typer.Option(help="Only this venue.")] = "",
    symbol: Annotated[str, typer.Option(help="Only this symbol, BTC-USDT.")] = "",
    at: Annotated[str, typer.Option(help="Only what held then; ISO date or time, UTC.")] = "",
    form: Annotated[Form, typer.Option("-o", "--output-format")] = Form.TABLE,
    as_json: AsJson = False,
) -> None:
    """How venues list their markets and since when: names, grids, status, and which asset a ticker meant."""
    from cryptoviz.inspect.export import as_text, parse_instant  # noqa: PLC0415 - keeps `--help` quick
    from cryptoviz.inspect.instruments import instruments as instruments_of  # noqa: PLC0415
    from cryptoviz.inspect.reach import Unreachable  # noqa: PLC0415

    with explained({ValueError: Exit.USAGE, Unreachable: Exit.DOWN}):
        instant = parse_instant(at) if at else None
        found = instruments_of(settings_of().lake, venue=venue, symbol=symbol, at=instant)
    if found.is_empty():
        say("no listing")
    print_rows(as_text(found).to_dicts(), found.columns, Form.JSON if as_json else form)


@data_commands.command("list")
def data_list(
    form: Annotated[Form, typer.Option("-o", "--output-format")] = Form.TABLE, as_json: AsJson = False
) -> None:
    """For each table, venue and symbol: first and last time, rows, hours."""
    from cryptoviz.inspect.export import as_text  # noqa: PLC0415 - keeps `--help` quick
    from cryptoviz.inspect.reach import Unreachable  # noqa: PLC0415
    from cryptoviz.inspect.tables import markets, tables  # noqa: PLC0415
    from cryptoviz.lake.tables import table_named  # noqa: PLC0415

    settings = settings_of()
    with explained({Unreachable: Exit.DOWN}):
        names = [table.name for table in tables(settings.lake)]
    rows = [
        {"table": name, **market}
        for name in names
        for market in as_text(markets(settings.lake, table_named(name))).to_dicts()
    ]
    if not rows:
        say(f"{settings.lake.uri} has no rows yet")
    columns = ("table", "venue", "symbol", "first", "last", "rows", "hours")
    print_rows(rows, columns, Form.JSON if as_json else form)
