"""What the command line asks of a stack: bring it up, take it down, show its logs."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from cryptoviz.settings import Settings
from cryptoviz.stack.catalogue import PAGE, build_services, links, stack_environment
from cryptoviz.stack.controller import Controller
from cryptoviz.stack.errors import ServiceFailed, StackError
from cryptoviz.stack.first_start import open_home, public_values
from cryptoviz.stack.leftovers import end_leftovers
from cryptoviz.stack.ownership import own, owner
from cryptoviz.stack.paths import Home
from cryptoviz.stack.progress import Board
from cryptoviz.stack.state import Phase, read_state
from cryptoviz.stack.toolchain import provision
from cryptoviz.storage.objects import probe_conditional_put

_STOP_DEADLINE_S = 90.0
_TAIL_BYTES = 8_000
_POLL_S = 0.2


def up(settings: Settings, *, demo: bool, detach: bool = False, only: Sequence[str] = ()) -> int:
    """Start a stack and, unless detached, stay until Ctrl-C or SIGTERM, then stop everything.

    ``only`` names a subset of services. Raises :class:`StackError` with what is wrong and what to do.
    """
    home = Home.at(settings.home)
    home.create()
    with own(home.lock_file):
        settings = open_home(settings, demo=demo)
    if detach:
        return _detach(settings, home, only=only)
    with Board() as board:
        tools = provision(settings, board=board)
        if settings.lake.is_s3 and settings.store != "minio":
            _prove_store(settings, board)
        services = build_services(settings, tools, only=only)
        environment = stack_environment(settings)
        controller = Controller(services=services, home=home, board=board, environment=environment)
        return controller.run(summary=_summary(settings, [service.name for service in services]))


def down(settings: Settings) -> None:
    """Stop the stack of a home, whoever started it. Nothing of it runs afterwards; one that does not run is fine."""
    home = Home.at(settings.home)
    with Board() as board:
        launcher = owner(home.lock_file)
        if launcher:
            with board.step(f"launcher {launcher.pid}", done="stopped"):
                _end(launcher)
        count = end_leftovers(home.root, say=board.say)
        home.socket.unlink(missing_ok=True)
        if not launcher and not count:
            board.say(f"· nothing of {home.root} is running")


def logs(settings: Settings, service: str, *, follow: bool = False) -> Iterator[str]:
    """The end of a service's log, line by line, then what is added while following. Rotation is followed too."""
    path = Home.at(settings.home).log(service)
    if not path.is_file():
        known = sorted(log.stem for log in path.parent.glob("*.log"))
        raise StackError(f"no log of {service}; there are: {', '.join(known) or 'none'}")
    yield from _tail(path, follow=follow)


def _detach(settings: Settings, home: Home, *, only: Sequence[str]) -> int:
    """Leave a launcher of its own session behind, show what it says, and return when all is ready or it has failed."""
    log = home.log("launcher")
    home.state_file.unlink(missing_ok=True)
    launcher = _spawn(settings, home, only=only, log=log)
    with log.open(errors="replace") as said:
        while True:
            is_gone = os.waitpid(launcher, os.WNOHANG)[0] == launcher
            is_ready = read_state(home.state_file).phase is Phase.READY
            sys.stderr.write(said.read())
            if is_gone:
                raise ServiceFailed(f"the stack did not start; its log: {log}")
            if is_ready:
                return 0
            time.sleep(_POLL_S)


def _spawn(settings: Settings, home: Home, *, only: Sequence[str], log: Path) -> int:
    command = [sys.executable, "-m", "cryptoviz.stack", str(home.root), "demo" if settings.demo else "live", *only]
    log.touch(mode=0o600)
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_TRUNC, 0),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    environment = os.environ | public_values(settings)
    # Not subprocess: it wants every child waited for, and this one is left behind on purpose.
    return os.posix_spawn(sys.executable, command, environment, file_actions=streams, setsid=True)


def _prove_store(settings: Settings, board: Board) -> None:
    with board.step(f"conditional writes of {settings.store}", done="proved"):
        try:
            probe_conditional_put(settings.lake)
        except Exception as error:
            raise StackError(f"store {settings.store} cannot be used: {_short(error)}") from error


def _short(error: Exception) -> str:
    """What an object store's client says, without the dump of its requests that follows."""
    return str(error).split("\n", maxsplit=1)[0][:400]


def _end(launcher: psutil.Process) -> None:
    launcher.terminate()
    try:
        launcher.wait(_STOP_DEADLINE_S)
    except psutil.TimeoutExpired:
        launcher.kill()
        launcher.wait(5.0)


def _summary(settings: Settings, names: Sequence[str]) -> list[str]:
    found = links(settings, names)
    page = found.pop(PAGE, "")
    pages = [f"    {title:<20} {url}" for title, url in found.items()]
    return [
        "",
        f"Everything is ready. {page}".rstrip(),
        *pages,
        f"    logs                 {settings.home / 'logs'}",
        "",
    ]


def _tail(path: Path, *, follow: bool) -> Iterator[str]:
    file = path.open(errors="replace")
    try:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        while True:
            for line in file:
                yield line.rstrip("\n")
            if not follow:
                return
            time.sleep(_POLL_S)
            if path.is_file() and path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                file.close()
                file = path.open(errors="replace")
    finally:
        file.close()
