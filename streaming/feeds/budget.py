"""The one budget of requests that a provider gives us: live, repair and backfill draw on it, and a ban stops them all.

One request is under way at a time, so that after an answer that bans us not one more is sent.
"""

import asyncio
import itertools
import time
from bisect import insort
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum

import structlog
from prometheus_client import Gauge

from cryptoviz.lake.topics import Source
from streaming.feeds.windows import Clock, Window

_used = Gauge("cryptoviz_budget_used", "Weight spent in the provider's window", ["provider"])
_blocked = Gauge("cryptoviz_budget_blocked_until", "When the provider's ban ends, seconds since 1970", ["provider"])


class Priority(IntEnum):
    """Who goes first. Whoever waits longest goes first among equals."""

    LIVE = 0
    REPAIR = 1
    BACKFILL = 2


_PRIORITIES = {
    Source.REPAIR: Priority.REPAIR,
    Source.BACKFILL: Priority.BACKFILL,
    Source.HISTORY: Priority.BACKFILL,
}
_SHARES = {Priority.LIVE: 1.0, Priority.REPAIR: 0.9, Priority.BACKFILL: 0.7}
"""How much of the budget each may fill: some is always left for what is more urgent."""


def priority_of(source: str) -> Priority:
    """Of a request for records of this source."""
    return _PRIORITIES.get(Source(source), Priority.LIVE)


Waiter = tuple[Priority, int]


class Budget:
    """At most ``limit`` of weight in any ``seconds``; nothing while blocked."""

    def __init__(self, provider: str, *, limit: float, seconds: float, clock: Clock = time.monotonic) -> None:
        self.provider, self._limit, self._clock = provider, limit, clock
        self._window = Window(limit=limit, seconds=seconds, clock=clock)
        self._queue: list[Waiter] = []
        self._numbers, self._changed = itertools.count(), asyncio.Event()
        self._blocked_until, self._why, self._is_busy = 0.0, "", False
        self._requests = 0

    @property
    def blocked_seconds(self) -> float:
        """How long the provider wants no request, 0 when it takes them."""
        return max(0.0, self._blocked_until - self._clock())

    def block(self, seconds: float, why: str) -> None:
        """Send nothing for so long. A longer block in force stays."""
        self._blocked_until, self._why = max(self._blocked_until, self._clock() + seconds), why
        _blocked.labels(self.provider).set(time.time() + self.blocked_seconds)
        structlog.get_logger(provider=self.provider).warning("no requests wanted", seconds=round(seconds), reason=why)

    @asynccontextmanager
    async def turn(self, weight: float, priority: Priority) -> AsyncIterator[None]:
        """Wait for a turn, spend its weight and hold the line until the answer is in."""
        mine = (priority, next(self._numbers))
        insort(self._queue, mine)
        try:
            while (wait := self._wait(mine, weight)) != 0:
                await self._change(wait)
            self._window.spend(weight)
            self._requests += 1
            self._is_busy = True
            _used.labels(self.provider).set(self._window.used)
        finally:
            self._queue.remove(mine)
            self._notify()
        try:
            yield
        finally:
            self._is_busy = False
            self._notify()

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        blocked = self.blocked_seconds
        return {
            "used": round(self._window.used, 1),
            "limit": self._limit,
            "requests": self._requests,
            "waiting": len(self._queue),
            "blocked_s": round(blocked),
            "blocked_because": self._why if blocked else "",
        }

    def _wait(self, mine: Waiter, weight: float) -> float | None:
        """Seconds to wait, 0 to go; None until something changes."""
        if self._is_busy or self._queue[0] != mine:
            return None
        return max(self.blocked_seconds, self._window.delay(weight, share=_SHARES[mine[0]]))

    async def _change(self, at_most: float | None) -> None:
        try:
            async with asyncio.timeout(at_most):
                await self._changed.wait()
        except TimeoutError:
            return

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
