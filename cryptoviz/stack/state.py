"""What the launcher knows about its services and tells other processes through a file in the home."""

import json
import threading
import time
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptoviz.stack.paths import write_private


class Phase(StrEnum):
    """Where the launcher is."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(kw_only=True, slots=True)
class Note:
    """About one service: what it is waiting for, why it was last restarted or refused, how often it was restarted."""

    waiting_for: str = ""
    reason: str = ""
    restarts: int = 0


@dataclass(kw_only=True, slots=True)
class Snapshot:
    """The whole stack at one moment, as read from the file."""

    phase: Phase = Phase.STOPPED
    reason: str = ""
    services: dict[str, Note] = field(default_factory=dict)
    updated: float = 0.0


class StateFile:
    """Written by one launcher, read by anyone. Safe to use from its threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._now = Snapshot()

    def begin(self, names: list[str]) -> None:
        """Start over with these services."""
        with self._lock:
            self._now = Snapshot(phase=Phase.STARTING, services={name: Note() for name in names})
            self._write()

    def enter(self, phase: Phase, reason: str = "") -> None:
        """Say where the launcher is and, for a failure, why."""
        with self._lock:
            self._now.phase = phase
            self._now.reason = reason or self._now.reason
            self._write()

    def waiting(self, name: str, what: str) -> None:
        """Say what a service is waiting for, nothing when it is ready."""
        with self._lock:
            if self._now.services[name].waiting_for != what:
                self._now.services[name].waiting_for = what
                self._write()

    def restarted(self, name: str, reason: str) -> None:
        """Count a restart and keep its reason."""
        with self._lock:
            note = self._now.services[name]
            note.restarts += 1
            note.reason = reason
            self._write()

    def explain(self, name: str, reason: str) -> None:
        """Keep why a service is about to be restarted, or will not run."""
        with self._lock:
            self._now.services[name].reason = reason
            self._write()

    def reason(self, name: str) -> str:
        """What was last kept about a service."""
        with self._lock:
            return self._now.services[name].reason

    def _write(self) -> None:
        self._now.updated = time.time()
        write_private(self._path, json.dumps(asdict(self._now)))


def read_state(path: Path) -> Snapshot:
    """The last written snapshot; an empty, stopped one when there is none."""
    try:
        stored: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return Snapshot()
    return Snapshot(
        phase=Phase(stored["phase"]),
        reason=stored["reason"],
        services={name: Note(**note) for name, note in stored["services"].items()},
        updated=stored["updated"],
    )
