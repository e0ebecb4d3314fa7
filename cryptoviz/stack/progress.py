"""What a person sees while long steps run: live lines with bars on a terminal, a line every ten seconds elsewhere."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

HEARTBEAT_S = 10.0


class Step:
    """One running step. ``note`` and ``advance`` may be called from any thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.started = time.monotonic()
        self.text = ""
        self.done: int | None = None
        self.total: int | None = None

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.started

    def note(self, text: str) -> None:
        """Say what it is at."""
        self.text = text

    def advance(self, done: int, total: int) -> None:
        """Say how far it is."""
        self.done, self.total = done, total

    def __str__(self) -> str:
        count = f" {self.done}/{self.total}" if self.total else ""
        note = f" ({self.text})" if self.text else ""
        return f"{self.name}{count}{note}"


class Board:
    """Shows steps that may overlap. Use as a context manager; everything goes to standard error."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self._steps: dict[Step, float] = {}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)
        self._live = _live(self.console) if self.console.is_terminal else None

    def __enter__(self) -> "Board":
        if self._live:
            self._live.start()
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._ticker.join()
        if self._live:
            self._live.stop()

    def say(self, text: str) -> None:
        """Print a line above the running steps."""
        self.console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def step(self, name: str, *, done: str = "done") -> Iterator[Step]:
        """Show a step while the block runs, then its time; a failure is shown and goes on."""
        step = Step(name)
        with self._lock:
            self._steps[step] = step.started
        task = self._live.add_task(str(step), total=None) if self._live else None
        try:
            yield step
        except BaseException:
            self.say(f"✗ {step} after {step.seconds:.1f} s")
            raise
        else:
            self.say(f"✓ {name} {done} in {step.seconds:.1f} s")
        finally:
            with self._lock:
                del self._steps[step]
            if self._live and task is not None:
                self._live.remove_task(task)

    def _tick(self) -> None:
        while not self._stop.wait(0.25 if self._live else 1.0):
            with self._lock:
                steps = dict(self._steps)
            if self._live:
                self._refresh(self._live, list(steps))
            else:
                self._print_heartbeats(steps)

    def _refresh(self, live: Progress, steps: list[Step]) -> None:
        for task, step in zip(live.tasks, steps, strict=False):
            live.update(task.id, description=str(step), total=step.total, completed=step.done or 0)

    def _print_heartbeats(self, steps: dict[Step, float]) -> None:
        now = time.monotonic()
        for step, last in steps.items():
            if now - last >= HEARTBEAT_S - 0.5:
                self.say(f"… {step}, {step.seconds:.0f} s")
                with self._lock:
                    if step in self._steps:
                        self._steps[step] = now


def _live(console: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)
