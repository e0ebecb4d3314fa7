"""The commands that bring what others recorded into the lake."""

import json
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cryptoviz.cli.console import AsJson, Exit, Quiet, explained, print_rows, say, settings_of
from cryptoviz.cli.progress import Report, progress

if TYPE_CHECKING:
    from cryptoviz.inspect.importing import Imported
    from cryptoviz.settings import Settings

commands = typer.Typer(no_args_is_help=True, help="Bring archives into the lake.")


class TopicName(StrEnum):
    """Topics of earlier pipelines, which stand for the shape of their records."""

    AUTO = "auto"
    CRYPTO_RAW_DATA = "crypto-raw-data"
    CRYPTO_RAW = "crypto_raw"
    CRYPTO_TOPIC = "cryptoTopic"
    COINS = "crypto_topic"
    STOCKS = "stock_topic"


@commands.command("legacy")
def legacy(
    archive: Annotated[str, typer.Argument(help="A folder, a file, or s3://bucket/prefix.")],
    topic: Annotated[
        TopicName, typer.Option(help="The topic its records went through; found out by their fields.")
    ] = TopicName.AUTO,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when a file was skipped.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until every row is judged.")] = True,
    timeout: Annotated[float, typer.Option(min=0, help="Longest wait in seconds.")] = 600,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Import an archive of an earlier pipeline. Each row is taken once: interrupted or run again, it adds nothing."""
    chosen = "" if topic is TopicName.AUTO else topic.value
    with progress(quiet=quiet) as report:
        done = _run(archive, settings_of(), topic=chosen, timeout_s=timeout, wait=wait, report=report)
    for path, reason in done.skipped.items():
        say(f"skipped {path}: {reason}")
    if as_json:
        typer.echo(json.dumps(asdict(done)))
    else:
        print_rows([{"": name, "import": text} for name, text in _summary(done).items()], ("", "import"))
    if strict and done.skipped:
        raise typer.Exit(Exit.DEGRADED)


def _run(where: str, settings: "Settings", *, topic: str, timeout_s: float, wait: bool, report: Report) -> "Imported":
    from cryptoviz.inspect.archives import UnknownArchive  # noqa: PLC0415 - keeps `--help` quick
    from cryptoviz.inspect.importing import BeforeLakeStart, import_archive  # noqa: PLC0415
    from cryptoviz.inspect.judgement import NotJudged  # noqa: PLC0415
    from cryptoviz.inspect.outbox import NotTaken  # noqa: PLC0415
    from cryptoviz.inspect.reach import Unreachable  # noqa: PLC0415

    errors = {
        UnknownArchive: Exit.USAGE, BeforeLakeStart: Exit.USAGE, Unreachable: Exit.DOWN, NotTaken: Exit.DOWN,
        NotJudged: Exit.DEGRADED,
    }  # fmt: skip
    with explained(errors):
        return import_archive(where, settings, topic=topic, timeout_s=timeout_s, wait=wait, progress=report)


def _summary(done: "Imported") -> dict[str, Any]:
    """What a person reads; what is not known yet is left out."""
    known = {name: str(value) for name, value in asdict(done).items() if isinstance(value, str | int)}
    reasons = {f"quarantined, {reason}": str(count) for reason, count in (done.quarantined or {}).items()}
    return {**known, **reasons, "files skipped": str(len(done.skipped))}
