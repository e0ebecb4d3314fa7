"""Real stacks for tests: a home of their own, ports of their own, every process ended afterwards."""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psycopg
import pytest

from cryptoviz.settings import load_settings
from cryptoviz.stack import probes
from cryptoviz.stack.database import Database, create_relations
from cryptoviz.stack.jars import SPARK_KAFKA, ensure_jars
from cryptoviz.stack.java import find_java, shim_home
from cryptoviz.warehouse.server import Role, Server

CHECKOUT = Path(__file__).parents[1]


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="fault runs in their long form")


@pytest.fixture(scope="session")
def is_full(request) -> bool:
    return request.config.getoption("--full")


def eventually(condition, *, timeout_s, what):
    """Wait for a condition; its last value is returned. Fails with what was waited for."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen in {timeout_s} s")
        time.sleep(0.25)
    return value


class PostgresUnderTest:
    """A PostgreSQL of the product's own making in a folder of its own, to kill and start again."""

    def __init__(self, folder: Path) -> None:
        passwords = {role: f"word-of-'{role}" for role in Role}
        self.server = Server(host="127.0.0.1", port=_free_port(), passwords=passwords)
        self.database = Database(folder=folder, server=self.server)
        self._log, self._process = folder.with_suffix(".log"), None

    def start(self) -> None:
        self.database.prepare()
        self.restart()

    def _run(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self.database.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _is_ready(self) -> bool:
        try:
            probes.postgres(self.server)()
        except probes.NotReady:
            return False
        return True

    def create_relations(self) -> None:
        create_relations(self.server)

    def connect(self, role: Role = Role.READER) -> psycopg.Connection:
        return psycopg.connect(self.server.conninfo(role), autocommit=True)

    def kill(self) -> None:
        """kill -9 of the server; its sessions notice and end by themselves."""
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Start again as the supervisor does: at once, and once more while old sessions still hold the memory."""
        deadline = time.monotonic() + 60
        while True:
            self._run()
            while self._process.poll() is None:
                if self._is_ready():
                    return
                time.sleep(0.02)
            assert time.monotonic() < deadline, self._log.read_text()[-2000:]

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=60)


class StackUnderTest:
    """A stack started by the product's own launcher, plus services a test runs by itself to kill them."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home, self.offset = home, _free_offset()
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("CRYPTOVIZ_") or k in _KEPT},
            "CRYPTOVIZ_HOME": str(home),
            "CRYPTOVIZ_PORT_OFFSET": str(self.offset),
            **environment,
        }
        self._launcher: subprocess.Popen[bytes] | None = None
        self._own: list[subprocess.Popen[bytes]] = []

    def up(self, *services: str, kind: str = "demo") -> None:
        command = [sys.executable, "-m", "cryptoviz.stack", str(self.home), kind, *services]
        self._launcher = self._start(command, "launcher", self.environment)
        eventually(self._is_up, timeout_s=900, what="the start of the stack")

    def _is_up(self) -> bool:
        assert self._launcher is not None
        assert self._launcher.poll() is None, (self.home / "launcher.out").read_text()
        return "Everything is ready" in (self.home / "launcher.out").read_text()

    def cli(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cryptoviz.cli.main", *arguments]
        done = subprocess.run(command, cwd=CHECKOUT, env=self.environment, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def pid_of(self, service: str) -> int:
        services = json.loads(self.cli("status", "--json", check=False).stdout)["services"]
        return next(s["pid"] for s in services if s["name"] == service)

    def run_service(self, name: str, **environment: str) -> subprocess.Popen[bytes]:
        """Run one of our services outside the launcher, in a session of its own, so that a test can kill it."""
        command = [sys.executable, "-m", "streaming", name]
        process = self._start(command, name, {**self.environment, **self.stack_values(), **environment})
        self._own.append(process)
        return process

    def _start(self, command: list[str], name: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.home / f"{name}.out").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=CHECKOUT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def spark_environment(self) -> dict[str, str]:
        """What the launcher gives the Spark service besides the stack's own values."""
        cache = load_settings(home=self.home).cache.expanduser()
        java = find_java(cache)
        jars = ensure_jars(SPARK_KAFKA, cache=cache, java=java)
        return {"JAVA_HOME": str(shim_home(java, cache)), "CRYPTOVIZ_SPARK_JARS": ",".join(map(str, jars))}

    def stack_values(self) -> dict[str, str]:
        lines = (self.home / "stack.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def get_json(self, service_port: int, path: str) -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{service_port + self.offset}{path}", timeout=30) as answer:
            return json.load(answer)

    def down(self) -> None:
        for process in self._own:
            kill_session(process)
        if self._launcher is not None:
            self._launcher.terminate()
            self._launcher.wait(timeout=120)
        self.cli("down", check=False)


def kill_session(process: subprocess.Popen[bytes]) -> None:
    """kill -9 of a service with everything it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


_KEPT = {"CRYPTOVIZ_CACHE", "CRYPTOVIZ_MINIO", "CRYPTOVIZ_RECORDINGS"}


def _free_offset() -> int:
    """Below the ports that the system hands out to outgoing connections."""
    ports = (9092, 9093, 9000, 9001, 8600, 3000, 4266, 9101, 9102, 4040, 5432, 8700, 8501)
    for _ in range(50):
        offset = random.randrange(10_000, 23_000, 10)
        if all(_is_free(port + offset) for port in ports):
            return offset
    raise RuntimeError("no free block of ports found")


def _free_port() -> int:
    for _ in range(50):
        port = random.randrange(20_000, 32_000)
        if _is_free(port):
            return port
    raise RuntimeError("no free port found")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(scope="module")
def recordings() -> Path:
    folder = Path(os.environ.get("CRYPTOVIZ_RECORDINGS", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no recordings; name their folder in CRYPTOVIZ_RECORDINGS")
    return folder


@pytest.fixture(scope="module")
def make_stack(tmp_path_factory):
    """Makes stacks of a module and ends them afterwards."""
    made = []

    def make(**environment: str) -> StackUnderTest:
        stack = StackUnderTest(tmp_path_factory.mktemp("home"), **environment)
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.down()
        shutil.rmtree(stack.home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A running server with every relation, shared by all tests of a session: use partitions of your own."""
    server = PostgresUnderTest(tmp_path_factory.mktemp("postgres") / "server")
    server.start()
    server.create_relations()
    yield server
    server.stop()


@pytest.fixture
def own_postgres(tmp_path):
    """A server of the test's own, not yet started."""
    server = PostgresUnderTest(tmp_path / "server")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def wait_for():
    return eventually


@pytest.fixture(scope="session")
def kill():
    return kill_session
