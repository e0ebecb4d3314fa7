"""The daily upkeep of every table: rows past keeping, crowded hours, unused files, old log. One op a table."""

from datetime import timedelta

import dagster as dg

from cryptoviz.lake.retention import Retention
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import TABLES
from cryptoviz.storage.cleaning import clean_log, expire, owed_files, vacuum
from cryptoviz.storage.compaction import APPENDED, Compacted, compact
from cryptoviz_dagster.defs.maintenance.object_store import abort_broken_uploads
from cryptoviz_dagster.lanes import BACKGROUND
from cryptoviz_dagster.resources import Lake

_RUN_LIMIT_S = 3_600
_DAILY = "20 2 * * *"


def upkeep_job(retention: Retention, keep_replaced: timedelta, *, has_bucket: bool) -> dg.JobDefinition:
    """The job. Tables are tended one after the other; one that fails does not keep the others from it."""
    ops = [_tend(table, retention.get(table.name), keep_replaced) for table in TABLES]
    ops += [abort_broken_uploads] if has_bucket else []

    @dg.job(
        name="upkeep",
        description="Compacts ended hours, forgets what is past keeping, deletes unused files, cleans the logs.",
        tags={**BACKGROUND, "dagster/max_runtime": str(_RUN_LIMIT_S)},
        executor_def=dg.in_process_executor,
    )
    def upkeep() -> None:
        for op in ops:
            op()

    return upkeep


def upkeep_schedule(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Every night, when an hour has long ended and a day is whole."""
    return dg.ScheduleDefinition(
        name="upkeep_nightly",
        job=job,
        cron_schedule=_DAILY,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="One file for each ended hour, no rows past keeping, no unused files, no old log.",
    )


def _tend(table: Table, kept: timedelta | None, keep_replaced: timedelta) -> dg.OpDefinition:
    @dg.op(name=f"tend_{table.name}", description=f"Upkeep of the table {table.name}.", out=dg.Out(dg.Nothing))
    def tend(context: dg.OpExecutionContext, lake: dg.ResourceParam[Lake]) -> None:
        done = tend_table(lake, table, kept=kept, keep_replaced=keep_replaced)
        context.log.info("%s: %s", table.name, ", ".join(f"{name} {number:g}" for name, number in done.items()))
        context.add_output_metadata(done)

    return tend


def tend_table(lake: Lake, table: Table, *, kept: timedelta | None, keep_replaced: timedelta) -> dict[str, float]:
    """Do all that is due for one table and say what was done, in numbers that Dagster plots over the days."""
    where, now = lake.location, lake.now()
    done: dict[str, float] = {}
    if kept is not None:
        expired = expire(table, where, kept=kept, now=now)
        done |= {"expired_hours": expired.spans, "expired_bytes": expired.size}
    if table in APPENDED:
        done |= _numbers(compact(table, where, now=now))
    # What is owed is asked before the files are listed: what is owed later is younger than what is deleted.
    done["deleted_files"] = vacuum(table, where, kept=keep_replaced, owed=owed_files(where))
    done["log_cleaned"] = int(clean_log(table, where, now=now))
    return done


def _numbers(compacted: Compacted) -> dict[str, float]:
    return {
        "compacted_hours": compacted.spans,
        "files_before": compacted.files_before,
        "bytes_before": compacted.bytes_before,
        "bytes_after": compacted.bytes_after,
        "too_large_hours": len(compacted.too_large),
        "contested_hours": len(compacted.contested),
    }
