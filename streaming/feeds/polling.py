"""What the producer asks of every polled vendor, and how its quotes become records."""

import time
from typing import Protocol

from cryptoviz.lake.symbols import Instrument
from cryptoviz.lake.topics import QUOTES, Source
from streaming.feeds.record import Record
from streaming.feeds.rest import RestClient


class PolledVendor(Protocol):
    """A vendor of sampled quotes. ``missing_key`` names the setting without which it cannot be asked."""

    name: str
    interval_s: float
    missing_key: str
    rest: RestClient

    async def poll(self) -> list[Record]:
        """One sample of each asset. Raises VenueUnreachable, and msgspec.DecodeError for a foreign body."""

    async def close(self) -> None:
        """Close connections."""


def sample(instrument: Instrument, value: bytes, schema: str, *, connection: str = "rest") -> Record:
    """A quote heard now."""
    now = time.time_ns()
    return Record(
        instrument=instrument, first_id=0, last_id=0, time_us=now // 1000, value=value, schema=schema,
        source=Source.SAMPLED, connection=connection, received_ns=now, topic=QUOTES,
    )  # fmt: skip
