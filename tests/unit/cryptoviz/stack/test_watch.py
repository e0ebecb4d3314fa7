from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cryptoviz.stack import watch
from cryptoviz.stack.paths import Home
from cryptoviz.stack.progress import Board
from cryptoviz.stack.services import Service
from cryptoviz.stack.state import StateFile, read_state
from cryptoviz.stack.supervision import ProcessInfo, Supervisor
from cryptoviz.stack.watch import Watch

SERVICE = Service(name="spark", command=(), ready=lambda: None, waits_for="", ports=(), memory_mb=100)


class Scripted(Supervisor):
    """Answers what a test has put there, and remembers what it was asked to do."""

    def __init__(self) -> None:
        self.now = ProcessInfo(name="spark", state="RUNNING", pid=11, exit_status=0, uptime_s=1)
        self.asked: list[str] = []

    def processes(self) -> dict[str, ProcessInfo]:
        return {"spark": self.now}

    def start(self, name: str) -> None:
        self.asked.append(f"start {name}")
        self.now = replace(self.now, state="RUNNING", pid=self.now.pid + 1)

    def stop(self, name: str) -> None:
        self.asked.append(f"stop {name}")


@pytest.fixture
def supervisor() -> Scripted:
    return Scripted()


@pytest.fixture
def watched(tmp_path: Path, supervisor: Scripted) -> Watch:
    home = Home(tmp_path)
    home.create()
    state = StateFile(home.state_file)
    state.begin(["spark"])
    board = Board(Console(quiet=True))
    return Watch(services=[SERVICE], supervisor=supervisor, home=home, state=state, board=board)


def test_a_service_over_its_bound_three_times_in_a_row_is_restarted_with_the_reason(
    watched: Watch, supervisor: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = iter([200.0, 50.0, 200.0, 200.0, 201.0, 50.0])
    monkeypatch.setattr(watch, "memory_mb", lambda _pid: next(sizes))
    for _ in range(4):
        watched.look()
    assert supervisor.asked == []
    watched.look()
    assert supervisor.asked == ["stop spark", "start spark"]
    watched.look()
    note = read_state(watched.home.state_file).services["spark"]
    assert (note.restarts, note.reason) == (1, "was restarted at 201 MB, over its bound of 100 MB")


def test_a_service_that_refuses_is_left_alone_with_its_reason(watched: Watch, supervisor: Scripted) -> None:
    watched.home.log("spark").write_text("error: CRYPTOVIZ_START is in the future\n")
    supervisor.now = replace(supervisor.now, state="EXITED", pid=0, exit_status=78)
    watched.look()
    assert supervisor.asked == []
    reason = read_state(watched.home.state_file).services["spark"].reason
    assert reason == "refused to run as configured: error: CRYPTOVIZ_START is in the future"


def test_a_service_that_came_back_by_itself_is_counted(watched: Watch, supervisor: Scripted) -> None:
    supervisor.now = replace(supervisor.now, pid=12)
    watched.look()
    watched.look()
    assert read_state(watched.home.state_file).services["spark"].restarts == 1
