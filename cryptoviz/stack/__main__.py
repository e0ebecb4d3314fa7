"""The launcher that ``up --detach`` leaves behind: ``python -m cryptoviz.stack HOME demo|live [SERVICE...]``."""

import os
import sys
from pathlib import Path

from cryptoviz.settings import SettingsError, load_settings
from cryptoviz.stack.errors import StackError
from cryptoviz.stack.launcher import up


def main(arguments: list[str]) -> int:
    """Run a stack until SIGTERM; 1 when it cannot run."""
    home, kind, *only = arguments
    # What the caller had open (a lock, a pipe) must not stay open for as long as the stack lives.
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    try:
        return up(load_settings(home=Path(home)), demo=kind == "demo", only=only)
    except (StackError, SettingsError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
