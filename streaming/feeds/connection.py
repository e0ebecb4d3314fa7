"""One socket to a venue: opened and subscribed within the venue's limits, read until it ends, is silent, or too old."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec
import structlog
from prometheus_client import Counter
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from cryptoviz.lake.symbols import Instrument
from cryptoviz.lake.topics import Topic
from streaming.feeds.parsed import Refused
from streaming.feeds.record import Record
from streaming.feeds.venue import SocketFeed
from streaming.feeds.windows import Window, pace

_QUIET_S, _ANSWER_S = 1.25, 1.25
"""A connection that says nothing for so long is pinged; one that answers neither with a frame nor a pong is dead."""
_TURN_S = 0.05
"""For what has come to be read before it is judged."""
_LARGEST_FRAME = 32 << 20
"""A frame beyond this ends the connection; one below it that is no trade is refused by itself."""

Sink = Callable[[list[Record]], None]
CONNECTION_ERRORS = (OSError, TimeoutError, WebSocketException)
_frames = Counter("cryptoviz_feed_frames", "Frames received", ["venue", "channel"])
_odd = Counter("cryptoviz_feed_frames_not_understood", "Frames that are no message of the venue", ["venue", "channel"])


class End(StrEnum):
    """Why a connection needs a successor."""

    CLOSED = "closed"
    SILENT = "silent"
    AGED = "aged"
    LEAVING = "leaving"


class Connection:
    """Reads from :meth:`open` until :meth:`close`, whether or not anybody waits for its end."""

    def __init__(self, socket: ClientConnection, feed: SocketFeed, channel: Topic, sink: Sink) -> None:
        self.name, self.reason, self.has_records = uuid.uuid4().hex[:12], "", False
        self._is_confirmed = not feed.limits.is_confirming
        self._socket, self._feed, self._channel, self._sink = socket, feed, channel, sink
        self._opened = self._heard = time.monotonic()
        self._leaving = asyncio.Event()
        self._log = structlog.get_logger(venue=feed.name, channel=channel.name, connection=self.name)
        self._reader = asyncio.create_task(self._read())
        self._prober = asyncio.create_task(self._probe())

    @classmethod
    async def open(
        cls, feed: SocketFeed, channel: Topic, instruments: Sequence[Instrument], sink: Sink
    ) -> "Connection":
        """Connect and subscribe. Raises one of :data:`CONNECTION_ERRORS`."""
        socket = await connect(
            feed.socket_url, max_size=_LARGEST_FRAME, open_timeout=10, close_timeout=2, ping_interval=None
        )
        made = cls(socket, feed, channel, sink)
        try:
            frames = Window(limit=feed.limits.frames_a_second, seconds=1)
            step = feed.limits.names_a_frame
            for first in range(0, len(instruments), step):
                for frame in feed.subscribe_frames(channel, instruments[first : first + step]):
                    await pace(frames)
                    await socket.send(frame)
        except BaseException:
            await made.close()
            raise
        return made

    def is_sound(self) -> bool:
        """Whether it is open, answers and has not been silent for too long."""
        is_silent = self._prober.done() or time.monotonic() - self._heard >= self._feed.limits.silence_s
        return not self._reader.done() and not is_silent

    async def end(self, *, max_age_s: float) -> End:
        """Wait for a reason to replace it."""
        leaving = asyncio.create_task(self._leaving.wait())
        try:
            while True:
                now = time.monotonic()
                silent, aged = self._heard + self._feed.limits.silence_s, self._opened + max_age_s
                if self._reader.done():
                    return End.CLOSED
                if self._leaving.is_set():
                    return End.LEAVING
                if self._prober.done() or now >= silent:
                    return End.SILENT
                if now >= aged:
                    return End.AGED
                signs = {self._reader, self._prober, leaving}
                await asyncio.wait(signs, timeout=min(silent, aged) - now, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()

    async def close(self) -> None:
        """Stop reading and close."""
        self._reader.cancel()
        self._prober.cancel()
        await asyncio.gather(self._reader, self._prober, return_exceptions=True)
        await self._socket.close()

    async def _probe(self) -> None:
        """Ends when a silent connection does not answer: a ping when it is half open, us when it did not hear us."""
        answered = self._heard
        with contextlib.suppress(*CONNECTION_ERRORS):
            while True:
                quiet = time.monotonic() - max(self._heard, answered)
                if quiet < _QUIET_S:
                    await asyncio.sleep(_QUIET_S - quiet)
                    continue
                pong = asyncio.ensure_future(await self._socket.ping())
                # One that ends with the connection has nothing to tell.
                pong.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
                waited = time.monotonic()
                await asyncio.wait([pong], timeout=_ANSWER_S)
                if not self._is_confirmed:
                    await asyncio.sleep(max(0.0, waited + _ANSWER_S - time.monotonic()))
                await asyncio.sleep(_TURN_S)
                if self._heard < waited and not (pong.done() and self._is_confirmed):
                    return
                answered = time.monotonic()

    async def _read(self) -> None:
        frames = _frames.labels(self._feed.name, self._channel.name)
        try:
            while True:
                frame = await self._socket.recv(decode=False)
                self._heard, self._is_confirmed = time.monotonic(), True
                frames.inc()
                self._take(frame)
        except CONNECTION_ERRORS as error:
            self.reason = f"{type(error).__name__}: {error}"

    def _take(self, frame: bytes) -> None:
        try:
            records = self._feed.parse_frame(frame, connection=self.name, received_ns=time.time_ns())
        except (msgspec.DecodeError, Refused, KeyError, ValueError) as error:
            # What it would have told is fetched by id: the next trade shows the hole.
            _odd.labels(self._feed.name, self._channel.name).inc()
            self._log.warning("frame not understood", reason=str(error)[:300], size=len(frame))
            return
        if records:
            self.has_records = True
            self._sink(records)
        elif self._feed.is_farewell(frame):
            self._leaving.set()
