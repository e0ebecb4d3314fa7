"""Processes of a stack that outlived their launcher, found by the mark they inherited and ended.

The mark is an environment variable with the home of the stack: unlike a process id in a file it cannot come to mean
another process. psutil compares start times before it signals, so a process id used again is never hit.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

MARK = "CRYPTOVIZ_SUPERVISED"
GRACE_S = 15.0


def find_leftovers(home: Path) -> list[psutil.Process]:
    """Processes that carry the mark of a home, this one excepted."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _mark(process) == str(home)]


def end_leftovers(home: Path, *, say: Callable[[str], None], grace_s: float = GRACE_S) -> int:
    """Ask them to stop, then make them; tells how many there were."""
    found = find_leftovers(home)
    if found:
        say(f"· ending {len(found)} processes left behind: {', '.join(map(_title, found))}")
    end(found, grace_s=grace_s)
    return len(found)


def end(processes: Sequence[psutil.Process], *, grace_s: float) -> None:
    """SIGTERM, then SIGKILL for those still there after the grace."""
    for process in processes:
        _signal(process.terminate)
    _, alive = psutil.wait_procs(processes, timeout=grace_s)
    for process in alive:
        _signal(process.kill)
    psutil.wait_procs(alive, timeout=5.0)


def _mark(process: psutil.Process) -> str | None:
    try:
        mark: str | None = process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None
    return mark


def _title(process: psutil.Process) -> str:
    try:
        return f"{process.name()} ({process.pid})"
    except psutil.Error:
        return str(process.pid)


def _signal(send: Callable[[], None]) -> None:
    try:
        send()
    except psutil.NoSuchProcess:
        return
