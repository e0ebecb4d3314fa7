"""The daily audit as an asset: its hour, its evidence and its verdict as a check."""

from collections.abc import Iterator
from datetime import UTC, timedelta

import dagster as dg

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.tables import BOOK_TICKERS, RAW_BOOK_TICKERS, RAW_TRADES, TRADES
from cryptoviz_dagster.audit import Verdict, audit, choose_hour
from cryptoviz_dagster.lanes import BACKGROUND
from cryptoviz_dagster.resources import Lake

NAME, CHECK = "audit", "rebuilt_hour_is_identical"
_DAILY = "20 4 * * *"


class Audited(dg.Config):
    """Which hour to audit; one is chosen by the date when none is named."""

    hour: str = ""


def audit_asset(first_hour: Hour, raw_kept: timedelta | None) -> dg.AssetsDefinition:
    """The asset. ``raw_kept`` is how long raw records are kept, None for ever."""
    check = dg.AssetCheckSpec(
        CHECK,
        asset=NAME,
        description="Trades, quotes and minutes built anew from raw records are those stored, to the byte.",
    )

    @dg.asset(
        name=NAME,
        deps=[RAW_TRADES.name, RAW_BOOK_TICKERS.name, TRADES.name, BOOK_TICKERS.name, OHLC_1M.name],
        check_specs=[check],
        description="Every day one hour, chosen by the date, is built anew from raw records by the stream's own judge "
        "and the candles' own fold, and compared with the lake row by row and byte by byte.",
        group_name="quality",
        kinds={"polars", "delta"},
        owners=["team:cryptoviz"],
    )
    def audited(
        context: dg.AssetExecutionContext, config: Audited, lake: dg.ResourceParam[Lake]
    ) -> Iterator[dg.MaterializeResult[None]]:
        day = lake.now().astimezone(UTC).date()
        hour = Hour.from_key(config.hour) if config.hour else choose_hour(lake, day, raw_kept=raw_kept)
        seed = "" if config.hour else day.isoformat()
        if hour is None:
            context.log.info("no hour is ready to be audited")
            nothing = dg.AssetCheckResult(check_name=CHECK, passed=True, description="No hour is ready to be audited.")
            yield dg.MaterializeResult(metadata={"seed": seed}, check_results=[nothing])
            return
        verdict = audit(lake, hour, first_hour=first_hour)
        yield dg.MaterializeResult(metadata={"seed": seed, **_evidence(verdict)}, check_results=[_judge(verdict)])

    return audited


def audit_schedule() -> dg.ScheduleDefinition:
    """Every day; the job ``audit_job`` comes with it."""
    job = dg.define_asset_job(
        "audit_job",
        selection=dg.AssetSelection.assets(NAME),
        description="Audits one hour of the lake.",
        tags=BACKGROUND,
        executor_def=dg.in_process_executor,
    )
    return dg.ScheduleDefinition(
        name="audit_daily",
        job=job,
        cron_schedule=_DAILY,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Rebuilds one hour, chosen by the date, from raw records and compares it to the byte.",
    )


def _judge(verdict: Verdict) -> dg.AssetCheckResult:
    """Other bytes of the same rows are a warning: another version of the Parquet writer makes them."""
    severity = dg.AssetCheckSeverity.WARN if verdict.has_equal_rows else dg.AssetCheckSeverity.ERROR
    different = [f"{c.different} rows of {c.table}" for c in verdict.comparisons if not c.is_equal]
    words = ", ".join(different) or ("none" if verdict.has_equal_bytes else "no row, but the bytes of the file")
    return dg.AssetCheckResult(
        check_name=CHECK,
        passed=verdict.has_equal_rows and verdict.has_equal_bytes,
        severity=severity,
        description=f"{verdict.hour.key}: different are {words}.",
        metadata=_evidence(verdict),
    )


def _evidence(verdict: Verdict) -> dict[str, dg.MetadataValue]:
    rows = [
        dg.TableRecord({"table": c.table, "stored": c.stored, "rebuilt": c.rebuilt, "different": c.different})
        for c in verdict.comparisons
    ]
    shown = [line for comparison in verdict.comparisons for line in comparison.shown]
    return {
        "hour": dg.MetadataValue.text(verdict.hour.key),
        "raw_records": dg.MetadataValue.int(verdict.raw_records),
        "rows": dg.MetadataValue.table(rows),
        "differences": dg.MetadataValue.int(sum(c.different for c in verdict.comparisons)),
        "first_differences": dg.MetadataValue.text("\n".join(shown)),
        "stored_sha256": dg.MetadataValue.text(verdict.stored_digest),
        "rebuilt_sha256": dg.MetadataValue.text(verdict.rebuilt_digest),
    }
