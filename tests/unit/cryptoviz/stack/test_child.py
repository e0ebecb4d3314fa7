import os
import subprocess
import sys
from pathlib import Path

from cryptoviz.stack.child import pause_before_start
from cryptoviz.stack.supervision import CHILD


def test_short_lives_are_paused_longer_each_time_up_to_a_bound(tmp_path: Path) -> None:
    now, pauses = 1_000.0, []
    for _ in range(8):
        pauses.append(pause_before_start(tmp_path / "starts", now=now))
        now += pauses[-1] + 1.0
    assert pauses == [0, 1, 2, 4, 8, 16, 30, 30]


def test_a_long_life_forgets_the_short_ones(tmp_path: Path) -> None:
    for second in (0.0, 1.0, 5.0):
        pause_before_start(tmp_path / "starts", now=second)
    assert pause_before_start(tmp_path / "starts", now=100.0) == 0


def test_a_torn_history_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "starts").write_text("1.0")
    assert pause_before_start(tmp_path / "starts", now=1_000.0) == 0


def test_the_command_gets_its_keys_from_the_file_and_its_exit_status_is_passed_on(tmp_path: Path) -> None:
    keys = tmp_path / "keys.env"
    keys.write_text("# keys\nSECRET=a=b\n")
    command = [sys.executable, "-c", "import os, sys; print(os.environ['SECRET']); sys.exit(78)"]
    child = [sys.executable, str(CHILD), "--env-file", str(keys), "--starts", str(tmp_path / "starts"), "--", *command]
    done = subprocess.run(child, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert (done.stdout, done.returncode) == ("a=b\n", 78)


def test_signals_that_the_parent_ignores_are_heard_again() -> None:
    numbers = "signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM"
    asked = f"import signal; print([signal.getsignal(n) == signal.SIG_IGN for n in ({numbers})])"
    deaf = 'trap "" HUP INT QUIT TERM; exec "$@"'
    child = ["sh", "-c", deaf, "sh", sys.executable, str(CHILD), "--", sys.executable, "-c", asked]
    assert subprocess.run(child, capture_output=True, text=True, check=True).stdout == "[False, False, False, False]\n"
