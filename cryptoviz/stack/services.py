"""What a service is to the launcher, and in which order services start and stop."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from cryptoviz.stack.errors import StackError
from cryptoviz.stack.ports import PortUse
from cryptoviz.stack.probes import Probe

EXIT_REFUSED = 78
"""A service that exits with it will not run as configured (sysexits EX_CONFIG); starting it again is useless."""


def _nothing() -> None:
    """No step of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """One process of the stack.

    ``made_from`` is awaited, then ``prepare`` runs before it, ``once_ready`` after it and
    before whoever needs it.
    """

    name: str
    command: Sequence[str]
    ready: Probe
    waits_for: str
    ports: tuple[PortUse, ...]
    needs: tuple[str, ...] = ()
    made_from: "Future[Path] | None" = None
    prepare: Callable[[], None] = _nothing
    once_ready: Callable[[], None] = _nothing
    environment: Mapping[str, str] = field(default_factory=dict)
    env_file: Path | None = None
    deadline_s: float = 60.0
    stop_s: int = 15
    stop_signal: str = "TERM"
    memory_mb: int = 512


def in_start_order(services: Iterable[Service]) -> list[Service]:
    """Every service after those it needs; otherwise in the given order. Needs that are not in the set are ignored."""
    waiting = {service.name: service for service in services}
    ordered: list[Service] = []
    while waiting:
        free = [service for service in waiting.values() if not waiting.keys() & set(service.needs)]
        if not free:
            raise StackError(f"services need each other in a circle: {', '.join(waiting)}")
        ordered += free
        for service in free:
            del waiting[service.name]
    return ordered


def in_stop_waves(services: Sequence[Service]) -> list[list[Service]]:
    """Groups to stop one after the other: nobody stops before those that need it; within a group all at once."""
    left = list(services)
    waves: list[list[Service]] = []
    while left:
        needed = {name for service in left for name in service.needs}
        wave = [service for service in left if service.name not in needed]
        if not wave:
            raise StackError(f"services need each other in a circle: {', '.join(s.name for s in left)}")
        waves.append(wave)
        left = [service for service in left if service not in wave]
    return waves
