"""Run a command that dies with its parent: ``child.py [--env-file FILE] -- COMMAND...``.

Standard library only and run by path, since every process of a stack passes through it. Linux ends the command when
the thread that started it ends (PR_SET_PDEATHSIG, kept across exec); elsewhere leftovers are found by their mark at the
next start or stop. Keys reach a service through a private file, never through a command line.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Become the command."""
    split = arguments.index("--")
    options, command = arguments[:split], arguments[split + 1 :]
    _die_with_parent()
    environment = dict(os.environ)
    if options[:1] == ["--env-file"]:
        lines = Path(options[1]).read_text().splitlines()
        environment |= dict(line.split("=", 1) for line in lines if "=" in line)
    os.execvpe(command[0], command, environment)  # noqa: S606 - becoming the command is the purpose


def _die_with_parent() -> None:
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the parent ended before the command began")


if __name__ == "__main__":
    main(sys.argv[1:])
