"""Continuity of one market's ids, as a pure state machine: what may be published now, and what must be fetched first.

Records leave strictly in id order and without a hole, so the last record of a topic tells where to go on after a
restart. A live record beyond a hole waits until the hole is filled from REST; when too many wait they are forgotten and
fetched.
"""

from dataclasses import dataclass, field

from cryptoviz.lake.id_set import Interval
from streaming.feeds.record import Record

MAX_WAITING = 10_000
_HOLES_TOLD = 50


@dataclass(slots=True)
class Continuity:
    """State of one market. ``next_id`` is the first id not yet published; None until a position is known."""

    next_id: int | None = None
    highest: int = -1
    last_time_us: int = 0
    repeats: int = 0
    lost: list[Interval] = field(default_factory=list)
    max_waiting: int = MAX_WAITING
    _waiting: dict[int, Record] = field(default_factory=dict)

    def offer(self, record: Record) -> list[Record]:
        """Take a live record; returns those that may be published now, in order."""
        self.highest = max(self.highest, record.last_id)
        if self.next_id is not None and record.first_id < self.next_id:
            # Of an aggregate that begins before the position, what is beyond it is a hole, fetched trade by trade.
            self.repeats += record.last_id < self.next_id
            return []
        if record.first_id in self._waiting:
            self.repeats += 1
            return []
        self._waiting[record.first_id] = record
        released = self._release()
        if len(self._waiting) > self.max_waiting:
            self._waiting.clear()
        return released

    def hear(self, record: Record) -> None:
        """Take notice of a live record that cannot be held now: it is a hole, to be fetched."""
        self.highest = max(self.highest, record.last_id)

    def start_at(self, next_id: int) -> list[Record]:
        """Set the position; returns waiting records that may be published now."""
        self.next_id = next_id
        self._forget_published()
        return self._release()

    def missing(self) -> Interval | None:
        """Ids to fetch before anything else can be published; None when nothing is known to be missing."""
        if self.next_id is None or self.highest < self.next_id:
            return None
        last = min(self._waiting) - 1 if self._waiting else self.highest
        return (self.next_id, last) if last >= self.next_id else None

    def holes(self) -> list[Interval]:
        """All that is missing between what is published and the highest id heard of; one span when there are many."""
        if self.next_id is None:
            return []
        found, at = [], self.next_id
        for first in sorted(self._waiting):
            if first > at:
                found.append((at, first - 1))
            at = max(at, self._waiting[first].last_id + 1)
        if at <= self.highest:
            found.append((at, self.highest))
        return found if len(found) <= _HOLES_TOLD else [(found[0][0], found[-1][1])]

    def fill(self, records: list[Record]) -> list[Record]:
        """Take fetched records, in id order; returns what may be published now."""
        released: list[Record] = []
        for record in records:
            self.highest = max(self.highest, record.last_id)
            if self.next_id is None or record.first_id != self.next_id:
                continue
            released.append(record)
            self._advance(record)
        self._forget_published()
        return released + self._release()

    def give_up(self, hole: Interval) -> list[Record]:
        """Take a hole as lost at the source and go on after it."""
        self.lost.append(hole)
        return self.start_at(hole[1] + 1)

    def _forget_published(self) -> None:
        """A page may hold what waits, whole or in part; the waiting copy is not needed then."""
        published = [first for first in self._waiting if self.next_id is not None and first < self.next_id]
        for first in published:
            del self._waiting[first]
        self.repeats += len(published)

    def _release(self) -> list[Record]:
        released = []
        while self.next_id is not None and (record := self._waiting.pop(self.next_id, None)) is not None:
            released.append(record)
            self._advance(record)
        return released

    def _advance(self, record: Record) -> None:
        self.next_id = record.last_id + 1
        self.last_time_us = record.time_us
