"""Budgets of the tables that are appended to: files of an ended hour, bytes of a row. Over budget is a warning."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from cryptoviz.lake.schema import Owner, Table
from cryptoviz.lake.tables import TABLES
from cryptoviz.storage.frames import TableNotWritten, open_table
from cryptoviz.storage.live_files import LiveFile, Span, files_by_span
from cryptoviz_dagster.lanes import BACKGROUND
from cryptoviz_dagster.resources import Lake

STREAMED = tuple(table for table in TABLES if table.owner is Owner.SPARK)
"""Tables of the stream, which grow by a file a batch."""
TENDED_AFTER = timedelta(hours=26)
"""By then the nightly upkeep has been there."""
ROWS_THAT_COUNT = 50_000
"""Below it the fixed part of a file outweighs its rows."""
BYTES_A_ROW = {"raw_trades": 120, "trades": 60, "duplicates": 60}
"""Budgets of the tables that grow with the market."""
_SHOWN = 20
_DAILY = "50 3 * * *"
_FILES, _BYTES = "ended_hours_lie_in_one_file", "rows_are_within_bytes_budget"


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """A table's ended hours: how many there are and lie in several files, their files, rows and bytes."""

    hours: int
    crowded: list[str]
    files: int
    rows: int
    size: int

    @property
    def bytes_a_row(self) -> float:
        """Bytes of a row at rest."""
        return self.size / self.rows if self.rows else 0.0


def usage(files: dict[Span, list[LiveFile]], now: datetime) -> Usage:
    """Measure the hours (days) that the upkeep has had time for."""
    ended = {span: found for span, found in files.items() if span.end + TENDED_AFTER <= now}
    every = [file for found in ended.values() for file in found]
    return Usage(
        hours=len(ended),
        crowded=[span.key for span in sorted(ended, key=lambda s: s.start) if len(ended[span]) > 1],
        files=len(every),
        rows=sum(file.rows for file in every),
        size=sum(file.size for file in every),
    )


def storage_checks() -> dg.AssetChecksDefinition:
    """The budgets, read from the tables' logs alone."""
    specs = [spec for table in STREAMED for spec in _specs(table)]

    @dg.multi_asset_check(name="storage_budgets", specs=specs)
    def storage_budgets(lake: dg.ResourceParam[Lake]) -> Iterator[dg.AssetCheckResult]:
        for table in STREAMED:
            yield from judge(table, _usage(lake, table))

    return storage_budgets


def storage_schedule(checks: dg.AssetChecksDefinition) -> dg.ScheduleDefinition:
    """The budgets every night, after the upkeep; the job ``storage_budgets_job`` comes with it."""
    job = dg.define_asset_job(
        "storage_budgets_job",
        selection=dg.AssetSelection.checks(checks),
        description="Measures every table against its budgets.",
        tags=BACKGROUND,
        executor_def=dg.in_process_executor,
    )
    return dg.ScheduleDefinition(
        name="storage_budgets_nightly",
        job=job,
        cron_schedule=_DAILY,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Measures every table against its budgets.",
    )


def judge(table: Table, used: Usage) -> Iterator[dg.AssetCheckResult]:
    """The verdicts on one table, with the numbers they rest on."""
    numbers: dict[str, float | str] = {"hours": used.hours, "files": used.files, "rows": used.rows, "bytes": used.size}
    crowded: dict[str, float | str] = {"crowded": len(used.crowded), "crowded_hours": ", ".join(used.crowded[:_SHOWN])}
    yield _result(table, _FILES, numbers | crowded, passed=not used.crowded)
    budget = BYTES_A_ROW.get(table.name)
    if budget is not None:
        fits = used.rows < ROWS_THAT_COUNT or used.bytes_a_row <= budget
        yield _result(table, _BYTES, {**numbers, "bytes_a_row": used.bytes_a_row, "budget": budget}, passed=fits)


def _result(table: Table, name: str, metadata: Mapping[str, float | str], *, passed: bool) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=table.name, check_name=name, passed=passed, severity=dg.AssetCheckSeverity.WARN, metadata=metadata
    )


def _usage(lake: Lake, table: Table) -> Usage:
    try:
        files = files_by_span(table, open_table(table, lake.location))
    except TableNotWritten:
        files = {}
    return usage(files, lake.now())


def _specs(table: Table) -> Iterator[dg.AssetCheckSpec]:
    yield dg.AssetCheckSpec(_FILES, asset=table.name, description="Every hour that the upkeep has seen is one file.")
    if table.name in BYTES_A_ROW:
        words = f"A row takes at most {BYTES_A_ROW[table.name]} bytes at rest, once there are enough of them to tell."
        yield dg.AssetCheckSpec(_BYTES, asset=table.name, description=words)
