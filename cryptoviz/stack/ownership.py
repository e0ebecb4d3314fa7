"""One launcher a home: a lock that the kernel releases with its holder, and the holder's process id in it."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from cryptoviz.stack.errors import AlreadyRunning


@contextmanager
def own(lock: Path) -> Iterator[None]:
    """Hold the lock during the block. Raises :class:`AlreadyRunning` naming the process that has it."""
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found = owner(lock)
            who = f" (pid {found.pid})" if found else ""
            raise AlreadyRunning(
                f"this stack is already running{who}; see ./run status, stop it with ./run down"
            ) from None
        me = psutil.Process()
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "started": me.create_time()}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def owner(lock: Path) -> psutil.Process | None:
    """The process that holds the lock, None when nobody does. The start time guards against a reused process id."""
    if not lock.is_file():
        return None
    with lock.open("r") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _named(file.read())
    return None


def _named(text: str) -> psutil.Process | None:
    try:
        stored = json.loads(text)
        process = psutil.Process(stored["pid"])
    except (ValueError, KeyError, psutil.NoSuchProcess):
        return None
    return process if abs(process.create_time() - stored["started"]) < 1.0 else None
