"""Faults on command. Each lasts a time or a count, hits a venue or all, and is counted when it strikes.

``drop``, ``repeat``, ``reorder`` and ``garbage`` touch single socket messages with a probability; ``delay`` holds them;
``close`` ends sockets once; ``half_open`` keeps them open and silent; ``halt`` silences socket and REST; ``http_5xx``,
``ban``, ``rate_limit`` and ``html`` answer REST requests.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

KINDS = (
    *("drop", "repeat", "reorder", "garbage", "delay", "close", "half_open", "halt"),
    *("http_5xx", "ban", "rate_limit", "html"),
)
Clock = Callable[[], float]


class UnknownFault(ValueError):
    """A kind of fault that there is not."""


@dataclass(slots=True)
class Fault:
    """One fault in force."""

    kind: str
    venue: str = ""
    probability: float = 1.0
    seconds: float = 1.0
    until: float = 0.0


class Faults:
    """The faults in force and how often each kind has struck."""

    def __init__(self, *, seed: int, clock: Clock = time.monotonic) -> None:
        self._random, self._clock = random.Random(seed), clock  # noqa: S311 - reproducible on purpose
        self._active: list[Fault] = []
        self.struck: Counter[str] = Counter()

    def add(self, *, kind: str, venue: str = "", probability: float = 1.0, seconds: float = 60.0) -> None:
        """Put a fault in force. Raises :class:`UnknownFault`."""
        if kind not in KINDS:
            raise UnknownFault(f"no fault {kind!r}; there are {', '.join(KINDS)}")
        self._active.append(Fault(kind, venue, probability, seconds, self._clock() + seconds))

    def clear(self) -> None:
        """End all faults."""
        self._active.clear()

    def active(self, kind: str, venue: str) -> Fault | None:
        """The fault of a kind in force for a venue."""
        now = self._clock()
        self._active = [fault for fault in self._active if fault.until > now]
        return next((f for f in self._active if f.kind == kind and f.venue in {"", venue}), None)

    def strikes(self, kind: str, venue: str) -> bool:
        """Whether a fault of this kind hits now; counted when it does."""
        fault = self.active(kind, venue)
        hit = fault is not None and self._random.random() < fault.probability
        self.struck[kind] += hit
        return hit

    def seconds_left(self, kind: str, venue: str) -> int:
        """How long a fault will last, whole seconds, at least one."""
        fault = self.active(kind, venue)
        return max(1, int(fault.until - self._clock()) + 1) if fault else 0

    def describe(self) -> list[dict[str, object]]:
        """Faults in force, for people."""
        now = self._clock()
        return [
            {
                "kind": f.kind,
                "venue": f.venue or "all",
                "probability": f.probability,
                "seconds_left": round(f.until - now),
            }
            for f in self._active
            if f.until > now
        ]
