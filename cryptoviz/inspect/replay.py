"""Replay: a recording pushed through the whole pipeline, and the wait until its hours are candles."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Producer

from cryptoviz.inspect.recordings import RecordedTrade
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import OHLC_1H, OHLC_1M, TRADES
from cryptoviz.lake.topics import TRADES as TRADES_TOPIC
from cryptoviz.lake.topics import Headers, Source
from cryptoviz.settings import Settings
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import TableNotWritten, scan
from cryptoviz.storage.hour_index import HourIndex
from cryptoviz.storage.objects import Objects

_PAUSE_S = 0.5
Progress = Callable[[str, int, int], None]


class BeforeLakeStart(ValueError):
    """The recording is older than the lake."""


class NotMaterialised(TimeoutError):
    """The hours of the recording did not become candles in time."""


@dataclass(slots=True)
class Replayed:
    """What was published and where it landed."""

    messages: int = 0
    hours: set[Hour] = field(default_factory=set)
    markets: set[str] = field(default_factory=set)
    next_offsets: dict[int, int] = field(default_factory=dict)
    seconds: float = 0.0


def publish(trades: Iterable[RecordedTrade], settings: Settings) -> Replayed:
    """Publish a recording as the venue's own bytes. Raises :class:`BeforeLakeStart` before anything is sent."""
    records = list(trades)
    _check_start(records, settings)
    done, failures = Replayed(), list[str]()
    producer = Producer(
        {"bootstrap.servers": settings.bootstrap, "enable.idempotence": True, "acks": "all", "linger.ms": 20}
    )

    def delivered(error: Any, message: Any) -> None:
        if error is not None:
            failures.append(str(error))
            return
        partition, offset = message.partition(), message.offset()
        done.next_offsets[partition] = max(done.next_offsets.get(partition, 0), offset + 1)

    for record in records:
        _send(producer, settings.topic_name(TRADES_TOPIC), record, delivered)
        done.messages += 1
        done.hours.add(_hour(record))
        done.markets.add(record.instrument.key)
    producer.flush()
    if failures:
        raise ConnectionError(f"{len(failures)} of {len(records)} messages were not taken by Kafka: {failures[0]}")
    return done


def wait_until_candles(done: Replayed, settings: Settings, *, timeout_s: float, progress: Progress) -> None:
    """Wait for the offsets to be in the lake and candles to stand on the hours. Raises NotMaterialised."""
    deadline = time.monotonic() + timeout_s
    while not _is_in_lake(done, settings):
        _pause(deadline, "Spark has not committed all messages", timeout_s)
        progress("messages in the lake", 0, done.messages)
    while (ready := _ready_hours(done, settings.lake)) < len(done.hours):
        progress("hours with candles", ready, len(done.hours))
        _pause(deadline, f"{len(done.hours) - ready} of {len(done.hours)} hours have no candles yet", timeout_s)
    progress("hours with candles", len(done.hours), len(done.hours))


def _check_start(records: list[RecordedTrade], settings: Settings) -> None:
    if not records:
        return
    oldest = min(_hour(record) for record in records)
    if oldest < settings.first_hour:
        raise BeforeLakeStart(
            f"the recording begins at {oldest.start:%Y-%m-%d %H:%M} UTC, the lake at "
            f"{settings.first_hour.start:%Y-%m-%d %H:%M} UTC; start a stack with "
            f"CRYPTOVIZ_START={oldest.start:%Y-%m-%dT%H:00} or earlier"
        )


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
    return Hour.containing(datetime.fromtimestamp(record.event_ns / 1e9, UTC))


def _is_in_lake(done: Replayed, settings: Settings) -> bool:
    table = LakeTable(TRADES, settings.lake)
    reached = table.next_offsets(settings.topic_name(TRADES_TOPIC), done.next_offsets)
    return all(reached.get(partition, 0) >= end for partition, end in done.next_offsets.items())


def _ready_hours(done: Replayed, lake: Location) -> int:
    versions = HourIndex(Objects(lake), TRADES.name).read()
    try:
        standing = [scan(t, lake).select("year", "month", "day", "hour", "source_version").unique() for t in _CANDLES]
        found = [set(frame.collect().iter_rows()) for frame in standing]
    except TableNotWritten:
        return 0
    wanted = [(*h.values.values(), versions[h].version.digest) for h in done.hours if h in versions]
    return sum(all(hour in table for table in found) for hour in wanted)


_CANDLES = (OHLC_1M, OHLC_1H)


def _pause(deadline: float, what: str, timeout_s: float) -> None:
    if time.monotonic() > deadline:
        raise NotMaterialised(f"{what} after {timeout_s:.0f} s; see `cryptoviz status` and `cryptoviz logs spark`")
    time.sleep(_PAUSE_S)
