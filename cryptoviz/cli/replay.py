"""The command that pushes recordings through the whole pipeline."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cryptoviz.cli.console import AsJson, Exit, Quiet, explained, print_rows, settings_of
from cryptoviz.cli.progress import Report, progress

if TYPE_CHECKING:
    from cryptoviz.inspect.recordings import RecordedTrade
    from cryptoviz.inspect.replay import Replayed
    from cryptoviz.settings import Settings

commands = typer.Typer()


class VenueName(StrEnum):
    """Venues whose recordings are understood."""

    BINANCE = "binance"
    KRAKEN = "kraken"


class LayoutName(StrEnum):
    """Layouts of recordings."""

    AUTO = "auto"
    LINES = "lines"
    REST = "rest"
    AGGTRADES = "aggtrades"


@commands.command(rich_help_panel="Data")
def replay(
    file: Annotated[list[Path], typer.Option("--file", exists=True, dir_okay=False, help="A recording; repeatable.")],
    venue: Annotated[VenueName, typer.Option(help="Whose messages they are.")],
    layout: Annotated[
        LayoutName,
        typer.Option("--format", help="Socket lines, a REST Trades body, or aggregate trades; found out by itself."),
    ] = LayoutName.AUTO,
    wait: Annotated[bool, typer.Option(help="Wait until the recording's hours are candles.")] = True,
    timeout: Annotated[float, typer.Option(min=0, help="Longest wait in seconds.")] = 600,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Push recordings of a venue through the whole pipeline and say what happened."""
    import time  # noqa: PLC0415 - keeps `--help` quick

    settings, began = settings_of(), time.monotonic()
    trades, refused = _read(file, venue, layout)
    with progress(quiet=quiet) as report:
        done = _run(trades, settings, wait=wait, timeout_s=timeout, report=report)
    summary = _summary(done, refused=refused, seconds=time.monotonic() - began)
    if as_json:
        typer.echo(json.dumps(summary))
    else:
        rows = [{"": name, "replayed": _plain(value)} for name, value in summary.items()]
        print_rows(rows, ("", "replayed"))


def _read(files: list[Path], venue: VenueName, layout: LayoutName) -> "tuple[list[RecordedTrade], int]":
    from cryptoviz.inspect.recordings import Layout, UnknownRecording, read_recording  # noqa: PLC0415 - quick help
    from cryptoviz.lake.symbols import Venue  # noqa: PLC0415

    chosen = None if layout is LayoutName.AUTO else Layout(layout.value)
    with explained({UnknownRecording: Exit.USAGE}):
        found = [read_recording(Venue(venue.value), path, chosen) for path in files]
        if not any(recording.trades for recording in found):
            raise UnknownRecording(f"no trade in {', '.join(path.name for path in files)}")
    return [trade for recording in found for trade in recording.trades], sum(one.refused for one in found)


def _run(
    trades: "list[RecordedTrade]", settings: "Settings", *, wait: bool, timeout_s: float, report: Report
) -> "Replayed":
    from cryptoviz.inspect.materialisation import NotMaterialised, wait_until_candles  # noqa: PLC0415 - quick help
    from cryptoviz.inspect.outbox import NotTaken  # noqa: PLC0415
    from cryptoviz.inspect.reach import Unreachable  # noqa: PLC0415
    from cryptoviz.inspect.replay import BeforeLakeStart, publish  # noqa: PLC0415

    errors = {BeforeLakeStart: Exit.USAGE, Unreachable: Exit.DOWN, NotTaken: Exit.DOWN, NotMaterialised: Exit.DEGRADED}
    with explained(errors):
        done = publish(trades, settings, progress=report)
        if wait:
            wait_until_candles(done, settings, timeout_s=timeout_s, progress=report)
    return done


def _summary(done: "Replayed", *, refused: int, seconds: float) -> dict[str, Any]:
    from datetime import UTC, datetime  # noqa: PLC0415 - keeps `--help` quick

    first, last = (datetime.fromtimestamp(ns / 1e9, UTC) for ns in (done.first_event_ns, done.last_event_ns))
    return {
        "messages": done.messages,
        "refused": refused,
        "markets": sorted(done.markets),
        "first_trade": first.isoformat(timespec="milliseconds"),
        "last_trade": last.isoformat(timespec="milliseconds"),
        "hours": len(done.hours),
        "first_hour": min(done.hours).key,
        "last_hour": max(done.hours).key,
        "seconds": round(seconds, 1),
    }


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
