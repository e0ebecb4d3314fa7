"""Claims of imports in the lake: which files have numbers, and which numbers have come."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.imports import CLAIMS, IMPORT_KEY, Claim, ClaimedFile, next_number
from cryptoviz.lake.ledger import State
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import QUOTES
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import TableNotWritten, open_table
from cryptoviz.storage.objects import Objects


class Claims:
    """All claims of a lake, read once and added to."""

    def __init__(self, lake: Location) -> None:
        self._objects = Objects(lake)
        self._claims = _read(self._objects)

    @property
    def by_digest(self) -> Mapping[str, ClaimedFile]:
        """Every file that has numbers, by its content: the same bytes elsewhere are the same rows."""
        return {file.digest: file for claim in self._claims for file in claim.files}

    def add(self, archive: str, files: Sequence[ClaimedFile]) -> Claim | None:
        """Give numbers to those files that have none; ``first`` of what is given is not looked at.

        Of two imports at once, one claims a file and the other finds it claimed. None when all have numbers.
        """
        while True:
            known = self.by_digest
            new = {file.digest: file for file in files if file.digest not in known}
            if not new:
                return None
            claim = self._next(archive, list(new.values()))
            if self._objects.create(claim.path, msgspec.json.encode(claim)):
                self._claims.append(claim)
                return claim
            self._claims = _read(self._objects)

    def _next(self, archive: str, files: Sequence[ClaimedFile]) -> Claim:
        first, numbered = next_number(self._claims), []
        for file in files:
            numbered.append(msgspec.structs.replace(file, first=first))
            first += file.rows
        number = 1 + max((claim.number for claim in self._claims), default=0)
        return Claim(number=number, archive=archive, claimed=datetime.now(UTC).isoformat(), files=numbered)


def numbers_held(lake: Location) -> IdSet:
    """Numbers of imported rows that the clean query has judged, taken and refused ones alike."""
    try:
        open_table(QUOTES, lake)
    except TableNotWritten:
        return IdSet()
    entry = LakeTable(QUOTES, lake).last_entry()
    payload = Objects(lake).get(entry.state) if entry and entry.state else None
    return State.decode(payload).id_sets().get(IMPORT_KEY, IdSet()) if payload else IdSet()


def _read(objects: Objects) -> list[Claim]:
    contents = (objects.get(info.path) for info in objects.list(CLAIMS))
    return [msgspec.json.decode(content, type=Claim) for content in contents if content]
