"""How every part of the stack is doing, asked of the parts themselves; a part that does not answer says why."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from typing import Any

import structlog

from cryptoviz.inspect.reach import Unreachable
from cryptoviz.inspect.tables import tables
from cryptoviz.inspect.topics import topics
from cryptoviz.settings import Settings

_HOST, _TIMEOUT_S = "127.0.0.1", 1.5
_REMEMBERED_S = 3.0
_log = structlog.get_logger()
_HEALTH = {
    "exchange": "/healthz",
    "producer": "/healthz",
    "spark": "/healthz",
    "dagster": "/server_info",
    "minio": "/minio/health/ready",
}


class Pipeline:
    """The state of all parts, asked for at most once in a few seconds however many ask. Safe to use from threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {}
        self._asked = 0.0

    def now(self) -> dict[str, Any]:
        """Services, topics and tables, and where their own pages are."""
        with self._lock:
            if not self._known or time.monotonic() - self._asked > _REMEMBERED_S:
                self._known, self._asked = _ask_all(self._settings), time.monotonic()
            return self._known


def _ask_all(settings: Settings) -> dict[str, Any]:
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="pipeline") as pool:
        services = [pool.submit(_service, settings, name) for name in _asked(settings)]
        topic_rows = pool.submit(_told, lambda: [topic.as_dict() for topic in topics(settings)])
        table_rows = pool.submit(_told, lambda: [table.as_dict() for table in tables(settings.lake)])
        return {
            "services": [one.result() for one in services],
            "topics": topic_rows.result(),
            "tables": table_rows.result(),
            "links": links(settings),
        }


def links(settings: Settings) -> dict[str, str]:
    """Pages of the other parts."""
    port = settings.ports.of
    found = {"dagster": f"http://{_HOST}:{port('dagster')}", "spark": f"http://{_HOST}:{port('spark_ui')}"}
    if settings.store == "minio":
        found["minio"] = f"http://{_HOST}:{port('minio')}"
    if settings.demo:
        found["exchange"] = f"http://{_HOST}:{port('exchange')}/sim/state"
    return found


def _asked(settings: Settings) -> list[str]:
    absent = {"exchange"} if not settings.demo else set()
    absent |= {"minio"} if settings.store != "minio" else set()
    return [name for name in _HEALTH if name not in absent]


def _service(settings: Settings, name: str) -> dict[str, Any]:
    port, began = settings.ports.of(name), time.perf_counter()
    try:
        status, body = _get(port, _HEALTH[name])
    except (OSError, HTTPException) as error:
        return {"name": name, "port": port, "state": "down", "detail": str(error) or type(error).__name__}
    milliseconds = round((time.perf_counter() - began) * 1000, 1)
    state = "ready" if status == 200 else "unready"
    return {"name": name, "port": port, "state": state, "detail": _detail(body), "answered_ms": milliseconds}


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection(_HOST, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(65_536)
    finally:
        connection.close()


def _detail(body: bytes) -> Any:
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    return said.get("detail", said) if isinstance(said, dict) else ""


def _told(ask: Callable[[], list[dict[str, Any]]]) -> dict[str, Any]:
    try:
        return {"rows": ask(), "reason": ""}
    except Unreachable as error:
        return {"rows": [], "reason": str(error)}
    except OSError as error:
        _log.warning("a part of the pipeline cannot be asked", exc_info=error)
        return {"rows": [], "reason": str(error).split("\n", maxsplit=1)[0]}
