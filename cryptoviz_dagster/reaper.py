"""Runs left `STARTED` by a crash are failed before the daemon starts, so that the sensor asks for their hours again."""

import sys

import dagster as dg

_UNFINISHED = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def reap(instance: dg.DagsterInstance) -> int:
    """Fail every run that cannot be alive, because nothing of this instance is running. Returns how many."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=_UNFINISHED))
    for run in runs:
        instance.report_run_failed(run, "the process of this run ended with the stack; failed at the next start")
        instance.delete_run(run.run_id)
    return len(runs)


if __name__ == "__main__":
    with dg.DagsterInstance.get() as current:
        sys.stderr.write(f"reaped {reap(current)} runs\n")
