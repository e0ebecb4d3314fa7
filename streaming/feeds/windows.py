"""Sliding windows of what a venue allows: so much weight in so many seconds."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

Clock = Callable[[], float]


class Window:
    """At most ``limit`` in any ``seconds``. What one request costs more than the whole limit waits for an empty one."""

    def __init__(self, *, limit: float, seconds: float, clock: Clock = time.monotonic) -> None:
        self.limit, self._seconds, self._clock = limit, seconds, clock
        self._spent: deque[tuple[float, float]] = deque()
        self._total = 0.0

    @property
    def used(self) -> float:
        """What is spent in the window that ends now."""
        self._forget()
        return self._total

    def delay(self, weight: float = 1, *, share: float = 1.0) -> float:
        """Seconds until so much may be spent and no more than this share is filled, 0 when it may be now."""
        self._forget()
        limit = self.limit * share
        over = self._total + min(weight, limit) - limit
        if over <= 0:
            return 0.0
        freed = 0.0
        for at, spent in self._spent:
            freed += spent
            if freed >= over:
                return max(0.0, at + self._seconds - self._clock())
        return self._seconds

    def spend(self, weight: float = 1) -> None:
        """Count what is spent now."""
        self._spent.append((self._clock(), weight))
        self._total += weight

    def _forget(self) -> None:
        oldest = self._clock() - self._seconds
        while self._spent and self._spent[0][0] <= oldest:
            self._total -= self._spent.popleft()[1]


async def pace(window: Window) -> None:
    """Wait for room for one and take it."""
    delay = window.delay()
    while delay > 0:
        await asyncio.sleep(delay)
        delay = window.delay()
    window.spend()
