"""Sockets of the simulated venues: new trades pushed as they happen, faults applied message by message."""

import asyncio
from abc import ABC, abstractmethod

from aiohttp import WSMsgType, web

from cryptoviz.lake.symbols import Venue
from streaming.exchange_simulator.exchange import Exchange
from streaming.exchange_simulator.market import SeededMarket, Trades

_PUSH_S = 0.05


class Subscription(ABC):
    """Streams of one connection and the last id each has been told."""

    def __init__(self) -> None:
        self._streams: dict[str, tuple[SeededMarket, int]] = {}

    @abstractmethod
    def on_message(self, text: str) -> list[str]:
        """Answer a message of the client."""

    @abstractmethod
    def frames(self, name: str, market: SeededMarket, trades: Trades, now_ms: int) -> list[str]:
        """Frames that tell of new trades of a stream."""

    def heartbeat(self, now_ms: int) -> list[str]:
        """Frames sent whether or not anything is traded."""
        del now_ms
        return []

    def add(self, name: str, market: SeededMarket) -> None:
        """Begin a stream at the next trade."""
        self._streams.setdefault(name, (market, -1))

    def remove(self, names: list[str]) -> None:
        """End streams."""
        for name in names:
            self._streams.pop(name, None)

    def names(self) -> list[str]:
        """Streams in force."""
        return list(self._streams)

    def news(self, now_ms: int) -> list[str]:
        """Frames for everything traded since the last call."""
        frames = self.heartbeat(now_ms)
        for name, (market, told) in self._streams.items():
            last = market.last_id(now_ms)
            if told >= 0 and last > told:
                frames += self.frames(name, market, market.from_id(told + 1, last - told, now_ms), now_ms)
            self._streams[name] = (market, max(told, last))
        return frames


async def serve_socket(
    request: web.Request, exchange: Exchange, venue: Venue, subscription: Subscription
) -> web.StreamResponse:
    """Run one connection until it ends."""
    socket = web.WebSocketResponse(heartbeat=20, max_msg_size=1 << 20)
    await socket.prepare(request)
    exchange.counts[f"{venue}_connections"] += 1
    pusher = asyncio.create_task(_push(socket, exchange, venue, subscription))
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                for answer in subscription.on_message(message.data):
                    await socket.send_str(answer)
    finally:
        pusher.cancel()
        exchange.counts[f"{venue}_connections"] -= 1
    return socket


async def _push(socket: web.WebSocketResponse, exchange: Exchange, venue: Venue, subscription: Subscription) -> None:
    while not socket.closed:
        delay = exchange.faults.active("delay", venue)
        lag_ms = int(delay.probability * 1000) if delay else 0
        frames = subscription.news(exchange.clock() - lag_ms)
        if exchange.faults.strikes("close", venue):
            exchange.faults.clear()
            await socket.close()
            return
        if not exchange.faults.active("half_open", venue) and not exchange.faults.active("halt", venue):
            for frame in _faulty(frames, exchange, venue):
                await socket.send_str(frame)
                exchange.counts[f"{venue}_messages"] += 1
        await asyncio.sleep(_PUSH_S)


def _faulty(frames: list[str], exchange: Exchange, venue: Venue) -> list[str]:
    faults, sent = exchange.faults, list[str]()
    for frame in frames:
        if faults.strikes("drop", venue):
            continue
        sent.append(frame[: len(frame) // 2] if faults.strikes("garbage", venue) else frame)
        if faults.strikes("repeat", venue):
            sent.append(frame)
    if len(sent) > 1 and faults.strikes("reorder", venue):
        sent.reverse()
    return sent
