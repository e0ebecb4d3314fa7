"""Where PostgreSQL listens and which roles it has. Names no driver, so that settings can hold it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

DATABASE = "crypto"


class Role(StrEnum):
    """Who may do what: the owner makes tables, the loader fills them, the reader reads."""

    OWNER = "crypto_owner"
    LOADER = "crypto_loader"
    READER = "crypto_reader"


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """One PostgreSQL server with the roles' passwords, which never appear in a repr."""

    host: str
    port: int
    passwords: Mapping[Role, str] = field(default_factory=dict, repr=False)

    def conninfo(self, role: Role) -> str:
        """Connection string of a role; times come back in UTC whatever the machine's zone. It holds the password."""
        values = {
            "host": self.host,
            "port": str(self.port),
            "dbname": DATABASE,
            "user": role.value,
            "password": self.passwords.get(role, ""),
            "connect_timeout": "3",
            "options": "-c timezone=UTC",
        }
        return " ".join(f"{name}='{_escaped(value)}'" for name, value in values.items())

    def link(self, role: Role, *, password_file: Path) -> str:
        """An address for ``psql``; the password stays in its private file."""
        return f"postgresql://{role}@{self.host}:{self.port}/{DATABASE}?passfile={password_file}"

    def password_lines(self) -> str:
        """Content of the password file, as libpq reads it."""
        return "".join(f"{self.host}:{self.port}:*:{role}:{word}\n" for role, word in self.passwords.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
