"""What the commands share: settings, progress on standard error, rows as a table, one line for what goes wrong."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from cryptoviz.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on standard error.")]

_PIPE_WIDTH = 200
"""Columns of a table that goes into a pipe, where no terminal sets a width."""
_STYLES = {"ready": "green", "starting": "yellow", "restarting": "yellow", "stopped": "dim"}
_BAD = {"unready", "refused", "failed"}


class Exit(IntEnum):
    """Exit statuses."""

    DEGRADED = 1
    USAGE = 2
    DOWN = 3


class Form(StrEnum):
    """Forms of a listing."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def say(message: str) -> None:
    """A line of progress."""
    typer.echo(message, err=True)


def fail(message: str, status: Exit) -> NoReturn:
    """End with one line of explanation."""
    say(f"error: {message}")
    raise typer.Exit(status)


@contextmanager
def explained(errors: Mapping[type[Exception], Exit]) -> Iterator[None]:
    """End with one line and its exit status when the block raises one of these; any other error is a bug and passes."""
    try:
        yield
    except tuple(errors) as error:
        status = next(status for kind, status in errors.items() if isinstance(error, kind))
        fail(" ".join(str(error).split()), status)


def settings_of(**overrides: Any) -> "Settings":
    """The settings in effect; an option that was not given does not override."""
    from cryptoviz.settings import SettingsError, load_settings  # noqa: PLC0415 - keeps `--help` quick

    with explained({SettingsError: Exit.USAGE}):
        return load_settings(**{name: value for name, value in overrides.items() if value is not None})


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], form: Form = Form.TABLE) -> None:
    """Print rows; columns a row lacks stay empty."""
    if form is Form.JSON:
        typer.echo(json.dumps([dict(row) for row in rows]))
    elif form is Form.CSV:
        writer = csv.DictWriter(sys.stdout, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        _print_table(rows, columns)


def _print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    from rich import box  # noqa: PLC0415 - keeps `--help` quick
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        is_number = bool(rows) and all(isinstance(row.get(column), int | float) for row in rows)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(column)), style=_style(column, row)) for column in columns))
    console.print(table)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _style(column: str, row: Mapping[str, Any]) -> str:
    value = str(row.get(column)) if column == "state" else ""
    return "red" if value in _BAD else _STYLES.get(value, "")
