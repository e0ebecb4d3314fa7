"""Start services side by side, each as soon as what it needs is ready, and wait until each does its work."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from cryptoviz.stack.errors import ServiceFailed, StackError
from cryptoviz.stack.paths import Home
from cryptoviz.stack.probes import NotReady
from cryptoviz.stack.progress import Board
from cryptoviz.stack.services import Service
from cryptoviz.stack.state import StateFile
from cryptoviz.stack.supervision import Supervisor

_POLL_S = 0.25
_LOG_LINES = 8
_LIVES = 3


class StartCancelled(StackError):
    """Somebody asked for a stop, or another service failed, before everything was ready."""


@dataclass(kw_only=True)
class BringUp:
    """One start of a set of services. ``cancel`` ends it from any thread."""

    services: Sequence[Service]
    supervisor: Supervisor
    home: Home
    state: StateFile
    board: Board
    cancel: threading.Event
    _ready: dict[str, threading.Event] = field(init=False)

    def __post_init__(self) -> None:
        self._ready = {service.name: threading.Event() for service in self.services}

    def run(self) -> None:
        """Return when every service is ready. Raises the first failure, after which the others have given up."""
        with ThreadPoolExecutor(max_workers=len(self.services), thread_name_prefix="start") as pool:
            futures = [pool.submit(self._start, service) for service in self.services]
        errors = [error for future in futures if (error := future.exception())]
        for error in sorted(errors, key=lambda one: isinstance(one, StartCancelled)):
            raise error

    def _start(self, service: Service) -> None:
        try:
            self._await_needs(service)
            self._await_program(service)
            self.state.waiting(service.name, "its preparation")
            with self.board.step(service.name, done="ready") as step:
                service.prepare()
                self.home.starts(service.name).unlink(missing_ok=True)
                self.supervisor.start(service.name)
                step.note(f"waiting for {service.waits_for}")
                self._await_ready(service)
                service.once_ready()
            self.state.waiting(service.name, "")
            self._ready[service.name].set()
        except StackError:
            self.cancel.set()
            raise
        except Exception as error:
            self.cancel.set()
            raise ServiceFailed(f"{service.name}: {error}") from error

    def _await_needs(self, service: Service) -> None:
        for need in service.needs:
            while need in self._ready and not self._ready[need].wait(_POLL_S):
                self._check_cancelled()
                self.state.waiting(service.name, need)

    def _await_program(self, service: Service) -> None:
        while service.made_from and not wait([service.made_from], timeout=_POLL_S).done:
            self._check_cancelled()
            self.state.waiting(service.name, "its program to be built")

    def _await_ready(self, service: Service) -> None:
        deadline = time.monotonic() + service.deadline_s
        lives: set[int] = set()
        while True:
            self._check_cancelled()
            try:
                service.ready()
            except NotReady as reason:
                self.state.waiting(service.name, str(reason))
                if time.monotonic() > deadline:
                    waited = f"not ready after {service.deadline_s:.0f} s: {reason}"
                    raise ServiceFailed(self._report(service, waited)) from None
            else:
                return
            self._check_process(service, lives)
            self.cancel.wait(_POLL_S)

    def _check_process(self, service: Service, lives: set[int]) -> None:
        process = self.supervisor.processes()[service.name]
        lives.add(process.pid)
        if process.has_refused:
            raise ServiceFailed(self._report(service, "refused to run as configured"))
        if len(lives - {0}) > _LIVES or process.state == "FATAL":
            raise ServiceFailed(self._report(service, "ended again and again"))

    def _check_cancelled(self) -> None:
        if self.cancel.is_set():
            raise StartCancelled("the start was cancelled")

    def _report(self, service: Service, what: str) -> str:
        log = self.home.log(service.name)
        return f"{service.name} {what}\n{last_lines(self.home, service.name)}\nits log: {log}"


def last_lines(home: Home, service: str, count: int = _LOG_LINES) -> str:
    """The end of a service's log, indented."""
    log = home.log(service)
    lines = log.read_text(errors="replace").splitlines()[-count:] if log.is_file() else []
    return "\n".join(f"    {line[:300]}" for line in lines)
