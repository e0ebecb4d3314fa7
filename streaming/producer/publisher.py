"""Records into Kafka: idempotent, acknowledged by all, slowed down rather than dropped, cut rather than refused."""

import asyncio
from collections import Counter as Tally
from typing import Any

from confluent_kafka import Producer
from prometheus_client import Counter

from cryptoviz.crash import crash_point
from cryptoviz.lake.topics import Headers
from streaming.feeds.cut import fit
from streaming.feeds.record import Record

_published = Counter("cryptoviz_producer_records", "Records handed to Kafka", ["topic", "venue", "source"])


_QUEUE_KB = 128 * 1024
"""What may wait for the broker; beyond it the markets wait, and what they cannot hold is fetched again by id."""


class DeliveryFailed(ConnectionError):
    """Kafka did not take a record. The process must end: after it, order and completeness are unknown."""


class Publisher:
    """Hands records to Kafka in the order given."""

    def __init__(self, *, bootstrap: str, client_id: str) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": client_id,
                "enable.idempotence": True,
                "acks": "all",
                "compression.type": "lz4",
                "linger.ms": 20,
                "partitioner": "consistent_random",
                "queue.buffering.max.messages": 100_000,
                "queue.buffering.max.kbytes": _QUEUE_KB,
                "delivery.timeout.ms": 600_000,
                "delivery.report.only.error": True,
            }
        )
        self.failure: str = ""

    async def publish(self, topic: str, records: list[Record]) -> None:
        """Queue records; waits while the queue is full. Raises :class:`DeliveryFailed` once a delivery has failed."""
        for record in map(fit, records):
            while not self._try(topic, record):  # noqa: ASYNC110 - room in a C library's queue is no event
                await asyncio.sleep(0.02)
            crash_point("producer.after_produce")
        for (venue, source), count in Tally((r.instrument.venue, r.source) for r in records).items():
            _published.labels(topic, venue, source).inc(count)
        self.poll()

    def poll(self) -> None:
        """Serve delivery reports. Raises :class:`DeliveryFailed`."""
        self._producer.poll(0)
        if self.failure:
            raise DeliveryFailed(self.failure)

    def flush(self, timeout_s: float = 30) -> int:
        """Wait for all deliveries; returns how many are still open."""
        return int(self._producer.flush(timeout_s))

    def _try(self, topic: str, record: Record) -> bool:
        headers = Headers(
            schema=record.schema,
            source=record.source,
            received_ns=record.received_ns,
            connection=record.connection,
        )
        try:
            self._producer.produce(
                topic,
                key=record.instrument.key,
                value=record.value,
                headers=headers.encode(),
                on_delivery=self._delivered,
            )
        except BufferError:
            self.poll()
            return False
        return True

    def _delivered(self, error: Any, _: Any) -> None:
        if error is not None:
            self.failure = str(error)
