"""Make ``uv.lock`` name no registry: versions and hashes stay, addresses go (they come from each user's own settings).

Standard library only: it runs before anything is installed.
"""

import re
import sys
from pathlib import Path

REGISTRY = "https://default.index/simple"
FILES = "https://default.index"

_REGISTRY = re.compile(r'registry = "https?://[^"]*"')
_FILE = re.compile(r'url = "https?://[^"]*/([^/"]+)"')


def elide(lock: str) -> str:
    """The lock with a neutral registry and bare file names. Eliding twice changes nothing."""
    return _FILE.sub(rf'url = "{FILES}/\1"', _REGISTRY.sub(f'registry = "{REGISTRY}"', lock))


def main(path: Path) -> None:
    """Elide a lock in place."""
    path.write_text(elide(path.read_text()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
