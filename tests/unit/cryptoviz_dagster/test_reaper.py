import dagster as dg
import pytest

from cryptoviz_dagster.reaper import reap

Status = dg.DagsterRunStatus


@pytest.mark.parametrize(
    ("left", "settled"),
    [
        (Status.STARTED, Status.FAILURE),
        (Status.STARTING, Status.FAILURE),
        (Status.CANCELING, Status.CANCELED),
        (Status.NOT_STARTED, Status.NOT_STARTED),
        (Status.SUCCESS, Status.SUCCESS),
    ],
)
def test_runs_that_cannot_be_alive_are_ended_and_the_others_left(orchestra, left, settled):
    run = orchestra.instance.create_run_for_job(orchestra.job, status=left)
    assert reap(orchestra.instance) == int(left is not settled)
    assert orchestra.instance.get_run_by_id(run.run_id).status is settled


def test_the_hour_of_a_reaped_run_is_asked_for_again(orchestra, writer, hour_of_trades, first, clock):
    writer.commit(*hour_of_trades(first, 1))
    request = orchestra.tick().run_requests[0]
    orchestra.instance.create_run_for_job(orchestra.job, tags=dict(request.tags), status=Status.STARTED)
    assert not orchestra.tick().run_requests
    reap(orchestra.instance)
    clock.now = clock.now.replace(year=clock.now.year + 100)
    assert [r.run_key for r in orchestra.tick().run_requests] == [f"{request.run_key}#1"]
