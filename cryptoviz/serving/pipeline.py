"""How every part of the stack is doing, asked of the parts themselves; a part that does not answer says why."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from cryptoviz.inspect.reach import Unreachable
from cryptoviz.inspect.tables import tables
from cryptoviz.inspect.topics import TopicStatus, topics
from cryptoviz.lake.ledger import partition_app
from cryptoviz.lake.tables import table_named
from cryptoviz.lake.topics import TOPICS
from cryptoviz.serving.services import services
from cryptoviz.settings import Settings
from cryptoviz.storage.frames import TableNotWritten, open_table

_HOST = "127.0.0.1"
_REMEMBERED_S = 3.0
_RATE_OVER_S = 60.0
_log = structlog.get_logger()


class Pipeline:
    """The state of all parts, asked for at most once in a few seconds however many ask. Safe to use from threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {}
        self._asked = 0.0
        self._rates = Rates()

    def now(self) -> dict[str, Any]:
        """Services, topics and tables, and where their own pages are."""
        with self._lock:
            if not self._known or time.monotonic() - self._asked > _REMEMBERED_S:
                self._known, self._asked = self._ask_all(), time.monotonic()
            return self._known

    def _ask_all(self) -> dict[str, Any]:
        with ThreadPoolExecutor(max_workers=3, thread_name_prefix="pipeline") as pool:
            service_rows = pool.submit(services, self._settings)
            topic_rows = pool.submit(_told, self._topics)
            table_rows = pool.submit(_told, lambda: [table.as_dict() for table in tables(self._settings.lake)])
            return {
                "services": service_rows.result(),
                "topics": topic_rows.result(),
                "tables": table_rows.result(),
                "links": links(self._settings),
            }

    def _topics(self) -> list[dict[str, Any]]:
        """Topics with their records a second and how many of them the lake does not have yet."""
        found = topics(self._settings)
        rates = self._rates.told({one.name: one.end_offset for one in found}, time.monotonic())
        return [one.as_dict() | {"per_s": rates.get(one.name), "lag": self._lag(one)} for one in found]

    def _lag(self, topic: TopicStatus) -> int | None:
        """Records published and not yet in the clean table; None before its first commit."""
        tables_of = {self._settings.topic_name(one): one.name for one in TOPICS}
        try:
            delta = open_table(table_named(tables_of[topic.name]), self._settings.lake)
        except TableNotWritten:
            return None
        reached = [delta.transaction_version(partition_app(topic.name, number)) for number in range(topic.partitions)]
        return max(0, topic.end_offset - sum(one or 0 for one in reached))


class Rates:
    """Records a second of each topic, over up to the last minute in which anybody asked."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, Mapping[str, int]]] = deque()

    def told(self, offsets: Mapping[str, int], now: float) -> dict[str, float]:
        """Rates up to now in seconds of a monotonic clock; none before the second look within a minute."""
        while self._seen and now - self._seen[0][0] > _RATE_OVER_S:
            self._seen.popleft()
        self._seen.append((now, dict(offsets)))
        since, before = self._seen[0]
        if now <= since:
            return {}
        return {name: round((end - before.get(name, end)) / (now - since), 2) for name, end in offsets.items()}


def links(settings: Settings) -> dict[str, str]:
    """Pages of the other parts."""
    port = settings.ports.of
    found = {"dagster": f"http://{_HOST}:{port('dagster')}", "spark": f"http://{_HOST}:{port('spark_ui')}"}
    if settings.store == "minio":
        found["minio"] = f"http://{_HOST}:{port('minio_console')}"
    if settings.demo:
        found["exchange"] = f"http://{_HOST}:{port('exchange')}/sim/state"
    return found


def _told(ask: Callable[[], list[dict[str, Any]]]) -> dict[str, Any]:
    try:
        return {"rows": ask(), "reason": ""}
    except Unreachable as error:
        return {"rows": [], "reason": str(error)}
    except OSError as error:
        _log.warning("a part of the pipeline cannot be asked", exc_info=error)
        return {"rows": [], "reason": str(error).split("\n", maxsplit=1)[0]}
