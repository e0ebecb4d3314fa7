"""Replay: a recording published as the venue's own bytes, with the offsets it came to lie at."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Producer

from cryptoviz.inspect.reach import require_broker
from cryptoviz.inspect.recordings import RecordedTrade
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.topics import TRADES as TRADES_TOPIC
from cryptoviz.lake.topics import Headers, Source
from cryptoviz.settings import Settings

_FLUSH_S = 0.5
_SILENT = logging.getLogger("cryptoviz.inspect.replay.silent")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False

Progress = Callable[[str, int, int], None]
"""Called with what is counted, how much is done, and of how much."""


class BeforeLakeStart(ValueError):
    """The recording is older than the lake."""


class NotTaken(ConnectionError):
    """Kafka has not taken every message."""


@dataclass(slots=True)
class Replayed:
    """What was published and where it landed: offsets `[first, next)` of each partition."""

    messages: int = 0
    hours: set[Hour] = field(default_factory=set)
    markets: set[str] = field(default_factory=set)
    first_event_ns: int = 0
    last_event_ns: int = 0
    first_offsets: dict[int, int] = field(default_factory=dict)
    next_offsets: dict[int, int] = field(default_factory=dict)


def publish(trades: Sequence[RecordedTrade], settings: Settings, *, progress: Progress) -> Replayed:
    """Publish a recording, acknowledged by every replica.

    Raises :class:`BeforeLakeStart` or :class:`~cryptoviz.inspect.reach.Unreachable` before anything is sent, and
    :class:`NotTaken` when Kafka has refused a message.
    """
    _check_start(trades, first=settings.first_hour)
    require_broker(settings.bootstrap)
    done, failures = describe(trades), list[str]()
    producer = Producer(
        {"bootstrap.servers": settings.bootstrap, "enable.idempotence": True, "acks": "all", "linger.ms": 20},
        logger=_SILENT,
    )

    def delivered(error: Any, message: Any) -> None:
        if error is not None:
            failures.append(str(error))
        else:
            _note_offset(done, message.partition(), message.offset())

    for record in trades:
        _send(producer, settings.topic_name(TRADES_TOPIC), record, delivered)
    while waiting := producer.flush(_FLUSH_S):
        progress("messages published", done.messages - waiting, done.messages)
    if failures:
        raise NotTaken(f"{len(failures)} of {len(trades)} messages were not taken by Kafka: {failures[0]}")
    progress("messages published", done.messages, done.messages)
    return done


def describe(trades: Iterable[RecordedTrade]) -> Replayed:
    """Markets, hours and range of trades, before they have any offset."""
    done = Replayed()
    for trade in trades:
        done.messages += 1
        done.hours.add(_hour(trade))
        done.markets.add(trade.instrument.key)
        done.first_event_ns = min(done.first_event_ns or trade.event_ns, trade.event_ns)
        done.last_event_ns = max(done.last_event_ns, trade.event_ns)
    return done


def _check_start(trades: Sequence[RecordedTrade], *, first: Hour) -> None:
    oldest = min(map(_hour, trades), default=first)
    if oldest < first:
        raise BeforeLakeStart(
            f"the recording begins at {oldest.start:%Y-%m-%d %H:%M} UTC, the lake at {first.start:%Y-%m-%d %H:%M} UTC; "
            f"start a stack with CRYPTOVIZ_START={oldest.start:%Y-%m-%dT%H:00} or earlier"
        )


def _note_offset(done: Replayed, partition: int, offset: int) -> None:
    done.first_offsets[partition] = min(done.first_offsets.get(partition, offset), offset)
    done.next_offsets[partition] = max(done.next_offsets.get(partition, 0), offset + 1)


def _send(producer: Producer, topic: str, record: RecordedTrade, delivered: Any) -> None:
    headers = Headers(
        schema=record.schema,
        source=Source.REPLAY,
        received_ns=record.received_ns or time.time_ns(),
        connection="replay",
    ).encode()
    while True:
        try:
            producer.produce(
                topic, key=record.instrument.key, value=record.value, headers=headers, on_delivery=delivered
            )
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def _hour(record: RecordedTrade) -> Hour:
    return Hour.containing(datetime.fromtimestamp(record.event_ns // 1_000_000_000, UTC))
