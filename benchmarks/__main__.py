"""``./run bench NAME``: one benchmark a module of this package."""

import importlib
import sys
from pathlib import Path

_NAMES = sorted(p.stem for p in Path(__file__).parent.glob("[a-z]*.py"))

if len(sys.argv) < 2 or sys.argv[1] not in _NAMES:
    sys.exit(f"usage: ./run bench {'|'.join(_NAMES)}")
module = importlib.import_module(f"benchmarks.{sys.argv.pop(1)}")
module.main()
