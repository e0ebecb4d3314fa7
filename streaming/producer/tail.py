"""Where to go on: the last id of each market and its open gaps, read from the topics' own tails.

Replayed recordings and history that was asked for do not count: they say nothing of where the live stream stands.

A market's records share the partition that the publisher's partitioner, CRC-32 of the key, gives them.
"""

import contextlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from confluent_kafka import Consumer, Message, TopicPartition

from cryptoviz.lake.gaps import GapState
from cryptoviz.lake.topics import Headers, Source
from streaming.feeds.gaps import Gap, decode_gap
from streaming.feeds.listings import Listing, decode_listing
from streaming.feeds.messages import PARSERS
from streaming.feeds.parsed import Kline, Trade, parse

_FIRST_LOOK = 2_000
_WIDER = 8
_TIMEOUT_S = 10.0
_HOUR_MS = 3_600_000
_LOOKED_AT = 20_000
_MOST_MS = 10**14
_ASIDE = {Source.REPLAY, Source.HISTORY}


@dataclass(frozen=True, slots=True)
class Position:
    """The last record of a market: its last id and the venue's time, microseconds."""

    last_id: int
    time_us: int


def read_positions(*, bootstrap: str, topic: str, keys: Iterable[str]) -> dict[str, Position]:
    """Positions of the markets that have any record; looks back further until each is found or the log begins."""
    wanted, consumer = set(keys), Consumer({"bootstrap.servers": bootstrap, "group.id": "cryptoviz-tail"})
    positions: dict[str, Position] = {}
    try:
        partitions = consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions
        for number in partitions:
            mine = {key for key in wanted if zlib.crc32(key.encode()) % len(partitions) == number}
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_TIMEOUT_S)
            positions |= _of_partition(consumer, TopicPartition(topic, number), low, high, mine)
    finally:
        consumer.close()
    return positions


def read_open_gaps(*, bootstrap: str, topic: str) -> list[Gap]:
    """Gaps that the latest records leave open."""
    latest: dict[object, Gap] = {}
    for value in _latest_values(bootstrap, topic):
        with contextlib.suppress(msgspec.DecodeError):
            gap = decode_gap(value)
            latest[gap.venue, gap.symbol, gap.first_id] = gap
    return [gap for gap in latest.values() if gap.state is GapState.OPEN]


def read_listings(*, bootstrap: str, topic: str) -> dict[str, Listing]:
    """The latest listing of each market, by its key."""
    latest: dict[str, Listing] = {}
    for value in _latest_values(bootstrap, topic):
        with contextlib.suppress(msgspec.DecodeError, ValueError):
            listing = decode_listing(value)
            latest[listing.instrument.key] = listing
    return latest


def _latest_values(bootstrap: str, topic: str) -> list[bytes]:
    consumer, values = Consumer({"bootstrap.servers": bootstrap, "group.id": "cryptoviz-tail"}), list[bytes]()
    try:
        for number in consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions:
            partition = TopicPartition(topic, number)
            low, high = consumer.get_watermark_offsets(partition, timeout=_TIMEOUT_S)
            read = _read(consumer, partition, max(low, high - _LOOKED_AT), high)
            values += [message.value() or b"" for message in read]
    finally:
        consumer.close()
    return values


def _of_partition(
    consumer: Consumer, partition: TopicPartition, low: int, high: int, wanted: set[str]
) -> dict[str, Position]:
    """Read back from the end, further each time, until every market of this partition is found or the log begins."""
    found: dict[str, Position] = {}
    look, end = _FIRST_LOOK, high
    while end > low and not wanted <= found.keys():
        start = max(low, end - look)
        for message in _read(consumer, partition, start, end):
            position = _position(message)
            key = (message.key() or b"").decode("utf-8", "replace")
            if position and key in wanted and (key not in found or found[key].last_id < position.last_id):
                found[key] = position
        end, look = start, look * _WIDER
    return found


def _read(consumer: Consumer, partition: TopicPartition, start: int, end: int) -> list[Message]:
    consumer.assign([TopicPartition(partition.topic, partition.partition, start)])
    messages: list[Message] = []
    at = start
    while at < end:
        batch = [m for m in consumer.consume(min(10_000, end - at), timeout=_TIMEOUT_S) if not m.error()]
        if not batch:
            raise TimeoutError(f"{partition.topic}-{partition.partition}: no records of [{at}, {end}) came from Kafka")
        messages += batch
        at = (batch[-1].offset() or 0) + 1
    return messages


def _position(message: Message) -> Position | None:
    headers = Headers.decode(list(message.headers() or ()))  # type: ignore[arg-type]
    parser = PARSERS.get(headers.schema)
    if parser is None or headers.source in _ASIDE:
        return None
    said = parse(parser, message.value())
    if isinstance(said, Kline):
        return Position(said.open_time // _HOUR_MS, said.open_time * 1000)
    if isinstance(said, Trade):
        return Position(said.last_id, said.time if said.time > _MOST_MS else said.time * 1000)
    return None
