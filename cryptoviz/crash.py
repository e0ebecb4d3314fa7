"""Named crash points: places where a fault test may kill the process.

A point costs one dictionary look-up when no test is running. ``CRYPTOVIZ_CRASH_AT="clean.before_commit:3"`` kills the
process with SIGKILL the third time it reaches ``clean.before_commit``. What to kill belongs to the tests, not here.
"""

import os
import signal
from collections import Counter

_target, _, _nth = os.environ.get("CRYPTOVIZ_CRASH_AT", "").partition(":")
_passed: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """Kill this process the way ``kill -9`` would, if a test asked for exactly this point and passage."""
    if name != _target:
        return
    _passed[name] += 1
    if _passed[name] == int(_nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
