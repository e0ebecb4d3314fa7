"""Thinning of states: of each market the last one in each interval, whatever the venue's rate.

A state that another replaces is counted, not kept: it never was more than a sample.
"""

from cryptoviz.lake.symbols import Instrument
from streaming.feeds.record import Record


class Thinner:
    """Passes on at most one record of a market and interval of its receive time, in the bytes it came in."""

    def __init__(self, *, interval_s: float) -> None:
        self._interval_ns = int(interval_s * 1e9)
        self._held: dict[Instrument, Record] = {}
        self._due: list[Record] = []
        self.thinned = 0

    def offer(self, record: Record) -> None:
        """Take a state; of two in one interval the later update stays, as two connections overlap."""
        held = self._held.get(record.instrument)
        if held is not None and self._slot(held) == self._slot(record):
            self.thinned += 1
            if (record.last_id, record.time_us) < (held.last_id, held.time_us):
                return
        elif held is not None:
            self._due.append(held)
        self._held[record.instrument] = record

    def due(self, now_ns: int) -> list[Record]:
        """States whose interval has ended, in order of ending; each is given once."""
        ended = [record for record in self._held.values() if self._slot(record) < now_ns // self._interval_ns]
        for record in ended:
            del self._held[record.instrument]
        due, self._due = [*self._due, *ended], []
        return due

    def _slot(self, record: Record) -> int:
        return record.received_ns // self._interval_ns
