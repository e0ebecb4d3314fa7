"""One streaming query: started from the tables' own offsets, restarted with back-off, stopped between batches.

Its checkpoint is new at every start and thrown away after: progress lives in the tables.
"""

import json
import random
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from cryptoviz.storage.delta import WriterReplaced
from streaming.spark.metrics import QueryMetrics
from streaming.spark.raw_sink import Committed, OffsetsMissing, TopicRecreated
from streaming.spark.topics import TopicIdentity

_FATAL = (WriterReplaced, TopicRecreated, OffsetsMissing)
_EARLIEST = -2
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0

ProcessBatch = Callable[[DataFrame], list[Committed]]
NextOffsets = Mapping[str, Mapping[int, int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What one start of a query works with: fresh sinks and where they stand."""

    process: ProcessBatch
    next_offsets: NextOffsets


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The Kafka side of a query."""

    bootstrap: str
    topics: Mapping[str, TopicIdentity]
    max_batch_rows: int
    trigger_seconds: float


class SupervisedQuery:
    """Keeps one query running on a thread of its own until stopped, refused for good, or failed too often."""

    def __init__(
        self,
        *,
        name: str,
        spark: SparkSession,
        source: Source,
        checkpoints: Path,
        prepare: Callable[[], Attempt],
        max_failures: int,
    ) -> None:
        self.name, self.error, self.is_refused = name, "", False
        self.metrics = QueryMetrics(name)
        self._spark, self._source, self._prepare = spark, source, prepare
        self._checkpoints, self._max_failures = checkpoints / name, max_failures
        self._stop, self._batch, self._failures = threading.Event(), threading.Lock(), 0
        self._query: StreamingQuery | None = None
        self._refusal: Exception | None = None
        self._log = structlog.get_logger(query=name)
        self._thread = threading.Thread(target=self._keep_running, name=f"query-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let the batch in progress finish, then stop."""
        self._stop.set()
        with self._batch:
            if self._query is not None:
                self._query.stop()
        self._thread.join(timeout=60)

    @property
    def is_alive(self) -> bool:
        """Whether it runs or is about to run again."""
        return self._thread.is_alive()

    def _keep_running(self) -> None:
        while not self._stop.is_set():
            try:
                self._run_once()
            except Exception as error:  # noqa: BLE001 - Spark raises many kinds; each is logged and counted
                if self._stop.is_set() or self._give_up(error):
                    return
                pause = random.uniform(0, min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**self._failures))  # noqa: S311
                self._stop.wait(pause)

    def _give_up(self, error: Exception) -> bool:
        self._failures += 1
        self.metrics.failures.inc()
        reason = self._refusal or error
        self.error = str(reason).splitlines()[0][:500]
        self.is_refused = isinstance(reason, _FATAL)
        self._log.error("query failed", error=self.error, failures=self._failures, refused=self.is_refused)
        return self.is_refused or self._failures >= self._max_failures

    def _run_once(self) -> None:
        self._refusal = None
        attempt = self._prepare()
        shutil.rmtree(self._checkpoints, ignore_errors=True)
        checkpoint = self._checkpoints / str(time.time_ns())
        writer = (
            self._stream(attempt.next_offsets)
            .writeStream.queryName(self.name)
            .trigger(processingTime=f"{self._source.trigger_seconds} seconds")
            .option("checkpointLocation", str(checkpoint))
            .foreachBatch(self._on_batch(attempt.process))
        )
        with self._batch:
            if self._stop.is_set():
                return
            self._query = writer.start()
        self._log.info("query started", offsets={t: dict(o) for t, o in attempt.next_offsets.items()})
        self._query.awaitTermination()

    def _stream(self, next_offsets: NextOffsets) -> DataFrame:
        starting = {
            topic.name: {str(p): next_offsets.get(topic.name, {}).get(p, _EARLIEST) for p in topic.partitions}
            for topic in self._source.topics.values()
        }
        return (
            self._spark.readStream.format("kafka")
            .option("kafka.bootstrap.servers", self._source.bootstrap)
            .option("subscribe", ",".join(starting))
            .option("startingOffsets", json.dumps(starting))
            .option("failOnDataLoss", "true")
            .option("maxOffsetsPerTrigger", self._source.max_batch_rows)
            .option("includeHeaders", "true")
            .load()
        )

    def _on_batch(self, process: ProcessBatch) -> Callable[[DataFrame, int], None]:
        def on_batch(frame: DataFrame, batch: int) -> None:
            with self._batch:
                if self._stop.is_set():
                    return
                began = time.monotonic()
                try:
                    commits = process(frame)
                except Exception as error:
                    self._refusal = error
                    raise
                self._failures, self.error = 0, ""
                self._note(commits, batch, time.monotonic() - began)

        return on_batch

    def _note(self, commits: list[Committed], batch: int, seconds: float) -> None:
        now_us = time.time_ns() // 1000
        self.metrics.batch(seconds)
        for commit in commits:
            lag = max(0.0, (now_us - commit.oldest_us) / 1e6)
            self.metrics.commit(commit, lag)
            self._log.info(
                "batch committed", batch=batch, table=commit.table, rows=commit.rows, files=commit.files,
                refused=commit.refused, repeated=commit.repeated, ms=round(seconds * 1000), lag_s=round(lag, 2),
            )  # fmt: skip
