"""While a stack runs: memory bounds, services that refuse to run, services that were restarted."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil

from cryptoviz.stack.bring_up import last_lines
from cryptoviz.stack.paths import Home
from cryptoviz.stack.progress import Board
from cryptoviz.stack.services import Service
from cryptoviz.stack.state import StateFile
from cryptoviz.stack.supervision import ProcessInfo, Supervisor

_STRIKES = 3


def memory_mb(pid: int) -> float:
    """Resident memory of a process and its descendants in MB (10^6 bytes); 0 when it is gone.

    Proportional where the kernel tells it (Linux), so that pages shared by forked workers count once.
    """
    try:
        process = psutil.Process(pid)
        return sum(_resident(one) for one in (process, *process.children(recursive=True))) / 1e6
    except psutil.Error:
        return 0.0


def _resident(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(full, "pss", 0) or full.rss)


@dataclass(kw_only=True)
class Watch:
    """Looks at every service once per :meth:`look`, which the launcher calls every few seconds."""

    services: Sequence[Service]
    supervisor: Supervisor
    home: Home
    state: StateFile
    board: Board
    _over: dict[str, int] = field(default_factory=dict)
    _last_pid: dict[str, int] = field(init=False)
    _why: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._last_pid = {name: process.pid for name, process in self.supervisor.processes().items()}

    def look(self) -> None:
        """Act on what is found; what was done is said and kept in the state."""
        processes = self.supervisor.processes()
        for service in self.services:
            process = processes[service.name]
            self._notice_restart(process)
            if process.has_refused:
                self._give_up(process)
            elif process.state == "RUNNING":
                self._bound_memory(service, process)

    def _notice_restart(self, process: ProcessInfo) -> None:
        if process.pid and process.pid != self._last_pid[process.name]:
            self._last_pid[process.name] = process.pid
            self._tell(process.name, self._why.pop(process.name, "ended by itself and was restarted"))

    def _give_up(self, process: ProcessInfo) -> None:
        reason = f"refused to run as configured: {last_lines(self.home, process.name, 1).strip()}"
        if self.state.reason(process.name) != reason:
            self.state.explain(process.name, reason)
            self.board.say(f"✗ {process.name} {reason}")

    def _bound_memory(self, service: Service, process: ProcessInfo) -> None:
        used = memory_mb(process.pid)
        self._over[service.name] = self._over.get(service.name, 0) + 1 if used > service.memory_mb else 0
        if self._over[service.name] >= _STRIKES:
            self._over[service.name] = 0
            self._why[service.name] = f"was restarted at {used:.0f} MB, over its bound of {service.memory_mb} MB"
            self.supervisor.stop(service.name)
            self.supervisor.start(service.name)

    def _tell(self, name: str, reason: str) -> None:
        self.state.restarted(name, reason)
        self.board.say(f"⚠ {name} {reason}")
