import configparser
import shlex
from pathlib import Path

from cryptoviz.stack.paths import Home
from cryptoviz.stack.services import EXIT_REFUSED, Service
from cryptoviz.stack.supervision import ProcessInfo, render_config


def service(name: str, **fields: object) -> Service:
    base = {"name": name, "command": (name,), "ready": lambda: None, "waits_for": "", "ports": ()}
    return Service(**(base | fields))  # type: ignore[arg-type]


def parsed(text: str) -> configparser.RawConfigParser:
    config = configparser.RawConfigParser(strict=True)
    config.read_string(text)
    return config


def test_services_stop_in_the_reverse_of_their_order_when_supervisord_itself_is_stopped(tmp_path: Path) -> None:
    config = parsed(render_config([service("kafka"), service("spark")], Home(tmp_path)))
    assert config.getint("program:kafka", "priority") < config.getint("program:spark", "priority")


def test_nothing_starts_by_itself_and_everything_restarts_but_a_refusal(tmp_path: Path) -> None:
    program = parsed(render_config([service("kafka")], Home(tmp_path)))["program:kafka"]
    assert program["autostart"] == "false"
    assert program["autorestart"] == "unexpected"
    assert program["exitcodes"] == str(EXIT_REFUSED)


def test_a_command_survives_spaces_and_percent_signs(tmp_path: Path) -> None:
    home = Home(tmp_path / "my %(here)s home")
    program = parsed(render_config([service("kafka", command=("run it", "50%"))], home))["program:kafka"]
    assert shlex.split(program["command"].replace("%%", "%"))[-2:] == ["run it", "50%"]
    assert program["stdout_logfile"].replace("%%", "%") == str(home.log("kafka"))


def test_keys_are_named_by_file_and_appear_nowhere(tmp_path: Path) -> None:
    text = render_config([service("minio", env_file=tmp_path / "minio.env")], Home(tmp_path))
    assert f"--env-file {tmp_path / 'minio.env'} --" in text
    assert parsed(text)["program:minio"]["environment"] == ""


def test_the_control_socket_leaves_a_home_whose_path_is_too_long(tmp_path: Path) -> None:
    assert Home(Path("/short")).socket == Path("/short/run/supervisor.sock")
    long = Home(Path("/" + "x" * 120))
    assert len(bytes(long.socket)) < 100
    assert long.socket != Home(Path("/" + "y" * 120)).socket


def test_only_an_ended_process_with_the_agreed_status_has_refused() -> None:
    def info(state: str, status: int) -> bool:
        return ProcessInfo(name="a", state=state, pid=0, exit_status=status, uptime_s=0).has_refused

    assert info("EXITED", 78)
    assert not info("RUNNING", 78)
    assert not info("EXITED", 1)
