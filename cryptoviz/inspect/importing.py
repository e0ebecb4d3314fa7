"""Import: the rows of an archive published as records of an earlier pipeline, each once, however often it is run.

It writes no table. Rows go to the topic of quotes with their origin and come out of the pipeline with all its
guarantees; the clean query takes each number once. What it has judged already is not even published again.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptoviz.inspect.archived_rows import ArchivedRow, BadFile, rows_of
from cryptoviz.inspect.archives import Archive, UnknownArchive, open_archive, partition_of
from cryptoviz.inspect.claims import Claims, numbers_held
from cryptoviz.inspect.judgement import wait_until_judged
from cryptoviz.inspect.outbox import Outgoing, Progress, Sent, send
from cryptoviz.inspect.reach import require_broker, require_lake
from cryptoviz.inspect.topics import end_offsets
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.imports import IMPORT_KEY, ClaimedFile, Origin
from cryptoviz.lake.topics import QUOTES, Headers, Source
from cryptoviz.settings import Settings
from cryptoviz.storage.objects import ObjectInfo


class BeforeLakeStart(ValueError):
    """The archive is older than the lake."""


@dataclass(kw_only=True, slots=True)
class Plan:
    """What an archive holds: its files that can be read, why others cannot, and the oldest row."""

    files: list[ClaimedFile] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    oldest_ns: int = 0

    @property
    def rows(self) -> int:
        """How many rows there are, of the same file twice counted twice."""
        return sum(file.rows for file in self.files)


def survey(archive: Archive, *, topic: str, progress: Progress) -> Plan:
    """Read every file of an archive once, keeping nothing but what is in it. Raises Unreachable."""
    plan = Plan()
    for done, file in enumerate(archive.files, start=1):
        content = archive.read(file)
        try:
            rows = rows_of(content, file.path, partition_of(file.path), topic=topic)
        except BadFile as error:
            plan.skipped[file.path] = str(error)
        else:
            plan.files.append(_described(file, content, len(rows)))
            times = [plan.oldest_ns, *(row.received_ns for row in rows)]
            plan.oldest_ns = min((ns for ns in times if ns), default=0)
        progress("files read", done, len(archive.files))
    return plan


@dataclass(kw_only=True, slots=True)
class Imported:
    """What became of an archive. ``imported`` and what follows are of this run; None until they are known."""

    archive: str
    files: int
    rows: int
    already_there: int = 0
    published: int = 0
    imported: int | None = None
    repeated: int | None = None
    quarantined: dict[str, int] | None = None
    skipped: dict[str, str] = field(default_factory=dict)


def import_archive(
    where: str, settings: Settings, *, topic: str = "", timeout_s: float, wait: bool, progress: Progress
) -> Imported:
    """Bring an archive into the lake.

    Raises :class:`~cryptoviz.inspect.archives.UnknownArchive` and :class:`BeforeLakeStart` before anything is sent,
    Unreachable, NotTaken, and :class:`~cryptoviz.inspect.judgement.NotJudged` when the lake does not follow in time.
    """
    archive = open_archive(where, settings)
    plan = survey(archive, topic=topic, progress=progress)
    _check_start(plan, first=settings.first_hour)
    require_broker(settings.bootstrap)
    require_lake(settings.lake)
    began, name, claims = datetime.now(UTC), settings.topic_name(QUOTES), Claims(settings.lake)
    if any(file.digest in claims.by_digest for file in plan.files):
        ends = end_offsets(settings, name)
        earlier = Sent(sum(ends.values()), dict.fromkeys(ends, 0), ends)
        wait_until_judged(earlier, settings, what="earlier records judged", timeout_s=timeout_s, progress=progress)
    claims.add(archive.uri, plan.files)
    held, wanted = numbers_held(settings.lake), _numbered(plan, claims)
    done = Imported(archive=archive.uri, files=len(plan.files), rows=plan.rows, skipped=plan.skipped)
    done.already_there = plan.rows - sum(len(_missing(file, held)) for file in wanted)
    total = plan.rows - done.already_there
    messages = _messages(archive, wanted, held, topic)
    sent = send(messages, topic=name, total=total, settings=settings, what="rows published", progress=progress)
    done.published = sent.messages
    if wait:
        fates = wait_until_judged(
            sent, settings, since=began, what="rows judged", timeout_s=timeout_s, progress=progress
        )
        done.imported, done.repeated, done.quarantined = fates.taken, fates.repeated, fates.refused
    return done


def _described(file: ObjectInfo, content: bytes, rows: int) -> ClaimedFile:
    digest = hashlib.sha256(content).hexdigest()
    return ClaimedFile(path=file.path, tag=file.tag, digest=digest, first=0, rows=rows)


def _check_start(plan: Plan, *, first: Hour) -> None:
    if not plan.oldest_ns:
        return
    oldest = Hour.containing(datetime.fromtimestamp(plan.oldest_ns // 1_000_000_000, UTC))
    if oldest < first:
        raise BeforeLakeStart(
            f"the archive begins at {oldest.start:%Y-%m-%d %H:%M} UTC, the lake at {first.start:%Y-%m-%d %H:%M} UTC; "
            f"start a stack with CRYPTOVIZ_START={oldest.start:%Y-%m-%dT%H:00} or earlier"
        )


def _numbered(plan: Plan, claims: Claims) -> Sequence[ClaimedFile]:
    """Each content once, where this archive has it, with the numbers that were claimed for it."""
    here = {file.digest: file for file in reversed(plan.files)}
    return [
        ClaimedFile(path=file.path, tag=file.tag, digest=digest, first=claims.by_digest[digest].first, rows=file.rows)
        for digest, file in reversed(here.items())
    ]


def _missing(file: ClaimedFile, held: IdSet) -> range | list[int]:
    """Numbers of a file that the clean query has not seen."""
    numbers = range(file.first, file.first + file.rows)
    if not file.rows or held.covers(numbers[0], numbers[-1]):
        return range(0)
    return [n for n in numbers if n not in held] if held.overlaps(numbers[0], numbers[-1]) else numbers


def _messages(archive: Archive, files: Sequence[ClaimedFile], held: IdSet, topic: str) -> Iterator[Outgoing]:
    listed = {info.path: info for info in archive.files}
    for file in files:
        missing = set(_missing(file, held))
        if not missing:
            continue
        content = archive.read(listed[file.path])
        if hashlib.sha256(content).hexdigest() != file.digest:
            raise UnknownArchive(f"{archive.uri}/{file.path} was changed while it was imported; import it again")
        for at, row in enumerate(rows_of(content, file.path, partition_of(file.path), topic=topic)):
            if file.first + at in missing:
                yield _outgoing(row, Origin(file.first + at, f"{archive.uri}/{file.path}", at))


def _outgoing(row: ArchivedRow, origin: Origin) -> Outgoing:
    received_ns = row.received_ns or time.time_ns()
    headers = Headers(schema=row.schema, source=Source.IMPORT, received_ns=received_ns, connection=str(origin))
    return Outgoing(key=IMPORT_KEY, value=row.value, headers=headers)
