"""Archives that earlier pipelines left: which files they hold, and whether they lie as expected.

Two layouts are understood: files in one folder or bucket, and files under ``year=/month=/day=`` (and ``hour=``), padded
or not. What begins with ``_`` or ``.`` is a writer's own note and passed over, as Spark does.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from obstore.exceptions import BaseError

from cryptoviz.inspect.reach import Unreachable, require_lake
from cryptoviz.lake.locations import Location
from cryptoviz.settings import Settings
from cryptoviz.storage.objects import ObjectInfo, Objects

DIRECTORIES = {"year": (1970, 9999), "month": (1, 12), "day": (1, 31), "hour": (0, 23)}
"""Keys of directories and the bounds of their values, in order."""
ENDINGS = (".parquet", ".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
EXPECTED = (
    "expected Parquet or JSON files, either all in one folder (the bucket crypto-data) or under year=/month=/day= "
    "(the bucket crypto-data-partitioned)"
)
_DIRECTORY = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*)=(.*)$")
_NAMED = 5


class UnknownArchive(ValueError):
    """What lies there is no archive of an earlier pipeline; the message names what was found and what is expected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """The files of an archive in order of their paths. ``notes`` counts the writer's own files that are passed over."""

    uri: str
    objects: Objects
    files: tuple[ObjectInfo, ...]
    notes: int = 0

    def read(self, file: ObjectInfo) -> bytes:
        """Content of a file. Raises :class:`Unreachable` when the store refuses or the file is gone."""
        try:
            content = self.objects.get(file.path)
        except (BaseError, OSError) as error:
            raise Unreachable(f"{self.uri}/{file.path} cannot be read: {_first_line(error)}") from None
        if content is None:
            raise Unreachable(f"{self.uri}/{file.path} was there and is gone")
        return content


def open_archive(where: str, settings: Settings) -> Archive:
    """The archive in a folder, a file or ``s3://bucket/prefix``. Raises :class:`UnknownArchive`, Unreachable."""
    location, only = _location(where, settings)
    require_lake(location)
    objects = Objects(location)
    try:
        listed = objects.list("")
    except (BaseError, OSError) as error:
        raise Unreachable(f"{where} cannot be listed: {_first_line(error)}; check its keys and its name") from None
    found = [info for info in listed if not _is_note(info.path) and only in {"", info.path}]
    files = tuple(info for info in found if info.path.lower().endswith(ENDINGS))
    if not files:
        raise UnknownArchive(f"{where} holds no data: found {_kinds(found)}; {EXPECTED}")
    for file in files:
        partition_of(file.path, where=where)
    return Archive(uri=location.uri.rstrip("/"), objects=objects, files=files, notes=len(listed) - len(found))


def partition_of(path: str, *, where: str = "") -> dict[str, int]:
    """Values that the directories of a file say of its rows. Raises :class:`UnknownArchive` for any other directory."""
    values: dict[str, int] = {}
    for part in PurePosixPath(path).parts[:-1]:
        match = _DIRECTORY.match(part)
        if not match:
            continue
        name, text = match[1].lower(), match[2]
        low, high = DIRECTORIES.get(name, (1, 0))
        if not text.isdecimal() or not low <= int(text) <= high:
            raise UnknownArchive(f"{where or path} has the directory {part!r} in {path}; {EXPECTED}")
        values[name] = int(text)
    return values


def _location(where: str, settings: Settings) -> tuple[Location, str]:
    """Where the archive lies, and the one file that is meant if it is one."""
    if where.startswith(("s3://", "s3a://")):
        store = replace(settings.lake, uri=where.replace("s3a://", "s3://", 1).rstrip("/"))
        return _with_own_keys(store, settings), ""
    path = Path(where).expanduser().resolve()
    if not path.exists():
        raise UnknownArchive(f"{where} does not exist; {EXPECTED}")
    if path.is_file():
        return Location(uri=str(path.parent)), path.name
    return Location(uri=str(path)), ""


def _with_own_keys(store: Location, settings: Settings) -> Location:
    """The store of the archive: its own where one is set, else the one the lake has or would have."""
    endpoint = settings.archive_endpoint or store.endpoint or settings.s3_endpoint
    if settings.archive_access_key:
        secret = settings.archive_secret_key.get_secret_value()
        return replace(store, endpoint=endpoint, access_key=settings.archive_access_key, secret_key=secret)
    secret = settings.s3_secret_key.get_secret_value()
    return replace(store, endpoint=endpoint, access_key=settings.s3_access_key, secret_key=secret)


def _is_note(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return any(part.startswith((".", "_")) for part in parts) or "checkpoints" in parts[:-1]


def _kinds(found: Iterable[ObjectInfo]) -> str:
    endings = Counter(PurePosixPath(info.path).suffix or "files without an ending" for info in found)
    return ", ".join(f"{count} {ending}" for ending, count in endings.most_common(_NAMED)) or "no file at all"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
