"""Days, the unit of daily tables: `[start, end)` in UTC, their directories and partition keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from cryptoviz.lake.hours import Hour, hours_between

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True, slots=True)
class Day:
    """One UTC day."""

    date: date

    @classmethod
    def containing(cls, instant: datetime) -> "Day":
        """The day that holds an aware instant."""
        return cls(instant.astimezone(UTC).date())

    @classmethod
    def from_key(cls, key: str) -> "Day":
        """The day of a partition key such as ``2026-11-20``. Raises ValueError on anything else."""
        try:
            found = date.fromisoformat(key)
        except ValueError:
            raise ValueError(f"partition key {key!r} is not of the form 2026-11-20") from None
        return cls(found)

    @property
    def start(self) -> datetime:
        """First instant of the day."""
        return datetime.combine(self.date, time(), UTC)

    @property
    def end(self) -> datetime:
        """First instant after the day."""
        return self.start + ONE_DAY

    @property
    def key(self) -> str:
        """Partition key, ``2026-11-20``."""
        return self.date.isoformat()

    @property
    def path(self) -> str:
        """Partition directory, ``year=2026/month=11/day=20``."""
        return self.date.strftime("year=%Y/month=%m/day=%d")

    @property
    def values(self) -> dict[str, str]:
        """Values of the partition columns, zero-padded."""
        return dict(part.split("=", 1) for part in self.path.split("/"))

    @property
    def hours(self) -> Iterator[Hour]:
        """Its twenty-four hours, in order."""
        return hours_between(self.start, self.end)

    def next(self, days: int = 1) -> "Day":
        """The day so many days later (earlier when negative)."""
        return Day(self.date + days * ONE_DAY)
