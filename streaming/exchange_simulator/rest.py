"""The way of a REST request through a simulated venue: faults, limits, then the answer in the venue's own shapes."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from streaming.exchange_simulator.exchange import Exchange

Handler = Callable[[web.Request], Any]
"""Returns the body as JSON values, or a whole response; raises VenueError."""


class VenueError(Exception):
    """An answer in the venue's own error shape."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, headers or {}


class RestVenue(ABC):
    """One venue's REST interface: what it refuses and how it says so."""

    name: str

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange

    @abstractmethod
    def banned(self, seconds: int) -> VenueError:
        """No request for so long."""

    @abstractmethod
    def limited(self, seconds: int) -> VenueError:
        """Too many requests."""

    @abstractmethod
    def unavailable(self) -> VenueError:
        """A failure on the venue's side."""

    @abstractmethod
    def admit(self, request: web.Request, weight: int) -> None:
        """Keep the venue's own limits. Raises :class:`VenueError`."""

    def headers(self) -> dict[str, str]:
        """Headers of every good answer."""
        return {}

    def get(self, path: str, call: Handler, *, weight: int = 1, is_long: bool = False) -> web.RouteDef:
        """A route that answers by ``call``, in a thread of its own when that can take long."""
        return web.get(path, self._answering(call, weight, is_long=is_long))

    def _answering(
        self, call: Handler, weight: int, *, is_long: bool
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            self.exchange.counts[f"{self.name}_requests"] += 1
            if self.exchange.faults.strikes("outage", self.name):
                return _reset(request)
            slow = self.exchange.faults.strikes("slow", self.name)
            if slow:
                await asyncio.sleep(slow.amount)
            try:
                self._refuse()
                self.admit(request, weight)
                # What folds years must not hold up the sockets.
                body = await asyncio.to_thread(call, request) if is_long else call(request)
                return self._answered(body, 200, self.headers())
            except VenueError as error:
                return self._answered(error.body, error.status, {**self.headers(), **error.headers})

        return answer

    def _refuse(self) -> None:
        faults, counts = self.exchange.faults, self.exchange.counts
        if faults.strikes("ban", self.name):
            counts["requests_while_banned"] += 1
            counts[f"{self.name}_requests_while_banned"] += 1
            raise self.banned(faults.seconds_left("ban", self.name))
        if faults.strikes("http_5xx", self.name):
            raise self.unavailable()
        if faults.strikes("html", self.name):
            raise VenueError(200, web.Response(text="<html><body>maintenance</body></html>", content_type="text/html"))
        if faults.strikes("rate_limit", self.name):
            raise self.limited(faults.seconds_left("rate_limit", self.name))

    @staticmethod
    def _answered(body: Any, status: int, headers: Mapping[str, str]) -> web.StreamResponse:
        if isinstance(body, web.StreamResponse):
            return body
        if isinstance(body, str):
            return web.Response(text=body, status=status, headers=headers, content_type="text/plain")
        text = json.dumps(body, separators=(",", ":"))
        return web.Response(text=text, status=status, headers=headers, content_type="application/json")


def _reset(request: web.Request) -> web.StreamResponse:
    """Hang up without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


def number(request: web.Request, name: str, default: int, refusal: VenueError) -> int:
    """A whole number of the query. Raises ``refusal`` for anything else."""
    text = request.query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise refusal
    return int(text)
