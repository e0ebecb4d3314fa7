"""Verdicts of partitioned checks: each hour of a run is judged by itself."""

from collections.abc import Callable, Sequence

import dagster as dg

from cryptoviz.lake.hours import Hour
from cryptoviz_dagster.partitions import hours_of

_SHOWN = 20


def judge(
    context: dg.AssetCheckExecutionContext,
    problems_of: Callable[[Hour], Sequence[str]],
    *,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    """Judge each hour: it passes without problems.

    In a run over a range each hour gets its own evaluation; Dagster alone would leave them skipped.
    """
    found = {hour: list(problems_of(hour)) for hour in hours_of(context.partition_keys)}
    if context.has_partition_key_range:
        for hour, problems in found.items():
            context.op_execution_context.log_event(_evaluation(context.check_specs[0], hour, problems, severity))  # type: ignore[arg-type]  # accepted, not declared
    problems = [problem for some in found.values() for problem in some]
    return dg.AssetCheckResult(passed=not problems, severity=severity, metadata=_metadata(problems))


def _evaluation(
    spec: dg.AssetCheckSpec, hour: Hour, problems: list[str], severity: dg.AssetCheckSeverity
) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=not problems,
        metadata=_metadata(problems),
        severity=severity,
        blocking=spec.blocking,
        partition=hour.key,
    )


def _metadata(problems: list[str]) -> dict[str, dg.MetadataValue]:
    return {"problems": dg.MetadataValue.int(len(problems)), "which": dg.MetadataValue.json(problems[:_SHOWN])}
