"""Runs left unfinished by a crash are ended before the daemon starts; the sensor then asks for their hours again."""

import sys

import dagster as dg

_DEAD = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_WHY = "the process of this run ended with the stack; settled at the next start"


def reap(instance: dg.DagsterInstance) -> int:
    """End every run that cannot be alive, because nothing of this instance is running. Returns how many.

    The runs stay, with what they have materialized. Queued runs are left to the daemon.
    """
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=_DEAD))
    for run in runs:
        if run.status is dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, _WHY)
        else:
            instance.report_run_failed(run, _WHY)
    return len(runs)


if __name__ == "__main__":
    with dg.DagsterInstance.get() as current:
        sys.stderr.write(f"settled {reap(current)} runs left by a crash\n")
