"""Messages to Kafka from a command: acknowledged by every replica, with the offsets they came to lie at."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Producer

from cryptoviz.crash import crash_point
from cryptoviz.lake.topics import Headers
from cryptoviz.settings import Settings

FLUSH_S = 0.5
_SILENT = logging.getLogger("cryptoviz.inspect.outbox.silent")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
_LARGEST = 16 * 1024**2

Progress = Callable[[str, int, int], None]
"""Called with what is counted, how much is done, and of how much."""


class NotTaken(ConnectionError):
    """Kafka has not taken every message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A message on its way."""

    key: str
    value: bytes
    headers: Headers


@dataclass(slots=True)
class Sent:
    """How many messages were sent and where they landed: offsets ``[first, next)`` of each partition."""

    messages: int = 0
    first_offsets: dict[int, int] = field(default_factory=dict)
    next_offsets: dict[int, int] = field(default_factory=dict)

    def note(self, partition: int, offset: int) -> None:
        """Count the offset of one message."""
        self.first_offsets[partition] = min(self.first_offsets.get(partition, offset), offset)
        self.next_offsets[partition] = max(self.next_offsets.get(partition, 0), offset + 1)


def send(
    messages: Iterable[Outgoing], *, topic: str, total: int, settings: Settings, what: str, progress: Progress
) -> Sent:
    """Send messages in order. Raises :class:`NotTaken` when Kafka has refused one, after all were offered."""
    sent, failures = Sent(), list[str]()
    producer = Producer(
        {
            "bootstrap.servers": settings.bootstrap, "client.id": settings.kafka_client_id, "enable.idempotence": True,
            "acks": "all", "linger.ms": 20, "message.max.bytes": _LARGEST,
        },
        logger=_SILENT,
    )  # fmt: skip

    def delivered(error: Any, message: Any) -> None:
        if error is not None:
            failures.append(str(error))
        else:
            sent.note(message.partition(), message.offset())

    for message in messages:
        _produce(producer, topic, message, delivered)
        sent.messages += 1
        if sent.messages % 1000 == 0:
            progress(what, sent.messages, total)
        crash_point("outbox.after_produce")
    while waiting := producer.flush(FLUSH_S):
        progress(what, sent.messages - waiting, total)
    if failures:
        raise NotTaken(f"{len(failures)} of {sent.messages} messages were not taken by Kafka: {failures[0]}")
    progress(what, sent.messages, total)
    return sent


def _produce(producer: Producer, topic: str, message: Outgoing, delivered: Any) -> None:
    while True:
        try:
            producer.produce(
                topic, key=message.key, value=message.value, headers=message.headers.encode(), on_delivery=delivered
            )
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return
