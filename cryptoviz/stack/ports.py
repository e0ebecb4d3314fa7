"""Is every port free before anything starts, and if not, who has it."""

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from cryptoviz.stack.errors import PortTaken

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class PortUse:
    """A port a service wants. ``variable`` is the setting that moves it."""

    service: str
    name: str
    port: int

    @property
    def variable(self) -> str:
        """Environment variable that sets it."""
        return f"CRYPTOVIZ_PORT_{self.name.upper()}"


def is_free(port: int, host: str = HOST) -> bool:
    """Whether a server could listen there now. Sockets in TIME_WAIT do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def taken(uses: Iterable[PortUse]) -> list[str]:
    """One sentence for each port that cannot be had: service, port, who has it, what to set."""
    return [
        f"{use.service} needs port {use.port}, taken by {holder(use.port)}; stop that or set {use.variable}"
        for use in uses
        if not is_free(use.port)
    ]


def require_free(uses: Iterable[PortUse]) -> None:
    """Raise :class:`PortTaken` naming every port that cannot be had."""
    sentences = taken(uses)
    if sentences:
        hint = "CRYPTOVIZ_PORT_OFFSET=100 moves all ports of a stack at once"
        raise PortTaken("\n".join([*sentences, hint]))


def holder(port: int) -> str:
    """Who listens on a port, as far as this user may see."""
    try:
        listening = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return "another process"
    for connection in listening:
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            return _describe(connection.pid)
    return "a process of another user"


def _describe(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        return f"{process.name()} (pid {pid}: {' '.join(process.cmdline())[:80]})"
    except psutil.Error:
        return f"pid {pid}"
