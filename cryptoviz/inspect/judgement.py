"""The wait until the clean query has judged what was sent to the topic of quotes, and what became of it."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from cryptoviz.inspect.materialisation import committed_offsets, messages_held
from cryptoviz.inspect.outbox import Progress, Sent
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import DUPLICATES, QUARANTINE, QUOTES
from cryptoviz.lake.topics import QUOTES as QUOTES_TOPIC
from cryptoviz.lake.topics import Source
from cryptoviz.settings import Settings
from cryptoviz.storage.frames import TableNotWritten, empty, scan, scan_between

_PAUSE_S = 0.5


class NotJudged(TimeoutError):
    """The lake has not taken what was sent in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fates:
    """What became of imported records: how many were taken, how many had come before, how many refused, and why."""

    taken: int = 0
    repeated: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many there were."""
        return self.taken + self.repeated + sum(self.refused.values())


def wait_until_judged(
    sent: Sent,
    settings: Settings,
    *,
    since: datetime | None = None,
    what: str,
    timeout_s: float,
    progress: Progress,
) -> Fates:
    """Wait until the clean table holds these offsets; with ``since``, until each record's fate is known too.

    Raises :class:`NotJudged`.
    """
    deadline, topic = time.monotonic() + timeout_s, settings.topic_name(QUOTES_TOPIC)
    while (held := _held(sent, settings.lake, topic)) < sent.messages:
        progress(what, held, sent.messages)
        _pause(deadline, f"{sent.messages - held} of {sent.messages} records are not in the lake", timeout_s)
    progress(what, held, sent.messages)
    if since is None:
        return Fates()
    # The side tables are committed right after the clean one.
    while (fates := fates_of(sent, settings.lake, topic, since=since)).total < sent.messages:
        _pause(deadline, f"the fate of {sent.messages - fates.total} records is not known", timeout_s)
    return fates


def fates_of(sent: Sent, lake: Location, topic: str, *, since: datetime) -> Fates:
    """Imported records among these offsets of a topic, by the table each came to lie in."""
    if not sent.messages:
        return Fates()
    first, last = Hour.containing(since), Hour.containing(datetime.now(UTC)).next()
    refused = _mine(_between(QUARANTINE, lake, first, last), sent, topic, "reason")
    repeated = _mine(_between(DUPLICATES, lake, first, last), sent, topic, "offset")
    taken = _mine(_everywhere(QUOTES, lake), sent, topic, "offset")
    reasons = refused.group_by("reason").len().sort("len", "reason", descending=[True, False])
    return Fates(taken=taken.height, repeated=repeated.height, refused=dict(reasons.iter_rows()))


def _held(sent: Sent, lake: Location, topic: str) -> int:
    return messages_held(sent, committed_offsets(lake, topic, sent.next_offsets, table=QUOTES))


def _mine(rows: pl.LazyFrame, sent: Sent, topic: str, column: str) -> pl.DataFrame:
    inside = pl.any_horizontal(
        (pl.col("partition") == partition)
        & pl.col("offset").is_between(first, sent.next_offsets[partition], closed="left")
        for partition, first in sent.first_offsets.items()
    )
    return rows.filter(pl.col("topic") == topic, pl.col("source") == Source.IMPORT, inside).select(column).collect()


def _between(table: Table, lake: Location, first: Hour, last: Hour) -> pl.LazyFrame:
    try:
        return scan_between(table, lake, first, last)
    except TableNotWritten:
        return empty(table).lazy()


def _everywhere(table: Table, lake: Location) -> pl.LazyFrame:
    try:
        return scan(table, lake)
    except TableNotWritten:
        return empty(table).lazy()


def _pause(deadline: float, what: str, timeout_s: float) -> None:
    if time.monotonic() > deadline:
        raise NotJudged(f"{what} after {timeout_s:.0f} s; see `cryptoviz status` and `cryptoviz logs spark`")
    time.sleep(_PAUSE_S)
