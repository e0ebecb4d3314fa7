"""One socket of a simulated venue: reading, pushing, pings, the rules for clients, the end by age or by command."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMsgType, web

from streaming.exchange_simulator.exchange import Exchange
from streaming.exchange_simulator.faults import Fault
from streaming.exchange_simulator.outbox import Outbox
from streaming.exchange_simulator.rules import Frequency
from streaming.exchange_simulator.streams import Frame, Stream


class Session(ABC):
    """The protocol of one connection: its streams, answers to messages, heartbeats."""

    has_rules = False
    """Whether the venue pings, limits its clients' messages and ends old sockets."""

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}

    @abstractmethod
    def on_message(self, text: str) -> list[str]:
        """Answers to a message of the client."""

    def listen(self, name: str, stream: Stream, now_ms: int) -> None:
        """Begin a stream, unless there is one of that name."""
        if name not in self.streams:
            stream.begin(now_ms)
            self.streams[name] = stream

    def opened(self) -> list[str]:
        """Said at once."""
        return []

    def heartbeat(self, now_ms: int) -> list[str]:
        """Said whether or not anything is traded."""
        del now_ms
        return []

    def farewell(self, now_ms: int) -> list[str]:
        """Said some time before the venue ends the connection."""
        del now_ms
        return []

    def news(self, now_ms: int, *, silent: Callable[[Stream], bool]) -> list[Frame]:
        """Frames of all streams but the silent ones."""
        return [frame for stream in list(self.streams.values()) if not silent(stream) for frame in stream.news(now_ms)]


async def serve(request: web.Request, exchange: Exchange, venue: str, session: Session) -> web.StreamResponse:
    """Run a connection until it ends."""
    if exchange.faults.strikes("outage", venue):
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)
    return await _Connection(request, exchange, venue, session).run()


class _Connection:
    def __init__(self, request: web.Request, exchange: Exchange, venue: str, session: Session) -> None:
        self._request, self._exchange, self._venue, self._session = request, exchange, venue, session
        self._socket = web.WebSocketResponse(autoping=False, max_msg_size=1 << 20)
        self._now = exchange.faults.now
        self._opened = self._answered = self._pinged = self._now()
        self._told_end, self._messages = False, Frequency()
        self._outbox = Outbox(exchange.faults, venue)
        # What is said in one turn is not mixed with another's: some venues number their messages.
        self._turn = asyncio.Lock()

    async def run(self) -> web.StreamResponse:
        await self._socket.prepare(self._request)
        self._exchange.counts[f"{self._venue}_connections"] += 1
        self._exchange.counts[f"{self._venue}_connected"] += 1
        await self._say(self._session.opened())
        pusher = asyncio.create_task(self._push())
        try:
            await self._read()
        finally:
            pusher.cancel()
            self._exchange.counts[f"{self._venue}_connections"] -= 1
        return self._socket

    async def _read(self) -> None:
        async for message in self._socket:
            if self._session.has_rules and self._messages.exceeds(self._exchange.rules.messages_a_second, seconds=1):
                self._exchange.counts[f"{self._venue}_too_many_messages"] += 1
                await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"Too many requests")
                return
            if self._exchange.faults.active("half_open", self._venue):
                continue
            if message.type is WSMsgType.TEXT:
                async with self._turn:
                    await self._say(self._session.on_message(message.data))
            elif message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self._answered = self._now()

    async def _push(self) -> None:
        while not self._socket.closed:
            if self._exchange.faults.since("outage", self._venue, self._opened) or self._is_struck("close"):
                self._abort()
                return
            if self._exchange.faults.active("half_open", self._venue) is None:
                async with self._turn:
                    await self._say_news()
                if await self._end_or_ping():
                    return
            await asyncio.sleep(self._exchange.rules.push_s)

    async def _say_news(self) -> None:
        now_ms = self._exchange.clock()
        frames = self._session.news(now_ms, silent=lambda stream: self._exchange.halted(stream.listed.listing))
        self._outbox.put(frames, self._now())
        await self._say([*self._outbox.due(self._now()), *self._session.heartbeat(now_ms)])

    async def _end_or_ping(self) -> bool:
        rules, now = self._exchange.rules, self._now()
        cut = self._exchange.faults.since("cut", self._venue, self._opened)
        end = self._opened + rules.session_s if self._session.has_rules else float("inf")
        end, notice = (cut.since + cut.amount, cut.amount) if cut else (end, rules.notice_s)
        if not self._told_end and now >= end - notice:
            self._told_end = True
            await self._say(self._session.farewell(self._exchange.clock()))
        if now >= end or (self._session.has_rules and now - self._answered > rules.pong_within_s):
            self._exchange.counts[f"{self._venue}_ended"] += 1
            await self._socket.close(code=WSCloseCode.GOING_AWAY)
            return True
        if self._session.has_rules and now - self._pinged >= rules.ping_s:
            self._pinged = now
            await self._socket.ping(str(self._exchange.clock()).encode())
        return False

    def _is_struck(self, kind: str) -> Fault | None:
        fault = self._exchange.faults.since(kind, self._venue, self._opened)
        return self._exchange.faults.strikes(kind, self._venue) if fault else None

    def _abort(self) -> None:
        """Reset the connection without a closing handshake."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _say(self, texts: list[str]) -> None:
        for text in texts:
            await self._socket.send_str(text)
        self._exchange.counts[f"{self._venue}_messages"] += len(texts)
