"""Where to go on: the last id of each market, read from the topic's own tail. Replayed recordings do not count.

A market's records share the partition that the publisher's partitioner, CRC-32 of the key, gives them.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import Consumer, Message, TopicPartition

from cryptoviz.lake.topics import Headers, Source
from streaming.feeds.messages import PARSERS
from streaming.feeds.parsed import Kline, Trade, parse

_FIRST_LOOK = 2_000
_WIDER = 8
_TIMEOUT_S = 10.0
_HOUR_MS = 3_600_000


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
    if parser is None or headers.source == Source.REPLAY:
        return None
    said = parse(parser, message.value())
    if isinstance(said, Kline):
        return Position(said.open_time // _HOUR_MS, said.open_time * 1000)
    if isinstance(said, Trade):
        return Position(said.last_id, said.time if headers.schema.startswith("kraken") else said.time * 1000)
    return None
