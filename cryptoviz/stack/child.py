"""Run a command that dies with its parent: ``child.py [--env-file FILE] [--starts FILE] -- COMMAND...``.

Standard library only and run by path, since every process of a stack passes through it. Linux ends the command when
the thread that started it ends (PR_SET_PDEATHSIG, kept across exec); elsewhere leftovers are found by their mark at the
next start or stop. Keys reach a service through a private file, never through a command line.

The growing pause between restarts is kept here, not by supervisord: its own forgets the exit status of a process that
ended early, and with it whether the process refused to run.
"""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_SHORT_LIFE_S, _LONGEST_PAUSE_S = 30.0, 30.0


def main(arguments: list[str]) -> None:
    """Become the command."""
    split = arguments.index("--")
    options = dict(zip(arguments[:split:2], arguments[1:split:2], strict=True))
    command = arguments[split + 1 :]
    _die_with_parent()
    _hear_signals()
    if "--starts" in options:
        time.sleep(pause_before_start(Path(options["--starts"]), now=time.time()))
    environment = dict(os.environ)
    if "--env-file" in options:
        lines = Path(options["--env-file"]).read_text().splitlines()
        environment |= dict(line.split("=", 1) for line in lines if "=" in line)
    os.execvpe(command[0], command, environment)  # noqa: S606 - becoming the command is the purpose


def pause_before_start(history: Path, *, now: float) -> float:
    """Seconds to wait before this start: none after a life of half a minute, then 1, 2, 4 up to 30. Keeps the count."""
    try:
        count, last = (float(part) for part in history.read_text().split())
    except (FileNotFoundError, ValueError):
        count, last = 0.0, 0.0
    count = count + 1 if now - last < _SHORT_LIFE_S + _pause(count) else 0.0
    history.write_text(f"{count} {now}")
    return _pause(count)


def _pause(count: float) -> float:
    return min(_LONGEST_PAUSE_S, 2.0 ** (count - 1)) if count else 0.0


def _hear_signals() -> None:
    """Undo what a shell does to jobs in the background: ignored signals stay ignored across exec, stops among them."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _die_with_parent() -> None:
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the parent ended before the command began")


if __name__ == "__main__":
    main(sys.argv[1:])
