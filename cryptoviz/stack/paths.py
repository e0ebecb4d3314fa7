"""Where the launcher keeps things: the checkout, the state of one stack (home), and what all stacks share (cache)."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptoviz.settings import STACK_ENV

CHECKOUT = Path(__file__).resolve().parents[2]
INFRA = CHECKOUT / "infra"

_SOCKET_PATH_LIMIT = 100
"""Unix socket addresses end at 104 to 108 bytes, and supervisord binds a temporary name a little longer."""


@dataclass(frozen=True, slots=True)
class Home:
    """State of one stack. ``root`` is absolute."""

    root: Path

    @classmethod
    def at(cls, path: Path) -> "Home":
        """The home at a path; nothing is created."""
        return cls(path.expanduser().resolve())

    @property
    def env_file(self) -> Path:
        """Ports, store, first hour and keys of the stack."""
        return self.root / STACK_ENV

    @property
    def logs(self) -> Path:
        """One rotated log a service."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """What lives as long as the processes: configuration, socket, lock, state."""
        return self.root / "run"

    @property
    def lock_file(self) -> Path:
        """Held by the launcher while it runs; contains its process id."""
        return self.run / "launcher.lock"

    @property
    def state_file(self) -> Path:
        """What the launcher last said about each service."""
        return self.run / "state.json"

    @property
    def supervisor_config(self) -> Path:
        """Generated configuration of supervisord."""
        return self.run / "supervisord.conf"

    @property
    def socket(self) -> Path:
        """Control socket of supervisord; beside the temporary files when the home's own path is too long for one."""
        inside = self.run / "supervisor.sock"
        if len(bytes(inside)) <= _SOCKET_PATH_LIMIT:
            return inside
        return Path(tempfile.gettempdir()) / f"cryptoviz-{short_hash(str(self.root))}" / "supervisor.sock"

    def log(self, service: str) -> Path:
        """Log of a service."""
        return self.logs / f"{service}.log"

    def starts(self, service: str) -> Path:
        """How often a service was started in a row without living long."""
        return self.run / f"{service}.starts"

    def create(self) -> None:
        """Make the folders, readable by their owner alone."""
        for folder in (self.root, self.logs, self.run, self.socket.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def short_hash(text: str) -> str:
    """Twelve hexadecimal digits that name a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(text)
    part.replace(path)
