"""One socket to a venue, kept open: subscribe, watch for silence, reconnect with full-jitter back-off."""

import asyncio
import random
import time
import uuid
from collections.abc import Callable, Sequence

import msgspec
import structlog
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from cryptoviz.lake.symbols import Instrument
from cryptoviz.lake.topics import Topic
from streaming.feeds.parsed import Refused
from streaming.feeds.record import Record
from streaming.feeds.venue import VenueFeed

_LONGEST_PAUSE_S = 60.0

Sink = Callable[[list[Record]], None]


async def keep_listening(
    feed: VenueFeed,
    channel: Topic,
    instruments: Sequence[Instrument],
    *,
    sink: Sink,
    on_connect: Callable[[], None] = lambda: None,
) -> None:
    """Hand every record of a channel to ``sink`` until cancelled. ``on_connect`` is called after each connection.

    Each channel has a connection of its own, so that one that the venue refuses, or floods, touches no other.
    """
    log, failures = structlog.get_logger(venue=feed.name, channel=channel.name), 0
    while True:
        connection = uuid.uuid4().hex[:12]
        try:
            async with connect(feed.socket_url, max_size=1 << 22, open_timeout=10) as socket:
                for frame in feed.subscribe_frames(channel, instruments):
                    await socket.send(frame)
                log.info("connected", connection=connection)
                on_connect()
                while True:
                    async with asyncio.timeout(feed.silence_s):
                        message = await socket.recv(decode=False)
                    if _take(feed, message, connection, sink, log):
                        failures = 0
        except (OSError, TimeoutError, WebSocketException) as error:
            failures += 1
            log.warning("connection ended", connection=connection, reason=f"{type(error).__name__}: {error}")
        await asyncio.sleep(random.uniform(0, min(_LONGEST_PAUSE_S, 0.5 * 2**failures)))  # noqa: S311 - jitter


def _take(feed: VenueFeed, frame: bytes, connection: str, sink: Sink, log: structlog.stdlib.BoundLogger) -> bool:
    try:
        records = feed.parse_frame(frame, connection=connection, received_ns=time.time_ns())
    except (msgspec.DecodeError, Refused, KeyError, ValueError) as error:
        # What it would have told is fetched by id: the next trade shows the hole.
        log.warning("frame not understood", connection=connection, reason=str(error), size=len(frame))
        return False
    if records:
        sink(records)
    return bool(records)
