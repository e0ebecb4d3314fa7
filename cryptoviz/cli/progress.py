"""Progress on standard error: a bar on a terminal, a line at each change elsewhere, nothing when quiet."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cryptoviz.cli.console import say

Report = Callable[[str, int, int], None]
"""Called with what is counted, how much is done, and of how much."""


@contextmanager
def progress(*, quiet: bool) -> Iterator[Report]:
    """What to report to while the block runs."""
    if quiet:
        yield lambda _what, _done, _total: None
    elif sys.stderr.isatty():
        with _bars() as report:
            yield report
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[Report]:
    from rich.console import Console  # noqa: PLC0415 - keeps `--help` quick
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        yield report


def _lines() -> Report:
    said = set[str]()

    def report(what: str, done: int, total: int) -> None:
        line = f"{what}: {done} of {total}"
        if line not in said:
            say(line)
        said.add(line)

    return report
