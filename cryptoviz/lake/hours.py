"""Hours, the unit of computation: `[start, end)` in UTC, their directories and partition keys."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ONE_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PATH = re.compile(r"year=(\d{4})/month=(\d{2})/day=(\d{2})/hour=(\d{2})")
_KEY = "%Y-%m-%d-%H:%M"


@dataclass(frozen=True, order=True, slots=True)
class Hour:
    """One UTC hour, named by its start."""

    start: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.start.utcoffset():
            raise ValueError(f"an hour starts in UTC, got {self.start!r}")
        if self.start != self.start.replace(minute=0, second=0, microsecond=0):
            raise ValueError(f"an hour starts on the hour, got {self.start.isoformat()}")

    @classmethod
    def containing(cls, instant: datetime) -> "Hour":
        """The hour that holds an aware instant."""
        return cls(instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0))

    @classmethod
    def from_number(cls, number: int) -> "Hour":
        """The hour so many hours after 1970."""
        return cls(_EPOCH + number * ONE_HOUR)

    @classmethod
    def from_path(cls, path: str) -> "Hour":
        """The hour named by a partition directory or a file below it. Raises ValueError when there is none."""
        found = _PATH.search(path)
        if not found:
            raise ValueError(f"no year=/month=/day=/hour= directory in {path!r}")
        year, month, day, hour = map(int, found.groups())
        return cls(datetime(year, month, day, hour, tzinfo=UTC))

    @classmethod
    def from_key(cls, key: str) -> "Hour":
        """The hour of a partition key such as ``2026-11-20-08:00``. Raises ValueError on anything else."""
        try:
            start = datetime.strptime(key, _KEY).replace(tzinfo=UTC)
        except ValueError:
            raise ValueError(f"partition key {key!r} is not of the form 2026-11-20-08:00") from None
        return cls(start)

    @property
    def end(self) -> datetime:
        """First instant after the hour."""
        return self.start + ONE_HOUR

    @property
    def number(self) -> int:
        """Hours since 1970."""
        return int((self.start - _EPOCH) / ONE_HOUR)

    @property
    def key(self) -> str:
        """Partition key, ``2026-11-20-08:00``."""
        return self.start.strftime(_KEY)

    @property
    def path(self) -> str:
        """Partition directory, ``year=2026/month=11/day=20/hour=08``."""
        return self.start.strftime("year=%Y/month=%m/day=%d/hour=%H")

    @property
    def values(self) -> dict[str, str]:
        """Values of the partition columns, zero-padded."""
        return dict(part.split("=", 1) for part in self.path.split("/"))

    def next(self, hours: int = 1) -> "Hour":
        """The hour so many hours later (earlier when negative)."""
        return Hour(self.start + hours * ONE_HOUR)


def hours_between(first: datetime, last: datetime) -> Iterator[Hour]:
    """Every hour that overlaps `[first, last)`, in order."""
    hour = Hour.containing(first)
    while hour.start < last:
        yield hour
        hour = hour.next()
