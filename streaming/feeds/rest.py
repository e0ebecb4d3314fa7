"""REST of a venue under one budget: live, repair and backfill draw on the same one, and a ban is obeyed."""

import asyncio
import random
import time
from collections import deque

import httpx
import structlog

_WINDOW_S = 60.0
_TRIES = 6
_LIMITED = {418, 429}


class VenueUnreachable(ConnectionError):
    """The venue did not give a usable answer after several tries."""


class RestClient:
    """GET with a weight budget a minute, ``Retry-After``, and full-jitter back-off on server errors."""

    def __init__(self, *, base_url: str, weight_a_minute: int) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, timeout=15)
        self._limit, self._spent = weight_a_minute, deque[tuple[float, int]]()
        self._blocked_until, self._lock = 0.0, asyncio.Lock()
        self._log = structlog.get_logger(venue_url=base_url)

    @property
    def blocked_seconds(self) -> float:
        """How long the venue wants no request, 0 when it takes them."""
        return max(0.0, self._blocked_until - time.monotonic())

    async def get(self, path: str, params: dict[str, str | int], *, weight: int) -> bytes:
        """Body of a good answer. Raises :class:`VenueUnreachable`, and httpx.HTTPStatusError for a refused request."""
        problem = ""
        for attempt in range(_TRIES):
            await self._spend(weight)
            try:
                answer = await self._http.get(path, params=params)
            except httpx.TransportError as error:
                problem = f"{type(error).__name__}: {error}"
            else:
                if answer.status_code in _LIMITED:
                    self._block(answer)
                    continue
                if answer.is_client_error:
                    answer.raise_for_status()
                if answer.is_success and "json" in answer.headers.get("content-type", ""):
                    return answer.content
                problem = f"status {answer.status_code}, {answer.headers.get('content-type', 'no type')}"
            await asyncio.sleep(random.uniform(0, min(20.0, 0.5 * 2**attempt)))  # noqa: S311 - jitter
        raise VenueUnreachable(f"{self._http.base_url}{path}: {problem or 'rate limited'} after {_TRIES} tries")

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()

    def _block(self, answer: httpx.Response) -> None:
        seconds = float(answer.headers.get("Retry-After", "60"))
        self._blocked_until = time.monotonic() + seconds
        self._log.warning("venue wants no requests", status=answer.status_code, seconds=seconds)

    async def _spend(self, weight: int) -> None:
        async with self._lock:
            while True:
                now = time.monotonic()
                while self._spent and self._spent[0][0] < now - _WINDOW_S:
                    self._spent.popleft()
                wait = self._blocked_until - now
                if wait <= 0 and sum(w for _, w in self._spent) + weight <= self._limit:
                    self._spent.append((now, weight))
                    return
                await asyncio.sleep(max(wait, 0.2))
