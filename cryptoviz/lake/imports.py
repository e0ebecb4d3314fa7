"""Rows out of archives on their way into the lake: each has a number of its own, so that it is taken once, for ever.

Numbers are given to whole files by claims: objects under ``_ledger/imports``, each written once, that name the file's
content, its place and its first number. A record of an import carries its number and its origin as its connection.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

IMPORT_KEY = "import"
"""Key of the Kafka records of all imports, and of their numbers among the ids seen."""
CLAIMS = "_ledger/imports"

_CONNECTION = re.compile(r"^import:(\d{1,18}):(.+)#(\d+)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an imported record comes from: its number, the file it stood in, the row it was there, from 0."""

    number: int
    file: str
    row: int

    def __str__(self) -> str:
        """As a connection of a record."""
        return f"import:{self.number}:{self.file}#{self.row}"


def origin_of(connection: str | None) -> Origin | None:
    """The origin that a record's connection names; None for a record of no import."""
    match = _CONNECTION.match(connection or "")
    return Origin(int(match[1]), match[2], int(match[3])) if match else None


class ClaimedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of an archive and the numbers ``[first, first + rows)`` of its rows; ``digest`` is its bytes' SHA-256."""

    path: str
    tag: str
    digest: str
    first: int
    rows: int


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The files that one import brought first: its number, the archive, when, and the files."""

    number: int
    archive: str
    claimed: str
    files: list[ClaimedFile]

    @property
    def path(self) -> str:
        """Where it lies in the lake; of two with one number only one can be written."""
        return f"{CLAIMS}/{self.number:08d}.json"


def next_number(claims: Iterable[Claim]) -> int:
    """The first number that no file has."""
    return max((file.first + file.rows for claim in claims for file in claim.files), default=1)
