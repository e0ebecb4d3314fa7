"""The sensor that reports checks which fail and which have recovered, each change once, on the asset itself."""

from collections.abc import Collection

import dagster as dg

from cryptoviz_dagster.check_states import Change, Told, changes
from cryptoviz_dagster.resources import Lake

AT_ONCE = 40


def check_sensor() -> dg.SensorDefinition:
    """Looks every half minute; a change is an observation of the asset and a line in the log of the tick."""

    @dg.sensor(
        name="checks_changed",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reports every check that fails, and its recovery, once for each partition.",
    )
    def checks_changed(context: dg.SensorEvaluationContext, lake: dg.ResourceParam[Lake]) -> dg.SensorResult:
        told = Told.decode(context.cursor)
        keys = list(_keys(context))
        found = changes(context.instance, keys, told, now=lake.now(), limit=AT_ONCE)
        for change in found:
            log = context.log.error if change.has_failed else context.log.info
            log(_sentence(change))
        failing = sum(map(len, told.failing.values()))
        return dg.SensorResult(
            asset_events=[_observation(change) for change in found],
            cursor=told.encode(),
            skip_reason=None if found else f"{failing} checks fail, none of them since the last look",
        )

    return checks_changed


def _keys(context: dg.SensorEvaluationContext) -> Collection[dg.AssetCheckKey]:
    location = context.repository_def
    return location.asset_graph.asset_check_keys if location else ()


def _sentence(change: Change) -> str:
    verb = "fails" if change.has_failed else "has recovered"
    where = f" for {change.partition}" if change.partition else ""
    reason = f": {change.evaluation.description}" if change.has_failed and change.evaluation.description else ""
    return f"check {change.key.name} of {change.key.asset_key.to_user_string()} {verb}{where}{reason}"


def _observation(change: Change) -> dg.AssetObservation:
    return dg.AssetObservation(
        change.key.asset_key,
        description=_sentence(change),
        partition=change.partition or None,
        metadata={
            "check": change.key.name,
            "state": "failed" if change.has_failed else "recovered",
            "severity": change.evaluation.severity.value,
            "run": dg.MetadataValue.dagster_run(change.run_id),
        },
        tags={"cryptoviz/check": change.key.name, "cryptoviz/check_state": "failed" if change.has_failed else "ok"},
    )
