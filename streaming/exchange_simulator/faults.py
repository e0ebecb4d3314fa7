"""Faults on command. Each lasts a time, hits a venue or symbol or all, and is counted when it strikes.

* messages of a socket, one by one by chance: ``drop``, ``repeat``, ``garbage``, ``reorder`` (held back ``amount``
  seconds while later ones pass);
* all messages: ``delay`` (by ``amount`` seconds), ``half_open`` (the socket stays, silent, deaf and without pongs);
* sockets: ``close`` (without a word), ``cut`` (announced, closed ``amount`` seconds later), both once for each socket;
* a symbol: ``halt`` (nothing is said of it, its status is a break; what it trades meanwhile is told in the end);
* REST: ``http_5xx``, ``ban``, ``rate_limit``, ``html``, ``slow`` (by ``amount`` seconds), ``stale`` (a vendor's figures
  are ``amount`` seconds old);
* everything: ``outage`` (sockets reset, nothing answers).
"""

import random
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

SOCKET_KINDS = ("drop", "repeat", "garbage", "reorder", "delay", "half_open", "close", "cut", "halt")
REST_KINDS = ("http_5xx", "ban", "rate_limit", "html", "slow", "stale")
KINDS = (*SOCKET_KINDS, *REST_KINDS, "outage")
Clock = Callable[[], float]
_JOURNAL = 10_000


class UnknownFault(ValueError):
    """A kind of fault that there is not, or a value out of range."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One fault in force from ``since`` until ``until`` (seconds of the faults' clock)."""

    kind: str
    venue: str
    symbol: str
    probability: float
    amount: float
    since: float
    until: float

    def hits(self, kind: str, venue: str, symbol: str) -> bool:
        """Whether it is of the kind and concerns the symbol; a symbol's fault does not concern a venue as a whole."""
        return self.kind == kind and self.venue in {"", venue} and self.symbol in {"", symbol}


@dataclass(frozen=True, slots=True)
class Strike:
    """What a fault did to a message: the ids of the trades in it, 0 and 0 for one without."""

    kind: str
    venue: str
    symbol: str
    first_id: int = 0
    last_id: int = 0


class Faults:
    """The faults in force, how often each kind has struck, and the last messages that were struck."""

    def __init__(self, *, seed: int, clock: Clock = time.monotonic) -> None:
        self._random, self._clock = random.Random(seed), clock  # noqa: S311 - reproducible on purpose
        self._active: list[Fault] = []
        self.struck: Counter[str] = Counter()
        self.journal: deque[Strike] = deque(maxlen=_JOURNAL)

    def add(
        self, *, kind: str, venue: str = "", symbol: str = "", probability: float = 1.0, seconds: float = 60.0,
        amount: float = 1.0,
    ) -> Fault:  # fmt: skip
        """Put a fault in force. Raises :class:`UnknownFault`."""
        if kind not in KINDS:
            raise UnknownFault(f"no fault {kind!r}; there are {', '.join(KINDS)}")
        if not (0 < probability <= 1 and seconds > 0 and amount >= 0):
            raise UnknownFault("probability is in (0, 1], seconds above 0, amount not below 0")
        now = self._clock()
        fault = Fault(
            kind=kind, venue=venue, symbol=symbol, probability=probability, amount=amount, since=now,
            until=now + seconds,
        )  # fmt: skip
        self._active.append(fault)
        return fault

    def clear(self) -> None:
        """End all faults."""
        self._active.clear()

    @property
    def any_active(self) -> bool:
        """Whether there may be a fault in force."""
        return bool(self._active)

    def active(self, kind: str, venue: str, symbol: str = "") -> Fault | None:
        """The fault of a kind in force for a venue or a symbol of it."""
        if not self._active:
            return None
        now = self._clock()
        self._active = [fault for fault in self._active if fault.until > now]
        return next((fault for fault in self._active if fault.hits(kind, venue, symbol)), None)

    def strikes(self, kind: str, venue: str, symbol: str = "", ids: tuple[int, int] = (0, 0)) -> Fault | None:
        """The fault of this kind that hits now; counted and written down."""
        fault = self.active(kind, venue, symbol)
        if fault is None or self._random.random() >= fault.probability:
            return None
        self.struck[kind] += 1
        self.journal.append(Strike(kind, venue, symbol, *ids))
        return fault

    def since(self, kind: str, venue: str, opened: float) -> Fault | None:
        """The fault of a kind that was commanded after a socket was opened, counted when it is first seen."""
        fault = self.active(kind, venue)
        return fault if fault and fault.since >= opened else None

    def now(self) -> float:
        """The faults' clock."""
        return self._clock()

    def seconds_left(self, kind: str, venue: str) -> int:
        """How long a fault will last, whole seconds, at least one."""
        fault = self.active(kind, venue)
        return max(1, int(fault.until - self._clock()) + 1) if fault else 0

    def choose(self, count: int) -> int:
        """A number below ``count`` by chance."""
        return self._random.randrange(count)

    def describe(self) -> list[dict[str, object]]:
        """Faults in force, for people."""
        now = self._clock()
        return [
            {
                "kind": fault.kind, "venue": fault.venue or "all", "symbol": fault.symbol or "all",
                "probability": fault.probability, "amount": fault.amount, "seconds_left": round(fault.until - now),
            }
            for fault in self._active
            if fault.until > now
        ]  # fmt: skip
