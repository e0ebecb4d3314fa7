"""A record on its way to Kafka: the venue's bytes with the ids they cover."""

import msgspec

from cryptoviz.lake.symbols import Instrument
from cryptoviz.lake.topics import TRADES, Topic

NO_ID = -1
"""Of a record among trades that is no trade: it is published as it came, and the clean query refuses it."""


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One trade (or aggregate, kline, quote) of an instrument, for a topic.

    ``time_us`` is the venue's time, microseconds since 1970; 0 when the venue says none. A quote's ids are its update's
    or 0.
    """

    instrument: Instrument
    first_id: int
    last_id: int
    time_us: int
    value: bytes
    schema: str
    source: str
    connection: str
    received_ns: int
    topic: Topic = TRADES
