"""Heavy computation in a process of its own, behind everything else on the machine.

What a training framework leaves in a process, threads that make every later fork dangerous and memory, ends with it.
"""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
_NICENESS = 10


def run_apart(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The function's result, computed in a new process of low priority; raises what the function raises."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh, initializer=os.nice, initargs=(_NICENESS,)) as pool:
        return pool.submit(function, *args, **kwargs).result()
