"""Rules of the venues for their clients, and how they are kept: every number can be changed while the server runs."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields

_PATIENCE = 10
_FIRST_BAN_S, _LONGEST_BAN_S = 120.0, 259_200.0
Clock = Callable[[], float]


class UnknownRule(ValueError):
    """A rule that there is not, or a value of another type."""


@dataclass(slots=True)
class Rules:
    """Limits of the venues as documented; a test shortens what takes a day."""

    clock_skew_s: float = 0.0
    """How far the clock of all venues is ahead."""
    push_s: float = 0.05
    """How often a socket looks for news."""
    session_s: float = 86_400.0
    """How long a socket of Binance lives."""
    notice_s: float = 600.0
    """How long before that ``serverShutdown`` is said."""
    ping_s: float = 20.0
    pong_within_s: float = 60.0
    messages_a_second: int = 5
    """Frames of a client a second, pings and pongs included, before Binance hangs up."""
    streams_a_connection: int = 1024
    connections_in_5_minutes: int = 300
    binance_weight_a_minute: int = 6000
    kraken_calls_a_second: float = 1.0
    kraken_burst: int = 60
    coinbase_calls_a_second: float = 10.0
    coinbase_burst: int = 15
    coingecko_calls_a_minute: int = 30
    coinmarketcap_calls_a_minute: int = 30
    cryptocompare_calls_a_minute: int = 300
    finnhub_calls_a_minute: int = 60

    def calls_a_minute(self, vendor: str) -> int:
        """The allowance of a vendor."""
        return int(getattr(self, f"{vendor}_calls_a_minute"))

    def change(self, **values: float) -> None:
        """Set some rules. Raises :class:`UnknownRule`."""
        known = {entry.name: entry.type for entry in fields(self)}
        for name, value in values.items():
            if name not in known or isinstance(value, bool) or not isinstance(value, int | float):
                raise UnknownRule(f"{name}={value!r} is no rule; there are {', '.join(known)}")
            setattr(self, name, value)


class WeightWindow:
    """Request weight in a sliding minute; who goes on beyond it is banned, each time longer (2 min to 3 days)."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock, self._spent = clock, deque[tuple[float, int]]()
        self._refused, self._bans, self._banned_until = 0, 0, 0.0

    @property
    def used(self) -> int:
        """Weight of the last 60 seconds."""
        while self._spent and self._spent[0][0] <= self._clock() - 60:
            self._spent.popleft()
        return sum(weight for _, weight in self._spent)

    @property
    def banned_s(self) -> float:
        """How long the client is banned for, 0 when it is not."""
        return max(0.0, self._banned_until - self._clock())

    def spend(self, weight: int, limit: int) -> float:
        """Take a request; the seconds to wait when it is too much, else 0."""
        now = self._clock()
        if self.used + weight <= limit:
            self._spent.append((now, weight))
            return 0.0
        self._refused += 1
        if self._refused % _PATIENCE == 0:
            self._banned_until = now + min(_LONGEST_BAN_S, _FIRST_BAN_S * 2**self._bans)
            self._bans += 1
        return self._spent[0][0] + 60 - now if self._spent else 60.0


class TokenBucket:
    """Calls at a rate, a burst at once."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock, self._level, self._at = clock, 0.0, clock()

    def take(self, *, rate: float, burst: int) -> bool:
        """Whether one more call is within the limit."""
        now = self._clock()
        self._level = max(0.0, self._level - (now - self._at) * rate)
        self._at = now
        if self._level + 1 > burst:
            return False
        self._level += 1
        return True


class Frequency:
    """Events within a time."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock, self._events = clock, deque[float]()

    def exceeds(self, limit: int, *, seconds: float) -> bool:
        """Count one event; whether there are now more than the limit in so many seconds."""
        now = self._clock()
        self._events.append(now)
        while self._events[0] <= now - seconds:
            self._events.popleft()
        return len(self._events) > limit
