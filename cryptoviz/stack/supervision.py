"""supervisord: the configuration it runs with, and what the launcher asks of it over its private socket.

The order of starts and readiness are the launcher's (supervisord has neither), so every program is ``autostart=false``.
What supervisord does: run, restart, rotate logs, stop whole process groups.
"""

import shlex
import sys
import xmlrpc.client
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from supervisor.xmlrpc import SupervisorTransport

from cryptoviz.stack.paths import CHECKOUT, Home
from cryptoviz.stack.services import EXIT_REFUSED, Service

CHILD = Path(__file__).with_name("child.py")

_DAEMON = """[supervisord]
nodaemon=true
silent=true
identifier=cryptoviz
umask=077
directory={checkout}
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
childlogdir={logs}
pidfile={run}/supervisord.pid

[unix_http_server]
file={socket}
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

_PROGRAM = """
[program:{name}]
command={command}
environment={environment}
priority={priority}
autostart=false
autorestart=unexpected
exitcodes={refused}
startsecs=0
stopsignal={stop_signal}
stopwaitsecs={stop_s}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessInfo:
    """What supervisord says of a program; ``state`` is its word: STOPPED, STARTING, RUNNING, BACKOFF, EXITED, FATAL."""

    name: str
    state: str
    pid: int
    exit_status: int
    uptime_s: float

    @property
    def has_refused(self) -> bool:
        """Whether it ended by itself saying that it will not run as configured."""
        return self.exit_status == EXIT_REFUSED and self.state == "EXITED"


def render_config(services: Sequence[Service], home: Home) -> str:
    """The configuration for services in start order. It holds no key: those travel in private files."""
    daemon = _DAEMON.format(checkout=CHECKOUT, logs=home.logs, run=home.run, socket=home.socket)
    programs = (_program(service, priority=10 * rank, home=home) for rank, service in enumerate(services, start=1))
    return _literal(daemon + "".join(programs))


def start_command(home: Home) -> list[str]:
    """Runs supervisord so that it ends with the launcher."""
    supervisord = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(home.supervisor_config)]
    return [sys.executable, str(CHILD), "--", *supervisord]


class Supervisor:
    """Requests to a running supervisord. Every call opens its own connection, so threads may share one instance."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            self._call("getPID")
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def processes(self) -> dict[str, ProcessInfo]:
        """Every program by name."""
        found = cast("list[dict[str, Any]]", self._call("getAllProcessInfo"))
        return {str(one["name"]): _info(one) for one in found}

    def start(self, name: str) -> None:
        """Start a program without waiting for it. One that is already running is left alone."""
        self._tolerate("ALREADY_STARTED", "startProcess", name, False)  # noqa: FBT003 - XML-RPC has no keywords

    def stop(self, name: str) -> None:
        """Stop a program and its group, and wait for the end."""
        self._tolerate("NOT_RUNNING", "stopProcess", name, True)  # noqa: FBT003 - XML-RPC has no keywords

    def shutdown(self) -> None:
        """End supervisord itself."""
        self._call("shutdown")

    def _tolerate(self, fault: str, method: str, *arguments: object) -> None:
        try:
            self._call(method, *arguments)
        except xmlrpc.client.Fault as error:
            if fault not in error.faultString:
                raise

    def _call(self, method: str, *arguments: object) -> object:
        transport = SupervisorTransport(None, None, serverurl=f"unix://{self._socket}")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as server:
            return getattr(server.supervisor, method)(*arguments)


def _program(service: Service, *, priority: int, home: Home) -> str:
    options = ["--starts", str(home.starts(service.name))]
    options += ["--env-file", str(service.env_file)] if service.env_file else []
    return _PROGRAM.format(
        name=service.name,
        command=shlex.join([sys.executable, str(CHILD), *options, "--", *service.command]),
        environment=",".join(f'{name}="{value}"' for name, value in sorted(service.environment.items())),
        priority=priority,
        refused=EXIT_REFUSED,
        stop_s=service.stop_s,
        stop_signal=service.stop_signal,
        log=home.log(service.name),
    )


def _literal(text: str) -> str:
    """Keep supervisord from expanding ``%`` in paths and commands."""
    return text.replace("%", "%%")


def _info(one: dict[str, Any]) -> ProcessInfo:
    state = str(one["statename"])
    return ProcessInfo(
        name=str(one["name"]),
        state=state,
        pid=int(one["pid"]),
        exit_status=int(one["exitstatus"]),
        uptime_s=float(one["now"] - one["start"]) if state == "RUNNING" else 0.0,
    )
