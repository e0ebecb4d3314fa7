"""A stack of a benchmark's own: a home in a temporary folder, ports far from others, ended with the block."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptoviz.settings import Settings, load_settings

_CHECKOUT = Path(__file__).parents[2]
_OFFSET = 21_000
_START_S = 400


@contextmanager
def small_stack(kind: str, *services: str, **environment: str) -> Iterator[Settings]:
    """Start some services, ``kind`` being ``demo`` or ``live``, and yield the settings that reach them."""
    with TemporaryDirectory(prefix="cryptoviz-bench-") as name:
        home = Path(name)
        own = {"CRYPTOVIZ_HOME": name, "CRYPTOVIZ_PORT_OFFSET": str(_OFFSET)}
        values = {**os.environ, **own, **environment}
        said = home / "launcher.out"
        with said.open("wb") as log:
            command = [sys.executable, "-m", "cryptoviz.stack", name, kind, *services]
            launcher = subprocess.Popen(command, cwd=_CHECKOUT, env=values, stdout=log, stderr=log)
        try:
            wait_until(lambda: _is_up(launcher, said), _START_S)
            yield load_settings(home=home)
        finally:
            _end(launcher, values)


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition; the benchmark ends when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"not reached within {seconds} s")
        time.sleep(0.5)


def _is_up(launcher: subprocess.Popen[bytes], said: Path) -> bool:
    if launcher.poll() is not None:
        sys.exit(said.read_text()[-3000:])
    return "Everything is ready" in said.read_text()


def _end(launcher: subprocess.Popen[bytes], environment: Mapping[str, str]) -> None:
    # Not `down` first: it would wait for a process that only its parent can lay to rest.
    launcher.terminate()
    launcher.wait(120)
    down = [sys.executable, "-m", "cryptoviz.cli.main", "down"]
    subprocess.run(down, cwd=_CHECKOUT, env=environment, check=False, stdout=subprocess.DEVNULL)
