"""How far a venue's clock and ours disagree, as far as its messages tell.

A message cannot arrive before it was sent: received minus the venue's time is the delay plus the skew of the clocks,
and the smallest of many is the skew plus the shortest delay. Negative, it says that our clock is behind.
"""

from collections import deque

_SLOTS = 6
_SLOT_NS = 10_000_000_000


class Skew:
    """The smallest difference of the last minute, in milliseconds; None before anything was heard."""

    def __init__(self) -> None:
        self._slots: deque[tuple[int, int]] = deque(maxlen=_SLOTS)

    def hear(self, *, time_us: int, received_ns: int) -> None:
        """Take a live message; one without the venue's time tells nothing."""
        if not time_us:
            return
        slot, difference = received_ns // _SLOT_NS, received_ns // 1000 - time_us
        if self._slots and self._slots[-1][0] == slot:
            if difference < self._slots[-1][1]:
                self._slots[-1] = (slot, difference)
        else:
            self._slots.append((slot, difference))

    @property
    def milliseconds(self) -> float | None:
        """Received minus said, at its smallest."""
        return min(difference for _, difference in self._slots) / 1000 if self._slots else None
