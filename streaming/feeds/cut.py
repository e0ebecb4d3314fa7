"""Values too large for Kafka, cut: the record stands where it came, says what it was, and ends in quarantine."""

import base64
import hashlib

import msgspec
from prometheus_client import Counter

from cryptoviz.lake.topics import Schema
from streaming.feeds.parsed import Parser, Refused, Trade
from streaming.feeds.record import Record

LARGEST_VALUE = 512 * 1024
"""Below the broker's own limit of a record; many times what any venue says in a message."""
_HEAD = 16 * 1024
_cut = Counter("cryptoviz_producer_cut", "Values too large for Kafka", ["schema"])


class Cut(msgspec.Struct):
    """What is left of a value: its schema, size, SHA-256 and first bytes (base64)."""

    schema: str
    size: int
    sha256: str
    head: str


_decoder = msgspec.json.Decoder(Cut)


def fit(record: Record) -> Record:
    """The record itself, or a cut one in its place."""
    if len(record.value) <= LARGEST_VALUE:
        return record
    _cut.labels(record.schema).inc()
    left = Cut(
        schema=record.schema,
        size=len(record.value),
        sha256=hashlib.sha256(record.value).hexdigest(),
        head=base64.b64encode(record.value[:_HEAD]).decode(),
    )
    return msgspec.structs.replace(record, value=msgspec.json.encode(left), schema=Schema.CUT)


def parse_cut(value: bytes) -> Trade:
    """Never a message: raises Refused with what was cut."""
    left = _decoder.decode(value)
    raise Refused("too_large", f"{left.size} bytes of {left.schema}, SHA-256 {left.sha256}")


PARSERS: dict[str, Parser] = {Schema.CUT: parse_cut}
