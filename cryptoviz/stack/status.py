"""The state of every service of a stack, asked of supervisord and of the services themselves, from any shell."""

import xmlrpc.client
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from cryptoviz.settings import Settings
from cryptoviz.stack.catalogue import links, port_uses, probe_of, service_names
from cryptoviz.stack.paths import Home
from cryptoviz.stack.probes import NotReady
from cryptoviz.stack.state import Note, Phase, Snapshot, read_state
from cryptoviz.stack.supervision import ProcessInfo, Supervisor
from cryptoviz.stack.watch import memory_mb


class ServiceState(StrEnum):
    """What a service is doing."""

    READY = "ready"
    STARTING = "starting"
    UNREADY = "unready"
    RESTARTING = "restarting"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceStatus:
    """One service. ``waiting_for`` is empty when it is ready; ``reason`` tells of its last restart or refusal."""

    name: str
    state: ServiceState
    pid: int = 0
    memory_mb: float = 0.0
    port: int = 0
    waiting_for: str = ""
    uptime_s: float = 0.0
    restarts: int = 0
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StackStatus:
    """All services of a stack in start order."""

    phase: Phase
    services: tuple[ServiceStatus, ...]
    links: Mapping[str, str]

    @property
    def is_healthy(self) -> bool:
        """Whether every service is ready."""
        return bool(self.services) and all(one.state is ServiceState.READY for one in self.services)

    @property
    def memory_mb(self) -> float:
        """Memory of all services together."""
        return sum(one.memory_mb for one in self.services)


def status(settings: Settings) -> StackStatus:
    """Look at the stack of a home now. A stack that does not run has every service stopped."""
    home = Home.at(settings.home)
    snapshot = read_state(home.state_file)
    processes = _processes(home)
    names = tuple(processes) or service_names(settings)
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        found = list(pool.map(lambda name: _service(settings, name, processes, snapshot), names))
    phase = snapshot.phase if processes else Phase.STOPPED
    return StackStatus(phase=phase, services=tuple(found), links=links(settings, names))


def _processes(home: Home) -> dict[str, ProcessInfo]:
    try:
        found = Supervisor(home.socket).processes()
    except (OSError, xmlrpc.client.Error):
        return {}
    order = {name: rank for rank, name in enumerate(read_state(home.state_file).services)}
    return dict(sorted(found.items(), key=lambda item: order.get(item[0], len(order))))


def _service(settings: Settings, name: str, processes: Mapping[str, ProcessInfo], snapshot: Snapshot) -> ServiceStatus:
    port = next((use.port for use in port_uses(settings, name)), 0)
    note = snapshot.services.get(name, Note())
    process = processes.get(name)
    if process is None:
        return ServiceStatus(name=name, state=ServiceState.STOPPED, port=port)
    missing = _missing(settings, name) if process.state in {"RUNNING", "STARTING"} else ""
    return ServiceStatus(
        name=name,
        state=judge(process, missing=missing, note=note),
        pid=process.pid,
        memory_mb=round(memory_mb(process.pid), 1) if process.pid else 0.0,
        port=port,
        waiting_for=missing or note.waiting_for,
        uptime_s=round(process.uptime_s, 1),
        restarts=note.restarts,
        reason=note.reason,
    )


def judge(process: ProcessInfo, *, missing: str, note: Note) -> ServiceState:
    """The state of a service from what supervisord, its probe and the launcher say."""
    if process.state in {"RUNNING", "STARTING"}:
        if note.waiting_for:
            return ServiceState.STARTING
        return ServiceState.UNREADY if missing else ServiceState.READY
    if note.reason.startswith("refused"):
        return ServiceState.REFUSED
    if process.state == "STOPPED" and note.waiting_for:
        return ServiceState.STARTING
    return {"BACKOFF": ServiceState.RESTARTING, "EXITED": ServiceState.RESTARTING, "FATAL": ServiceState.FAILED}.get(
        process.state, ServiceState.STOPPED
    )


def _missing(settings: Settings, name: str) -> str:
    try:
        probe_of(settings, name)()
    except NotReady as reason:
        return str(reason)
    return ""
