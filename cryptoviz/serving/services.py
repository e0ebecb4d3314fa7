"""The services of the stack, each asked over its own port how it does; one that does not answer says why."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from typing import Any

import psycopg

from cryptoviz.inspect.reach import Unreachable, require_broker
from cryptoviz.settings import Settings
from cryptoviz.warehouse.server import Role

_HOST, _TIMEOUT_S = "127.0.0.1", 1.5
_HEALTH = {
    "exchange": "/healthz",
    "producer": "/healthz",
    "spark": "/healthz",
    "dagster": "/server_info",
    "minio": "/minio/health/ready",
}
_TOLD = {"dagster": ("dagster_version",)}
"""What of a long answer is worth a line."""


class _NotReadyError(Exception):
    """The service answers, and says that it cannot do its work."""


def services(settings: Settings) -> list[dict[str, Any]]:
    """Name, port, state (ready, unready or down), what it says of itself, and how long it took to say it."""
    asked = {name: settings.ports.of(name) for name in _HEALTH if name not in _absent(settings)}
    questions: dict[str, tuple[int, Callable[[], Any]]] = {
        name: (port, _http(name, port)) for name, port in asked.items()
    }
    server = settings.sql
    broker = settings.bootstrap.split(",", maxsplit=1)[0].rpartition(":")[2]
    port = int(broker) if broker.isdigit() else settings.ports.of("kafka")
    questions["kafka"] = (port, lambda: require_broker(settings.bootstrap))
    questions["postgres"] = (server.port, lambda: _select(server.conninfo(Role.READER)))
    with ThreadPoolExecutor(max_workers=len(questions), thread_name_prefix="services") as pool:
        return list(pool.map(lambda one: _asked(one[0], *one[1]), questions.items()))


def _absent(settings: Settings) -> set[str]:
    return ({"exchange"} if not settings.demo else set()) | ({"minio"} if settings.store != "minio" else set())


def _asked(name: str, port: int, question: Callable[[], Any]) -> dict[str, Any]:
    began = time.perf_counter()
    known: dict[str, Any] = {"name": name, "port": port}
    try:
        detail = question()
    except (OSError, HTTPException, psycopg.Error, Unreachable) as error:
        reason = str(error).strip().split("\n", maxsplit=1)[0]
        return known | {"state": "down", "detail": reason or type(error).__name__}
    except _NotReadyError as error:
        return known | {"state": "unready", "detail": error.args[0]}
    milliseconds = round((time.perf_counter() - began) * 1000, 1)
    return known | {"state": "ready", "detail": detail if detail is not None else "", "answered_ms": milliseconds}


def _http(name: str, port: int) -> Callable[[], Any]:
    def ask() -> Any:
        connection = HTTPConnection(_HOST, port, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", _HEALTH[name])
            response = connection.getresponse()
            detail = _detail(response.read(65_536), _TOLD.get(name))
        finally:
            connection.close()
        if response.status != 200:
            raise _NotReadyError(detail)
        return detail

    return ask


def _detail(body: bytes, names: tuple[str, ...] | None) -> Any:
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(said, dict):
        return ""
    return {name: said[name] for name in names if name in said} if names else said.get("detail", said)


def _select(conninfo: str) -> dict[str, str]:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("SELECT current_setting('server_version')").fetchone()
    return {"server_version": row[0]} if row else {}
