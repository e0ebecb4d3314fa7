"""A record on its way to Kafka: the venue's bytes with the ids they cover."""

from dataclasses import dataclass

from cryptoviz.lake.symbols import Instrument


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One trade (or aggregate, or kline) of an instrument. ``time_us`` is the venue's time, microseconds since 1970."""

    instrument: Instrument
    first_id: int
    last_id: int
    time_us: int
    value: bytes
    schema: str
    source: str
    connection: str
    received_ns: int
