import os
import pwd
import signal
import subprocess
import sys
import textwrap

import pytest

from cryptoviz.stack.database import UNPRIVILEGED

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes user only when started by root")
_CAP_DAC_OVERRIDE = 1


def run(*command: str) -> str:
    whole = [sys.executable, str(UNPRIVILEGED), "--", *command]
    return subprocess.run(whole, capture_output=True, text=True, check=True).stdout


@as_root
def test_the_command_is_nobody_for_good_and_has_no_other_groups():
    nobody = pwd.getpwnam("nobody")
    status = dict(line.split(":", 1) for line in run("/bin/cat", "/proc/self/status").splitlines() if ":" in line)
    assert set(status["Uid"].split()) == {str(nobody.pw_uid)}
    assert set(status["Gid"].split()) == {str(nobody.pw_gid)}
    assert status["Groups"].split() == []


@as_root
def test_of_all_rights_only_the_passage_through_folders_is_left():
    status = dict(line.split(":", 1) for line in run("/bin/cat", "/proc/self/status").splitlines() if ":" in line)
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {1 << _CAP_DAC_OVERRIDE}


@as_root
def test_a_private_folder_of_root_can_be_passed(tmp_path):
    inside = tmp_path / "private"
    inside.mkdir(mode=0o700)
    (inside / "file").write_text("found")
    assert run("/bin/cat", str(inside / "file")) == "found"


def test_the_command_ends_with_its_parent(tmp_path, wait_for):
    told = tmp_path / "told"
    script = f"trap 'echo INT >{told}; exit' INT; touch {told}; while :; do sleep 0.05; done"
    parent = textwrap.dedent(f"""
        import os, subprocess, time
        subprocess.Popen([{sys.executable!r}, {str(UNPRIVILEGED)!r}, "--", "/bin/bash", "-c", {script!r}])
        time.sleep(60)
    """)
    tmp_path.chmod(0o777)
    process = subprocess.Popen([sys.executable, "-c", parent])
    wait_for(told.exists, timeout_s=20, what="the start of the command")
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: told.read_text() == "INT\n", timeout_s=20, what="the signal")
