"""The launcher with real processes: what starts, what is told, and that nothing stays behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cryptoviz.settings import Ports, Settings, load_settings
from cryptoviz.stack.errors import StackError
from cryptoviz.stack.first_start import open_home
from cryptoviz.stack.launcher import down, logs, up
from cryptoviz.stack.leftovers import find_leftovers
from cryptoviz.stack.ownership import owner
from cryptoviz.stack.paths import Home
from cryptoviz.stack.state import Phase
from cryptoviz.stack.status import ServiceState, StackStatus, status

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

SERVICES = ("kafka", "minio", "exchange")


def eventually(truth: Callable[[], bool], *, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not truth():
        assert time.monotonic() < deadline, "did not become true in time"
        time.sleep(0.1)


def free_ports() -> Ports:
    names = [name for name in Ports.model_fields if name != "offset"]
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in names]
    ports = {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}
    for one in sockets:
        one.close()
    return Ports(**ports)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Settings]:
    settings = load_settings(home=tmp_path / "home", ports=free_ports(), store="minio")
    up(settings, demo=True, detach=True, only=SERVICES)
    again = load_settings(home=tmp_path / "home")
    try:
        yield again
    finally:
        down(again)


def look(settings: Settings, service: str) -> ServiceState:
    return next(one.state for one in status(settings).services if one.name == service)


def nothing_runs(settings: Settings) -> bool:
    return not find_leftovers(Home.at(settings.home).root)


def test_a_started_stack_is_healthy_and_tells_where_and_what_it_takes(stack: Settings) -> None:
    found: StackStatus = status(stack)
    assert found.is_healthy
    assert found.phase is Phase.READY
    assert [one.name for one in found.services] == list(SERVICES)
    assert all(one.pid and one.port and one.memory_mb > 10 and not one.waiting_for for one in found.services)
    assert found.links["Exchange simulator"].endswith(f":{stack.ports.exchange}/sim/state")
    assert any("started" in line.lower() for line in logs(stack, "kafka"))


def test_keys_are_private_and_on_no_command_line(stack: Settings) -> None:
    secret = stack.s3_secret_key.get_secret_value()
    home = Home.at(stack.home)
    assert len(secret) >= 24
    for path in (home.env_file, home.run / "minio.env"):
        assert path.stat().st_mode & 0o777 == 0o600
    processes = find_leftovers(home.root)
    assert len(processes) > len(SERVICES)
    assert all(secret not in " ".join(process.cmdline()) for process in processes)
    assert all(secret not in log.read_text(errors="replace") for log in home.logs.iterdir())
    assert secret not in home.supervisor_config.read_text()


def test_a_killed_service_is_started_again(stack: Settings) -> None:
    before = next(one.pid for one in status(stack).services if one.name == "minio")
    os.kill(before, signal.SIGKILL)

    def is_back() -> bool:
        minio = next(one for one in status(stack).services if one.name == "minio")
        return minio.state is ServiceState.READY and minio.pid != before and minio.restarts == 1

    eventually(is_back)


def test_down_leaves_nothing_and_the_next_start_continues_with_the_same_keys(stack: Settings) -> None:
    down(stack)
    assert nothing_runs(stack)
    assert look(stack, "kafka") is ServiceState.STOPPED
    assert owner(Home.at(stack.home).lock_file) is None
    up(stack, demo=True, detach=True, only=SERVICES)
    again = load_settings(home=stack.home)
    assert again.s3_secret_key == stack.s3_secret_key
    assert again.start == stack.start
    assert again.ports == stack.ports
    assert status(again).is_healthy


def test_a_second_launcher_is_refused(stack: Settings) -> None:
    with pytest.raises(StackError, match=r"already running \(pid \d+\)"):
        up(stack, demo=True, detach=True, only=SERVICES)


@pytest.mark.parametrize("victim", ["supervisord", "launcher"])
def test_a_killed_supervisor_leaves_no_orphan(stack: Settings, victim: str) -> None:
    launcher = owner(Home.at(stack.home).lock_file)
    assert launcher is not None
    target = launcher if victim == "launcher" else supervisord_of(launcher)
    target.kill()
    eventually(lambda: nothing_runs(stack))
    eventually(lambda: owner(Home.at(stack.home).lock_file) is None)
    assert {one.state for one in status(stack).services} == {ServiceState.STOPPED}


def supervisord_of(launcher: psutil.Process) -> psutil.Process:
    return next(child for child in launcher.children() if any("supervisord" in part for part in child.cmdline()))


def test_ctrl_c_in_the_foreground_stops_everything(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", ports=free_ports(), store="minio")
    settings = open_home(settings, demo=True)
    command = [sys.executable, "-m", "cryptoviz.stack", str(settings.home), "demo", *SERVICES]
    launcher = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    eventually(lambda: status(settings).phase is Phase.READY, within_s=600)
    launcher.send_signal(signal.SIGINT)
    _, said = launcher.communicate(timeout=60)
    assert launcher.returncode == 0
    assert "everything stopped" in said
    assert nothing_runs(settings)


def test_a_taken_port_stops_the_start_before_anything_runs(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", ports=free_ports(), store="minio")
    with (
        socket.create_server(("127.0.0.1", settings.ports.kafka)),
        pytest.raises(StackError, match=f"kafka needs port {settings.ports.kafka}.*CRYPTOVIZ_PORT_KAFKA"),
    ):
        up(settings, demo=True, only=("kafka",))
    assert nothing_runs(settings)
