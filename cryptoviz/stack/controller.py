"""One run of a stack: own the home, start everything, watch, stop everything in reverse order. Nothing stays behind."""

import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from cryptoviz.stack.bring_up import BringUp, StartCancelled
from cryptoviz.stack.errors import ServiceFailed
from cryptoviz.stack.leftovers import end_leftovers
from cryptoviz.stack.ownership import own
from cryptoviz.stack.paths import CHECKOUT, Home, write_private
from cryptoviz.stack.ports import require_free
from cryptoviz.stack.progress import Board
from cryptoviz.stack.services import Service, in_stop_waves
from cryptoviz.stack.state import Phase, StateFile
from cryptoviz.stack.supervision import Supervisor, render_config, start_command
from cryptoviz.stack.watch import Watch

_SUPERVISOR_DEADLINE_S = 15.0
_LOOK_EVERY_S = 3.0


@dataclass(kw_only=True)
class Controller:
    """Runs services of one home. ``environment`` is what every process gets; it carries the mark of the home."""

    services: Sequence[Service]
    home: Home
    board: Board
    environment: Mapping[str, str]
    stop_asked: threading.Event = field(default_factory=threading.Event)

    def run(self, *, summary: Sequence[str] = ()) -> int:
        """Run until asked to stop; tells 0 for a wanted end. Raises :class:`StackError` when the stack cannot run."""
        self.home.create()
        with own(self.home.lock_file), self._signals():
            state = StateFile(self.home.state_file)
            state.begin([service.name for service in self.services])
            try:
                self._run(state, summary)
            except StartCancelled:
                self.board.say("· stopped before everything was ready")
            except Exception as error:
                state.enter(Phase.FAILED, str(error))
                raise
            state.enter(Phase.STOPPED)
        return 0

    def _run(self, state: StateFile, summary: Sequence[str]) -> None:
        end_leftovers(self.home.root, say=self.board.say)
        require_free(use for service in self.services for use in service.ports)
        write_private(self.home.supervisor_config, render_config(self.services, self.home))
        self.home.socket.unlink(missing_ok=True)
        supervisor = Supervisor(self.home.socket)
        # From the main thread: supervisord ends with the thread that started it.
        daemon = subprocess.Popen(
            start_command(self.home),
            env=self.environment,
            cwd=CHECKOUT,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )
        try:
            self._await_supervisor(supervisor, daemon)
            self._bring_up(supervisor, state)
            watch = Watch(services=self.services, supervisor=supervisor, home=self.home, state=state, board=self.board)
            for line in summary:
                self.board.say(line)
            state.enter(Phase.READY)
            self._stay(watch, daemon)
        finally:
            state.enter(Phase.STOPPING)
            self._stop(supervisor, daemon)

    def _bring_up(self, supervisor: Supervisor, state: StateFile) -> None:
        start = BringUp(
            services=self.services,
            supervisor=supervisor,
            home=self.home,
            state=state,
            board=self.board,
            cancel=threading.Event(),
        )
        worker = ThreadPoolExecutor(max_workers=1).submit(start.run)
        while not worker.done():
            if self.stop_asked.wait(0.1):
                start.cancel.set()
                break
        worker.result()

    def _stay(self, watch: Watch, daemon: "subprocess.Popen[bytes]") -> None:
        while not self.stop_asked.wait(_LOOK_EVERY_S):
            if daemon.poll() is not None:
                raise ServiceFailed(f"supervisord ended ({daemon.returncode}); its log: {self.home.log('supervisord')}")
            watch.look()

    def _stop(self, supervisor: Supervisor, daemon: "subprocess.Popen[bytes]") -> None:
        started = time.monotonic()
        if daemon.poll() is None and supervisor.is_up():
            for wave in in_stop_waves(self.services):
                with ThreadPoolExecutor(max_workers=len(wave)) as pool:
                    list(pool.map(supervisor.stop, [service.name for service in wave]))
            supervisor.shutdown()
        elif daemon.poll() is None:
            daemon.terminate()
        try:
            daemon.wait(timeout=_SUPERVISOR_DEADLINE_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
        end_leftovers(self.home.root, say=self.board.say)
        self.home.socket.unlink(missing_ok=True)
        self.board.say(f"· everything stopped in {time.monotonic() - started:.1f} s")

    def _await_supervisor(self, supervisor: Supervisor, daemon: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + _SUPERVISOR_DEADLINE_S
        while not supervisor.is_up():
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise ServiceFailed(f"supervisord does not answer; its log: {self.home.log('supervisord')}")
            time.sleep(0.05)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGINT, SIGTERM and SIGHUP ask for an orderly stop, also while one is under way."""
        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._on_signal) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if not self.stop_asked.is_set():
            self.board.say("· stopping everything in reverse order")
        self.stop_asked.set()
