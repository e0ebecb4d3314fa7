"""Prometheus metrics of the Spark service."""

import time

from prometheus_client import Counter, Gauge, Histogram

from streaming.spark.raw_sink import Committed

_rows = Counter("cryptoviz_lake_rows", "Rows committed", ["table"])
_refused = Counter("cryptoviz_lake_refused", "Records refused into quarantine", ["table"])
_repeated = Counter("cryptoviz_lake_repeated", "Records whose ids were in the lake already", ["table"])
_lag = Gauge("cryptoviz_lake_commit_lag_seconds", "Age of the oldest record of the last commit", ["table"])
_committed = Gauge("cryptoviz_lake_last_commit_timestamp_seconds", "When the table was last committed to", ["table"])
_batch = Histogram("cryptoviz_lake_batch_seconds", "Duration of a batch", ["query"])
_failures = Counter("cryptoviz_lake_query_failures", "Times a query failed", ["query"])


class QueryMetrics:
    """Metrics of one query."""

    def __init__(self, query: str) -> None:
        self.failures = _failures.labels(query)
        self.last_batch = 0.0
        self._batch = _batch.labels(query)

    def batch(self, seconds: float) -> None:
        """Count a batch."""
        self._batch.observe(seconds)
        self.last_batch = time.time()

    def commit(self, commit: Committed, lag_seconds: float) -> None:
        """Count a commit."""
        _rows.labels(commit.table).inc(commit.rows)
        _refused.labels(commit.table).inc(commit.refused)
        _repeated.labels(commit.table).inc(commit.repeated)
        _lag.labels(commit.table).set(lag_seconds)
        _committed.labels(commit.table).set(time.time())
