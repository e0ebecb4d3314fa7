import pytest

from cryptoviz.stack.state import Note
from cryptoviz.stack.status import ServiceState, judge
from cryptoviz.stack.supervision import ProcessInfo


@pytest.mark.parametrize(
    ("state", "missing", "note", "judged"),
    [
        ("RUNNING", "", Note(), ServiceState.READY),
        ("RUNNING", "port 1: refused", Note(), ServiceState.UNREADY),
        ("RUNNING", "", Note(waiting_for="the topics"), ServiceState.STARTING),
        ("STOPPED", "", Note(waiting_for="kafka"), ServiceState.STARTING),
        ("BACKOFF", "", Note(), ServiceState.RESTARTING),
        ("FATAL", "", Note(), ServiceState.FAILED),
        ("STOPPED", "", Note(reason="refused to run as configured: x"), ServiceState.REFUSED),
        ("STOPPED", "", Note(), ServiceState.STOPPED),
    ],
)
def test_the_state_of_a_service_follows_from_what_is_said_of_it(
    state: str, missing: str, note: Note, judged: ServiceState
) -> None:
    process = ProcessInfo(name="a", state=state, pid=1, exit_status=0, uptime_s=1)
    assert judge(process, missing=missing, note=note) is judged
