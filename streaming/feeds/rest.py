"""REST of a provider under its one budget: limits and bans obeyed, what may pass tried again, what is final said."""

import asyncio
import random
import time
from collections.abc import Mapping

import httpx
from prometheus_client import Counter

from streaming.feeds.answers import Fate, judge
from streaming.feeds.budget import Budget, Priority

_TRIES = 6
_LONGEST_PAUSE_S = 20.0
_answers = Counter("cryptoviz_rest_answers", "Answers of providers by what they meant", ["provider", "fate"])

Params = Mapping[str, str | int]


class VenueUnreachable(ConnectionError):
    """The provider did not give a usable answer after several tries, or wants no requests of ours."""


class RequestRefused(VenueUnreachable):
    """The provider refuses this very request; another try would end alike."""


class RestClient:
    """GET under a budget, with full-jitter back-off for what passes by itself."""

    def __init__(self, *, base_url: str, budget: Budget, headers: Mapping[str, str] | None = None) -> None:
        self.budget = budget
        self._http = httpx.AsyncClient(base_url=base_url, headers=dict(headers or {}), timeout=10)

    async def get(self, path: str, params: Params, *, weight: float = 1, priority: Priority = Priority.LIVE) -> bytes:
        """Body of a good answer; a limit is waited out. Raises :class:`VenueUnreachable`, :class:`RequestRefused`."""
        problem, tries = "", 0
        while tries < _TRIES:
            tries += 1
            async with self.budget.turn(weight, priority):
                try:
                    answer = await self._http.get(path, params=dict(params))
                except httpx.TransportError as error:
                    fate, problem, seconds = Fate.TRY_AGAIN, f"{type(error).__name__}: {error}", 0.0
                else:
                    fate, problem, seconds = judge(
                        answer.status_code, answer.headers, answer.content, now_s=time.time()
                    )
                if seconds:
                    self.budget.block(seconds, problem)
            _answers.labels(self.budget.provider, fate).inc()
            if fate is Fate.GOOD:
                return answer.content
            if fate is Fate.REFUSED:
                raise RequestRefused(self._say(path, problem))
            if fate is Fate.BARRED:
                raise VenueUnreachable(self._say(path, problem))
            if fate is Fate.LIMITED:
                tries = 0
            else:
                pause = random.uniform(0, min(_LONGEST_PAUSE_S, 0.5 * 2**tries))  # noqa: S311 - jitter
                await asyncio.sleep(pause)
        raise VenueUnreachable(f"{self._say(path, problem)}, after {_TRIES} tries")

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()

    def _say(self, path: str, problem: str) -> str:
        return f"{self.budget.provider} {path}: {problem}"
