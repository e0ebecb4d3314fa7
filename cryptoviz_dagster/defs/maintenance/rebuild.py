"""Candles of a long range built anew on a Spark cluster, compared with those stored and published like any others."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import dagster as dg
import polars as pl

from cryptoviz.arithmetic.fold import MARKET, fold_candles
from cryptoviz.lake.candle_tables import OHLC, OHLC_1M, Interval
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour, hours_between
from cryptoviz.lake.tables import TRADES
from cryptoviz.settings import Settings
from cryptoviz.storage.frames import empty, open_table
from cryptoviz.storage.live_files import files_by_span
from cryptoviz_dagster.audit import compare
from cryptoviz_dagster.defs.market.assets import HOURLY_ROLL_UPS, IDS_KNOWN_AT
from cryptoviz_dagster.hour_inputs import inputs_beside
from cryptoviz_dagster.lanes import BACKGROUND
from cryptoviz_dagster.publishing import Part, publish
from cryptoviz_dagster.resources import Lake, Versioned
from cryptoviz_dagster.transforms.candles import complete_candles

_HOURS_AT_ONCE = 168
"""A week of minutes fits the driver however many markets there are."""
_RUN_LIMIT_S = 24 * 3_600


class Rebuild(dg.Config):
    """The hours, by their partition keys and both included, and whether to publish or only to compare."""

    first: str
    last: str
    write: bool = True


def rebuild_job() -> dg.JobDefinition:
    """The job ``rebuild``: started by hand with a range, in the background of everything else."""

    @dg.job(
        name="rebuild",
        description="Builds candles of ended hours anew on Spark and says how many rows differ from the lake's.",
        tags={**BACKGROUND, "dagster/max_runtime": str(_RUN_LIMIT_S)},
        executor_def=dg.in_process_executor,
    )
    def rebuild() -> None:
        rebuild_candles()

    return rebuild


class SparkCluster:
    """Sessions of Dagster's Spark resource. Nothing is imported or begun before one is asked for."""

    def __init__(self, config: Mapping[str, str]) -> None:
        self._config = dict(config)

    @contextmanager
    def session(self) -> Iterator[Any]:
        """A session, which ends with the block."""
        from dagster_pyspark import PySparkResource  # noqa: PLC0415 - costly, for this alone

        # Workers are started with what the environment names, whatever the session's own configuration says.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        with dg.build_resources({"pyspark": PySparkResource(spark_config=self._config)}) as begun:
            try:
                yield begun.pyspark.spark_session
            finally:
                begun.pyspark.spark_session.stop()


def spark_config(settings: Settings) -> dict[str, str]:
    """Configuration of the session. A local one keeps to the loopback interface."""
    local = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false"}
    return {
        "spark.app.name": "cryptoviz-rebuild",
        "spark.master": settings.spark_master,
        "spark.driver.memory": settings.spark_driver_memory,
        "spark.sql.shuffle.partitions": "8",
        **(local if settings.spark_master.startswith("local") else {}),
    }


@dg.op(out=dg.Out(dg.Nothing))
def rebuild_candles(
    context: dg.OpExecutionContext,
    config: Rebuild,
    lake: dg.ResourceParam[Lake],
    spark: dg.ResourceParam[SparkCluster],
) -> None:
    """Fold the trades of the range by Spark, compare the minutes with the lake's, publish them and their roll-ups."""
    hours = list(hours_between(Hour.from_key(config.first).start, Hour.from_key(config.last).end))
    ended = [hour for hour in hours if hour.end <= lake.now()]
    different = rows = 0
    with spark.session() as session:
        for start in range(0, len(ended), _HOURS_AT_ONCE):
            some, known_at = ended[start : start + _HOURS_AT_ONCE], lake.now()
            parts = list(minutes_by_spark(lake, session, some, now=known_at))
            different += sum(_differing(lake, part) for part in parts)
            rows += sum(part.candles.height for part in parts)
            if config.write:
                _publish(context, lake, parts, known_at)
            context.log.info("%s to %s: %d candles, %d differ so far", some[0].key, some[-1].key, rows, different)
    context.add_output_metadata({"hours": len(ended), "candles": rows, "different": different})


def minutes_by_spark(lake: Lake, spark: Any, hours: Sequence[Hour], *, now: datetime) -> Iterator[Part]:
    """Minutes of those hours that have trades, each with the version of the trades that Spark has read."""
    from cryptoviz_dagster.spark_fold import fold_minutes  # noqa: PLC0415 - imports pyspark

    seen = lake.seen_ids()
    files = files_by_span(TRADES, open_table(TRADES, lake.location))
    paths = [file.path for hour in hours for file in files.get(hour, [])]
    if not paths:
        return
    minutes, versions = fold_minutes(spark, lake.location, paths)
    for hour, traded in minutes.items():
        trades = Versioned(empty(TRADES), versions[hour])
        inputs = inputs_beside(lake, hour, seen, trades, traded=set(traded.select(MARKET).unique().rows()))
        candles = complete_candles(traded, inputs, start=hour.start, end=hour.end, now=now, latest=hour.end)
        yield Part(span=hour, candles=candles)


def _differing(lake: Lake, part: Part) -> int:
    """How many rows differ from those stored, but for the revision, which counts publications."""
    stored, rebuilt = (
        frame.with_columns(revision=pl.lit(1, pl.Int32)) for frame in (lake.rows(OHLC_1M, part.span), part.candles)
    )
    return compare(OHLC_1M, stored, rebuilt).different


def _publish(context: dg.OpExecutionContext, lake: Lake, parts: Sequence[Part], known_at: datetime) -> None:
    publish(lake, Interval.M1, parts)
    noted: dict[str, dg.MetadataValue[Any]] = {
        IDS_KNOWN_AT: dg.MetadataValue.timestamp(known_at),
        "engine": dg.MetadataValue.text("spark"),
    }
    for part in parts:
        context.log_event(dg.AssetMaterialization(OHLC_1M.name, partition=part.span.key, metadata=noted))
    for interval in HOURLY_ROLL_UPS:
        folded = [_rolled_up(lake, part.span, interval) for part in parts]
        publish(lake, interval, folded)
        for part in folded:
            context.log_event(dg.AssetMaterialization(OHLC[interval].name, partition=part.span.key))


def _rolled_up(lake: Lake, hour: Hour | Day, interval: Interval) -> Part:
    return Part(span=hour, candles=fold_candles(lake.rows(OHLC_1M, hour), interval=interval.length))
