"""Replay: a recording published as the venue's own bytes, with the offsets it came to lie at."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptoviz.inspect.outbox import Outgoing, Progress, Sent, send
from cryptoviz.inspect.reach import require_broker
from cryptoviz.inspect.recordings import RecordedTrade
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.topics import TRADES as TRADES_TOPIC
from cryptoviz.lake.topics import Headers, Source
from cryptoviz.settings import Settings


class BeforeLakeStart(ValueError):
    """The recording is older than the lake."""


@dataclass(slots=True)
class Replayed(Sent):
    """What was published, of which markets and hours, and where it landed."""

    hours: set[Hour] = field(default_factory=set)
    markets: set[str] = field(default_factory=set)
    first_event_ns: int = 0
    last_event_ns: int = 0


def publish(trades: Sequence[RecordedTrade], settings: Settings, *, progress: Progress) -> Replayed:
    """Publish a recording, acknowledged by every replica.

    Raises :class:`BeforeLakeStart` or :class:`~cryptoviz.inspect.reach.Unreachable` before anything is sent, and
    :class:`~cryptoviz.inspect.outbox.NotTaken` when Kafka has refused a message.
    """
    _check_start(trades, first=settings.first_hour)
    require_broker(settings.bootstrap)
    done = describe(trades)
    topic = settings.topic_name(TRADES_TOPIC)
    sent = send(
        map(_outgoing, trades), topic=topic, total=len(trades), settings=settings, what="messages published",
        progress=progress,
    )  # fmt: skip
    done.first_offsets, done.next_offsets = sent.first_offsets, sent.next_offsets
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


def _outgoing(record: RecordedTrade) -> Outgoing:
    received_ns = record.received_ns or time.time_ns()
    headers = Headers(schema=record.schema, source=Source.REPLAY, received_ns=received_ns, connection="replay")
    return Outgoing(key=record.instrument.key, value=record.value, headers=headers)


def _hour(record: RecordedTrade) -> Hour:
    return Hour.containing(datetime.fromtimestamp(record.event_ns // 1_000_000_000, UTC))
