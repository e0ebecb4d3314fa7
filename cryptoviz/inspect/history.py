"""Orders of history to the running producer, which fetches them within its one budget of requests."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from cryptoviz.inspect.reach import Unreachable
from cryptoviz.settings import Settings

_TIMEOUT_S = 10.0
_LOOK_S = 0.5

Progress = Callable[[str, int, int], None]


class OrderRefused(ValueError):
    """The producer does not take the order, or the venue refuses it; the message says why."""


class BeforeLakeStart(ValueError):
    """Trades from before the lake's first hour would be refused."""


def order(settings: Settings, *, kind: str, market: str, first: datetime, last: datetime) -> dict[str, Any]:
    """Give an order, or go on with the same one.

    Raises :class:`OrderRefused`, :class:`BeforeLakeStart` and :class:`~cryptoviz.inspect.reach.Unreachable`.
    """
    start = settings.first_hour.start
    if kind == "trades" and first < start:
        raise BeforeLakeStart(
            f"the lake begins at {start:%Y-%m-%d %H:%M} UTC and takes no older trades; klines may be older, or start a "
            f"stack with CRYPTOVIZ_START={first:%Y-%m-%dT%H:00}"
        )
    times = {"from_ms": round(first.timestamp() * 1000), "to_ms": round(last.timestamp() * 1000)}
    return dict(_ask(settings, "POST", {"kind": kind, "market": market, **times}))


def follow(settings: Settings, given: dict[str, Any], *, report: Progress) -> dict[str, Any]:
    """Wait until an order is done. Raises :class:`OrderRefused` when it fails, Unreachable."""
    order, what = given["order"], f"minutes of {given['order']['kind']}"
    total = max(1, (order["to_ms"] - order["from_ms"]) // 60_000)
    while True:
        now = next((found for found in _ask(settings, "GET") if found["order"] == order), None)
        if now is None:
            raise OrderRefused("the producer was started anew and no longer knows the order; give it again")
        done = total if now["state"] == "done" else max(0, now["at_ms"] - order["from_ms"]) // 60_000
        report(what, min(done, total), total)
        if now["state"] == "failed":
            raise OrderRefused(now["error"])
        if now["state"] == "done":
            return dict(now)
        time.sleep(_LOOK_S)


def _ask(settings: Settings, method: str, body: dict[str, Any] | None = None) -> Any:
    port = settings.ports.of("producer")
    try:
        answer = httpx.request(method, f"http://127.0.0.1:{port}/history", json=body, timeout=_TIMEOUT_S)
    except httpx.TransportError:
        raise Unreachable(f"no producer answers on port {port}; start the stack with ./run up") from None
    if answer.status_code == 400:
        raise OrderRefused(answer.json()["error"])
    answer.raise_for_status()
    return answer.json()
