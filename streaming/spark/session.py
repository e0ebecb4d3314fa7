"""The Spark session: one driver, the Kafka connector from local jars, small heaps, UTC."""

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

_ARROW_BATCH_ROWS = 50_000


def build_session(
    *,
    master: str,
    jars: str,
    driver_memory: str,
    executor_memory: str,
    ui_port: int,
    local_dir: Path,
    jvm_options: str = "-XX:+UseSerialGC -XX:MaxMetaspaceSize=256m",
) -> SparkSession:
    """Start the session. ``jars`` is a comma separated list of local connector jars."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_HOSTNAME", "localhost")
    local_dir.mkdir(parents=True, exist_ok=True)
    # spark-submit of a client-mode driver reads the heap before the session's own configuration exists.
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--driver-memory {driver_memory} pyspark-shell"
    builder = (
        SparkSession.builder.master(_retrying(master))
        .appName("cryptoviz-lake")
        .config("spark.jars", jars)
        .config("spark.executor.memory", executor_memory)
        .config("spark.driver.extraJavaOptions", jvm_options)
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.port", ui_port)
        .config("spark.ui.retainedJobs", 50)
        .config("spark.ui.retainedStages", 50)
        .config("spark.sql.ui.retainedExecutions", 20)
        .config("spark.sql.streaming.numRecentProgressUpdates", 5)
        .config("spark.sql.shuffle.partitions", 2)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", _ARROW_BATCH_ROWS)
        .config("spark.sql.streaming.metricsEnabled", value=True)
        .config("spark.sql.streaming.minBatchesToRetain", 10)
        .config("spark.local.dir", str(local_dir))
        .config("spark.sql.warehouse.dir", str(local_dir / "warehouse"))
        .config("spark.metrics.namespace", "cryptoviz")
    )
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("WARN")
    return session


def _retrying(master: str) -> str:
    """In local mode a failed task fails its job at once unless the master names how often it may fail."""
    if master == "local[*]":
        return "local[*,4]"
    return master
