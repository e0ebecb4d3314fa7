"""The command that fetches history from a venue."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from cryptoviz.cli.console import AsJson, Exit, Quiet, explained, print_rows, settings_of
from cryptoviz.cli.progress import progress

commands = typer.Typer()


class Kind(StrEnum):
    """What is fetched."""

    TRADES = "trades"
    KLINES = "klines"


@commands.command(rich_help_panel="Data")
def backfill(
    venue: Annotated[str, typer.Option(help="A venue with ids, such as binance.")],
    symbol: Annotated[str, typer.Option(help="Canonical, BTC-USDT.")],
    first: Annotated[str, typer.Option("--from", help="ISO date or time, inclusive, UTC.")],
    last: Annotated[str, typer.Option("--to", help="ISO date or time, exclusive, UTC.")],
    kind: Annotated[Kind, typer.Option("--by", help="Trades by id, or hourly klines.")] = Kind.TRADES,
    wait: Annotated[bool, typer.Option(help="Wait until the order is done.")] = True,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Fetch a past range from a venue, behind everything live. Interrupted, it goes on; given again, it is the same."""
    from cryptoviz.inspect.export import parse_instant  # noqa: PLC0415 - keeps `--help` quick
    from cryptoviz.inspect.history import follow, order  # noqa: PLC0415
    from cryptoviz.inspect.reach import Unreachable  # noqa: PLC0415

    settings = settings_of()
    with explained({ValueError: Exit.USAGE, Unreachable: Exit.DOWN}):
        begin, end = parse_instant(first), parse_instant(last)
        done = order(settings, kind=kind.value, market=f"{venue}:{symbol}", first=begin, last=end)
        if wait:
            with progress(quiet=quiet) as report:
                done = follow(settings, done, report=report)
    told = {name: done[name] for name in ("state", "published", "error")}
    if as_json:
        typer.echo(json.dumps({**done["order"], **told}))
        return
    times = {"from": f"{begin:%Y-%m-%d %H:%M:%S}", "to": f"{end:%Y-%m-%d %H:%M:%S}"}
    summary = {"kind": kind.value, "market": f"{venue}:{symbol}", **times, **told}
    print_rows([{"": name, "backfill": str(value)} for name, value in summary.items()], ("", "backfill"))
