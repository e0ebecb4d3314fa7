"""The Spark service: queries raw and clean over all topics, their health, their end."""

import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence

import structlog
from pyspark.sql import DataFrame, SparkSession

from cryptoviz.lake.tables import BY_NAME
from cryptoviz.lake.topics import TOPICS, Topic
from cryptoviz.settings import Settings
from streaming.health import HealthServer
from streaming.spark.clean_sink import CleanSink, IdsInTwoTasks, SideTables
from streaming.spark.clean_task import Kind, clean_task
from streaming.spark.judges import JUDGES
from streaming.spark.query import Attempt, Source, SupervisedQuery
from streaming.spark.raw_sink import Committed, RawSink
from streaming.spark.raw_task import Task, raw_task
from streaming.spark.records import select_records
from streaming.spark.report import REPORT_SCHEMA, TopicReport, decode
from streaming.spark.session import build_session
from streaming.spark.topics import TopicIdentity, identify

REFUSED = 78
_WRITERS = 2

Feeding = Mapping[Topic, Sequence[TopicIdentity]]
"""Which topics of the broker feed the tables of each of ours."""


def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit status: 0 stopped, 1 failed too often, 78 refused by a guard."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    queries: list[SupervisedQuery] = []
    health = HealthServer(port=settings.ports.of("spark"), health=lambda: _health(queries))
    spark = build_session(
        master=settings.spark_master,
        jars=settings.spark_jars,
        driver_memory=settings.spark_driver_memory,
        executor_memory=settings.spark_executor_memory,
        ui_port=settings.ports.of("spark_ui"),
        local_dir=settings.home.resolve() / "spark",
    )
    try:
        queries += build_queries(spark, settings)
        for query in queries:
            query.start()
        while not stopping.wait(0.5) and all(query.is_alive for query in queries):
            pass
        for query in queries:
            query.stop()
    finally:
        spark.stop()
        health.close()
    return _exit_status(queries, stopped=stopping.is_set())


def build_queries(spark: SparkSession, settings: Settings) -> list[SupervisedQuery]:
    """The queries raw and clean, not started yet."""
    names = {topic: settings.topic_names(topic) for topic in TOPICS}
    identities = identify(settings.bootstrap, [name for several in names.values() for name in several])
    topics = {topic: [identities[name] for name in several] for topic, several in names.items()}
    source = Source(
        bootstrap=settings.bootstrap,
        topics=identities,
        max_batch_rows=settings.max_batch_rows,
        trigger_seconds=settings.trigger_interval.total_seconds(),
    )
    guarded = not os.environ.get("CRYPTOVIZ_FAULT_NO_GUARD")
    prepare: dict[str, Callable[[], Attempt]] = {
        "raw": lambda: _raw_attempt(settings, topics, guarded=guarded),
        "clean": lambda: _clean_attempt(settings, topics, guarded=guarded),
    }
    return [
        SupervisedQuery(
            name=name,
            spark=spark,
            source=source,
            checkpoints=settings.home.resolve() / "checkpoints",
            prepare=attempt,
            max_failures=settings.spark_max_failures,
        )
        for name, attempt in prepare.items()
    ]


def _raw_attempt(settings: Settings, topics: Feeding, *, guarded: bool) -> Attempt:
    sinks: dict[str, RawSink] = {}
    for topic, fed_by in topics.items():
        sink = RawSink(BY_NAME[topic.raw_table], fed_by, settings.lake, guarded=guarded)
        sinks |= dict.fromkeys(sink.topics, sink)
    tables = {name: sink.table.table for name, sink in sinks.items()}

    def process(frame: DataFrame) -> list[Committed]:
        task = raw_task(tables=tables, location=settings.lake, floors=_floors(sinks))
        return _commit(sinks, run_tasks(frame, task))

    return Attempt(process=process, next_offsets=_next_offsets(sinks))


def _clean_attempt(settings: Settings, topics: Feeding, *, guarded: bool) -> Attempt:
    sides = SideTables(settings.lake)
    sinks: dict[str, CleanSink] = {}
    kinds: dict[str, Kind] = {}
    for topic, fed_by in topics.items():
        table = BY_NAME[topic.clean_table]
        sink = CleanSink(table, fed_by, settings.lake, sides, guarded=guarded)
        sinks |= dict.fromkeys(sink.topics, sink)
        kinds |= dict.fromkeys(
            sink.topics, Kind(table=table, judge=JUDGES[topic.clean_table], is_sampled=topic.is_sampled)
        )

    def process(frame: DataFrame) -> list[Committed]:
        task = clean_task(
            kinds=kinds,
            location=settings.lake,
            floors=_floors(sinks),
            seen={name: dict(sink.seen) for name, sink in sinks.items()},
            first_hour=settings.first_hour,
        )
        try:
            return _commit(sinks, run_tasks(frame, task))
        except IdsInTwoTasks as split:
            structlog.get_logger().warning("batch judged again in one task", reason=str(split))
            return _commit(sinks, run_tasks(frame, task, writers=1))

    return Attempt(process=process, next_offsets=_next_offsets(sinks))


def run_tasks(frame: DataFrame, task: Task, *, writers: int = _WRITERS) -> dict[str, list[TopicReport]]:
    """Run a task over a batch on the executors and bring its reports home."""
    reports = select_records(frame).coalesce(writers).mapInArrow(task, REPORT_SCHEMA)
    return decode(bytes(row.report) for row in reports.collect())


def _next_offsets(sinks: Mapping[str, RawSink]) -> dict[str, dict[int, int]]:
    return {name: sink.next_offsets(name) for name, sink in sinks.items()}


def _floors(sinks: Mapping[str, RawSink]) -> dict[tuple[str, int], int]:
    return {(name, p): floor for name, reached in _next_offsets(sinks).items() for p, floor in reached.items()}


def _commit(sinks: Mapping[str, RawSink], reports: Mapping[str, list[TopicReport]]) -> list[Committed]:
    commits = [sinks[topic].commit(found) for topic, found in reports.items()]
    return [commit for commit in commits if commit is not None]


def _health(queries: list[SupervisedQuery]) -> tuple[bool, dict[str, object]]:
    detail: dict[str, object] = {
        query.name: {"alive": query.is_alive, "error": query.error, "last_batch": query.metrics.last_batch}
        for query in queries
    }
    return bool(queries) and all(query.is_alive and not query.error for query in queries), detail


def _exit_status(queries: list[SupervisedQuery], *, stopped: bool) -> int:
    if stopped:
        return 0
    return REFUSED if any(query.is_refused for query in queries) else 1
