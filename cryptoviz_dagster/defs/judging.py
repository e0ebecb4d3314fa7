"""Verdicts of partitioned checks: each hour or day of a run is judged by itself."""

from collections.abc import Callable, Mapping, Sequence

import dagster as dg

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz_dagster.partitions import hours_of

_SHOWN = 20


def judge(
    context: dg.AssetCheckExecutionContext,
    problems_of: Callable[[Hour], Sequence[str]],
    *,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
    excuse_of: Callable[[Hour], str] | None = None,
) -> dg.AssetCheckResult:
    """Judge each hour: it passes without problems, or with an excuse, which is told.

    In a run over a range each hour gets its own evaluation; Dagster alone would leave them skipped.
    """
    hours = hours_of(context.partition_keys)
    problems = {hour.key: list(problems_of(hour)) for hour in hours}
    guilty = [hour for hour in hours if excuse_of and problems[hour.key]]
    excuses = {hour.key: excuse_of(hour) for hour in guilty if excuse_of}
    return _verdicts(context, problems, excuses, severity)


def judge_days(
    context: dg.AssetCheckExecutionContext,
    problems_of: Callable[[Day], Sequence[str]],
    *,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    """The same for days, and for weeks by their first day."""
    problems = {key: list(problems_of(Day.from_key(key))) for key in context.partition_keys}
    return _verdicts(context, problems, {}, severity)


def _verdicts(
    context: dg.AssetCheckExecutionContext,
    found: Mapping[str, list[str]],
    excuses: Mapping[str, str],
    severity: dg.AssetCheckSeverity,
) -> dg.AssetCheckResult:
    if context.has_partition_key_range:
        for key, problems in found.items():
            told = _evaluation(context.check_specs[0], key, problems, excuses.get(key, ""), severity)
            context.op_execution_context.log_event(told)  # type: ignore[arg-type]  # accepted, not declared
    problems = [problem for some in found.values() for problem in some]
    passed = all(not some or excuses.get(key) for key, some in found.items())
    words = "; ".join(sorted(set(filter(None, excuses.values())))) if passed else _said(problems)
    return dg.AssetCheckResult(
        passed=passed, severity=severity, metadata=_metadata(problems), description=words or None
    )


def _evaluation(
    spec: dg.AssetCheckSpec, key: str, problems: list[str], excuse: str, severity: dg.AssetCheckSeverity
) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=not problems or bool(excuse),
        metadata=_metadata(problems),
        severity=severity,
        blocking=spec.blocking,
        partition=key,
        description=excuse or _said(problems) or None,
    )


def _said(problems: Sequence[str]) -> str:
    return f"{len(problems)} found, the first: {problems[0]}" if problems else ""


def _metadata(problems: list[str]) -> dict[str, dg.MetadataValue]:
    return {"problems": dg.MetadataValue.int(len(problems)), "which": dg.MetadataValue.json(problems[:_SHOWN])}
