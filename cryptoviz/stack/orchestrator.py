"""Dagster's home: its configuration, its workspace and the environment of its three processes."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from cryptoviz.stack.backing import Backing
from cryptoviz.stack.errors import ServiceFailed
from cryptoviz.stack.paths import CHECKOUT, INFRA, write_private
from cryptoviz.stack.supervision import CHILD

_DAGSTER = (sys.executable, "-m", "dagster")
_REAPER = "cryptoviz_dagster.reaper"


@dataclass(frozen=True, kw_only=True, slots=True)
class Orchestrator:
    """A Dagster instance in ``folder``, with its code server on a port of its own."""

    folder: Path
    backing: Backing
    web_port: int
    code_port: int
    environment: Mapping[str, str]

    @property
    def code_server(self) -> tuple[str, ...]:
        """Serves the definitions."""
        module = ("-m", "cryptoviz_dagster.definitions", "--location-name", "cryptoviz")
        return (*_DAGSTER, "api", "grpc", *module, "-h", "127.0.0.1", "-p", str(self.code_port))

    @property
    def web_server(self) -> tuple[str, ...]:
        """Serves the pages and GraphQL."""
        return (
            sys.executable,
            "-m",
            "dagster_webserver",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.web_port),
            *self._workspace,
        )

    @property
    def daemon(self) -> tuple[str, ...]:
        """Runs sensors, schedules and the run queue."""
        return (sys.executable, "-m", "dagster._daemon", "run", *self._workspace)

    @property
    def keys_file(self) -> Path:
        """Private file with the environment that the configuration refers to."""
        return self.folder / "keys.env"

    def prepare(self) -> None:
        """Write the files, then let the reaper settle the runs that a crash left ``STARTED``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "dagster.yaml").write_text(self.instance())
        (self.folder / "workspace.yaml").write_text(self.workspace())
        write_private(self.keys_file, "".join(f"{name}={value}\n" for name, value in self.backing.keys.items()))
        self._reap()

    def instance(self) -> str:
        """The instance's configuration."""
        return Template((INFRA / "dagster" / "dagster.yaml").read_text()).substitute(
            folder=json.dumps(str(self.folder))[1:-1],
            storage=json.dumps(self.backing.storage),
            compute_logs=json.dumps(self.backing.compute_logs),
        )

    def workspace(self) -> str:
        """Where the code location is served."""
        location = {"host": "127.0.0.1", "port": self.code_port, "location_name": "cryptoviz"}
        return json.dumps({"load_from": [{"grpc_server": location}]}, indent=2) + "\n"

    @property
    def _workspace(self) -> tuple[str, str]:
        return ("-w", str(self.folder / "workspace.yaml"))

    def _reap(self) -> None:
        keys = ("--env-file", str(self.keys_file))
        command = [sys.executable, str(CHILD), *keys, "--", sys.executable, "-m", _REAPER]
        done = subprocess.run(
            command, env=dict(self.environment), cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode:
            raise ServiceFailed(f"runs left by a crash cannot be settled ({_REAPER}): {done.stderr[-1500:]}")
