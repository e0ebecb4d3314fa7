"""One thing that is or was wrong, and the memory of those that were seen."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

_ENDED_KEPT = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """One thing that is or was wrong. ``subject`` is what it is about, ``value`` how much or why."""

    fired_time: datetime
    rule: str
    severity: str
    subject: str
    value: str
    venue: str | None = None
    symbol: str | None = None
    ended_time: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What makes two looks see the same alert."""
        return (self.rule, self.subject)


class Conditions:
    """Alerts of this moment, from when they were first seen to when they no longer were."""

    def __init__(self) -> None:
        self._firing: dict[tuple[str, str], Alert] = {}
        self._ended: deque[Alert] = deque(maxlen=_ENDED_KEPT)

    def see(self, found: Iterable[Alert], now: datetime) -> None:
        """Take what is wrong now; what is no longer among it has ended."""
        current = {one.key: one for one in found}
        for key in [key for key in self._firing if key not in current]:
            self._ended.append(replace(self._firing.pop(key), ended_time=now))
        for key, one in current.items():
            since = self._firing[key].fired_time if key in self._firing else one.fired_time
            self._firing[key] = replace(one, fired_time=since)

    def told(self) -> list[Alert]:
        """Ended ones and those that are firing."""
        return [*self._ended, *self._firing.values()]
