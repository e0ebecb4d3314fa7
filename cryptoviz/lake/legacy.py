"""Records of earlier pipelines: their topics, their shapes, their times. They carry no headers, so the fields tell.

Five shapes on five topics: rows of listings (``crypto-raw-data``), polled prices (``crypto_raw``), Bitcoin's book and
day (``cryptoTopic``), prices of coins (``crypto_topic``) and quotes of stocks (``stock_topic``).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from cryptoviz.lake.topics import Schema

_NUMBER = re.compile(r"^-?\d+(\.\d+)?([eE]\+?\d+)?$")
_UNITS = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))
"""Numbers below each bound are of the unit that has so many microseconds; larger ones are nanoseconds."""
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class LegacyShape:
    """One kind of record. ``marks`` are fields that no other shape has; ``fields`` are those it cannot do without."""

    schema: Schema
    topic: str
    fields: tuple[str, ...]
    marks: frozenset[str]


LEGACY_SHAPES = (
    LegacyShape(
        schema=Schema.LEGACY_BITCOIN, topic="cryptoTopic", fields=("timestamp", "bid_price", "ask_price"),
        marks=frozenset({"bid_price", "ask_price"}),
    ),
    LegacyShape(
        schema=Schema.LEGACY_POLLED, topic="crypto_raw", fields=("symbol", "price", "eventTime"),
        marks=frozenset({"eventTime", "event_time", "event_timestamp"}),
    ),
    LegacyShape(
        schema=Schema.LEGACY_LISTED, topic="crypto-raw-data", fields=("symbol", "price", "source", "timestamp"),
        marks=frozenset({"source"}),
    ),
    LegacyShape(
        schema=Schema.LEGACY_STOCK, topic="stock_topic", fields=("symbol", "price", "timestamp"),
        marks=frozenset({"previous_close"}),
    ),
    LegacyShape(
        schema=Schema.LEGACY_COIN, topic="crypto_topic", fields=("symbol", "price", "timestamp"), marks=frozenset(),
    ),
)  # fmt: skip
"""In the order in which they are tried; the last one has nothing but what others have too."""

LEGACY_TOPICS = tuple(shape.topic for shape in LEGACY_SHAPES)
_BY_TOPIC = {shape.topic: shape for shape in LEGACY_SHAPES}


def shape_of(fields: Collection[str], topic: str = "") -> LegacyShape | None:
    """The shape of a record by a field that only it has, else by its topic, else the plain one of symbol and price."""
    for shape in LEGACY_SHAPES:
        if not shape.marks.isdisjoint(fields):
            return shape
    if topic in _BY_TOPIC:
        return _BY_TOPIC[topic]
    plain = LEGACY_SHAPES[-1]
    return plain if set(plain.fields) <= set(fields) else None


def legacy_time_us(said: str) -> int:
    """Microseconds since 1970 of a time in text: ISO 8601, in UTC where it names no zone, or a number since 1970.

    The unit of a number, seconds to nanoseconds, follows from its size: 10^11 is the year 5138 in seconds and 1973 in
    milliseconds. Raises ValueError for anything else, OverflowError for a time beyond all bounds.
    """
    text = said.strip()
    if _NUMBER.match(text):
        return _number_us(text)
    moment = datetime.fromisoformat(text)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    span = aware - _EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def _number_us(text: str) -> int:
    number = Decimal(text)
    for below, unit_us in _UNITS:
        if abs(number) < below:
            return int(number * unit_us)
    return int(number / 1000)
