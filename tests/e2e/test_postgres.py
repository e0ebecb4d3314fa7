"""PostgreSQL as a service of the stack: started, asked, killed, stopped and continued by the product's own launcher."""

import os
import signal
import subprocess
from pathlib import Path

import psutil
import psycopg
import pytest

from cryptoviz.stack.database import find_program

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def stack(make_stack):
    stack = make_stack(CRYPTOVIZ_STORE="local")
    stack.up("postgres")
    return stack


def link(stack) -> str:
    rows = stack.cli("status", check=False).stdout.split()
    return next(word for word in rows if word.startswith("postgresql://"))


def ask(stack, query: str) -> subprocess.CompletedProcess[str]:
    command = [str(find_program("psql")), link(stack), "-XAtc", query]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_link_of_status_is_all_that_psql_needs(stack):
    answer = ask(stack, "SELECT current_user, current_setting('timezone'), count(*) >= 0 FROM crypto.ohlc_1m")
    assert answer.stdout.strip() == "crypto_reader|UTC|t", answer.stderr


def test_the_server_is_never_root_and_listens_on_loopback_alone(stack):
    server = psutil.Process(stack.pid_of("postgres"))
    assert server.uids().effective != 0
    listening = [c.laddr.ip for c in server.net_connections(kind="tcp") if c.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]


def test_every_file_with_a_password_is_private(stack):
    files = [stack.home / "stack.env", stack.home / "postgres" / "passwords"]
    assert [oct(file.stat().st_mode & 0o777) for file in files] == ["0o600", "0o600"]
    assert (stack.home / "postgres" / "data").stat().st_mode & 0o077 == 0
    assert stack.stack_values()["CRYPTOVIZ_SQL_LOADER_PASSWORD"] not in " ".join(
        word for process in psutil.process_iter() for word in _command_line(process)
    )


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_wrong_password_is_refused(stack):
    port = int(stack.stack_values()["CRYPTOVIZ_PORT_POSTGRES"]) + stack.offset
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"host=127.0.0.1 port={port} dbname=crypto user=crypto_reader password=wrong")


def test_a_killed_server_comes_back_by_itself(stack, wait_for):
    before = stack.pid_of("postgres")
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: stack.pid_of("postgres") not in {0, before}, timeout_s=60, what="the restart")
    wait_for(lambda: ask(stack, "SELECT 1").stdout == "1\n", timeout_s=60, what="an answer")


def test_a_stopped_stack_continues_with_its_data_and_leaves_nothing_behind(stack):
    pid, data = stack.pid_of("postgres"), stack.home / "postgres" / "data"
    stack.down()
    assert not psutil.pid_exists(pid)
    assert not (data / "postmaster.pid").exists()
    stack.home.joinpath("launcher.out").unlink()
    made = Path(data / "PG_VERSION").stat().st_mtime
    stack.up("postgres")
    assert Path(data / "PG_VERSION").stat().st_mtime == made
    assert ask(stack, "SELECT count(*) FROM crypto_load.relations").stdout.strip() != "0"
