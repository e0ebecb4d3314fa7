"""The ledger of a market's gaps: which ids are missing, since when and why, and how it ended. Pure: time comes in.

A state is said once, as a record; who wants to know how things stand takes the latest of each gap. A gap's identity is
its market and first id; what is found to be missing beyond it while it is open belongs to it.
"""

import time
from collections.abc import Callable, Iterable

import msgspec

from cryptoviz.lake.gaps import Cause, GapState
from cryptoviz.lake.id_set import Interval
from cryptoviz.lake.symbols import Instrument
from cryptoviz.lake.topics import GAPS, Schema, Source
from streaming.feeds.parsed import GapNotice, Parser
from streaming.feeds.record import Record


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A gap in one of its states. Times in microseconds; ``since`` is the venue's, of the trade before it."""

    venue: str
    symbol: str
    first_id: int
    last_id: int
    state: GapState
    cause: Cause
    opened: int
    changed: int
    since: int
    evidence: str = ""

    def record(self, instrument: Instrument) -> Record:
        """For the topic."""
        return Record(
            instrument=instrument, first_id=self.first_id, last_id=self.last_id, time_us=self.changed,
            value=msgspec.json.encode(self), schema=Schema.GAP, source=Source.FEED, connection="",
            received_ns=self.changed * 1000, topic=GAPS,
        )  # fmt: skip


class GapLedger:
    """Open gaps of one market, and what has become of them."""

    def __init__(self, instrument: Instrument, *, clock: Callable[[], int] = time.time_ns) -> None:
        self._instrument, self._clock = instrument, clock
        self._open: dict[int, Gap] = {}
        self._suspected: set[int] = set()
        self._said: list[Gap] = []
        self.repaired = self.unrecoverable = 0

    @property
    def open(self) -> list[Gap]:
        """Gaps that are neither repaired nor given up."""
        return list(self._open.values())

    def adopt(self, gap: Gap) -> None:
        """Take over a gap that an earlier process left open."""
        self._open[gap.first_id] = gap

    def watch(self, holes: Iterable[Interval], *, cause: Cause, since_us: int) -> None:
        """Open the holes that were there at the last look too: ids that are only out of order come in a moment."""
        holes = list(holes)
        self.see([hole for hole in holes if hole[0] in self._suspected], cause=cause, since_us=since_us)
        self._suspected = {first for first, _ in holes}

    def see(self, holes: Iterable[Interval], *, cause: Cause, since_us: int) -> None:
        """Open what of these holes is in no open gap; what adjoins one widens it."""
        for hole in holes:
            for first, last in self._unknown(*hole):
                before = next((gap for gap in self._open.values() if gap.last_id + 1 == first), None)
                if before is None:
                    self._enter(first, last, cause, since_us)
                else:
                    self._open[before.first_id] = msgspec.structs.replace(before, last_id=last)

    def reach(self, next_id: int) -> None:
        """Everything below ``next_id`` is published: close the gaps that end there."""
        for gap in self.open:
            if gap.last_id < next_id:
                del self._open[gap.first_id]
                self._say(gap, GapState.REPAIRED)
                self.repaired += 1

    def lose(self, hole: Interval, *, evidence: str, since_us: int) -> None:
        """Ids that the venue does not have. What is open beyond them stays open."""
        first, last = hole
        self.reach(first)
        self.see([hole], cause=Cause.HOLE, since_us=since_us)
        for gap in [gap for gap in self.open if gap.first_id <= last]:
            del self._open[gap.first_id]
            if gap.first_id < first:
                self._say(msgspec.structs.replace(gap, last_id=first - 1), GapState.REPAIRED)
            lost = {"first_id": max(first, gap.first_id), "last_id": min(last, gap.last_id), "evidence": evidence}
            self._say(msgspec.structs.replace(gap, **lost), GapState.UNRECOVERABLE)
            if gap.last_id > last:
                self._enter(last + 1, gap.last_id, gap.cause, gap.since)
        self.unrecoverable += last - first + 1

    def take(self) -> list[Record]:
        """What is to be said, once."""
        said, self._said = self._said, []
        return [gap.record(self._instrument) for gap in said]

    def _unknown(self, first: int, last: int) -> list[Interval]:
        """What of a span is in no open gap."""
        found = []
        for gap in sorted(self.open, key=lambda gap: gap.first_id):
            if first <= gap.last_id and gap.first_id <= last:
                if gap.first_id > first:
                    found.append((first, gap.first_id - 1))
                first = gap.last_id + 1
        return [*found, (first, last)] if first <= last else found

    def _enter(self, first: int, last: int, cause: Cause, since_us: int) -> None:
        now = self._now()
        gap = Gap(
            venue=self._instrument.venue, symbol=self._instrument.symbol, first_id=first, last_id=last,
            state=GapState.OPEN, cause=cause, opened=now, changed=now, since=since_us,
        )  # fmt: skip
        self._open[first] = gap
        self._said.append(gap)

    def _say(self, gap: Gap, state: GapState) -> None:
        self._said.append(msgspec.structs.replace(gap, state=state, changed=self._now()))

    def _now(self) -> int:
        return self._clock() // 1000


_decoder = msgspec.json.Decoder(Gap)


def decode_gap(value: bytes) -> Gap:
    """A record's value. Raises msgspec.DecodeError."""
    return _decoder.decode(value)


def parse_gap(value: bytes) -> GapNotice:
    """A state of a gap, for the clean query."""
    g = decode_gap(value)
    key = f"{g.venue}:{g.symbol}"
    return GapNotice(
        g.first_id, g.last_id, g.state, g.cause, g.opened, g.changed, g.since or None, g.evidence, key
    )  # fmt: skip


PARSERS: dict[str, Parser] = {Schema.GAP: parse_gap}
