"""Streams in the shape of Binance's sockets: ``/ws/<stream>``, ``/stream?streams=a/b``, and its commands.

Streams: ``<symbol>@kline_<interval>``, ``<symbol>@trade``, ``<symbol>@bookTicker``.
"""

import asyncio
import json
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from cryptoviz.serving.access import is_allowed
from cryptoviz.serving.errors import ApiError
from cryptoviz.serving.events import Channel, Event
from cryptoviz.serving.hub import Subscriber
from cryptoviz.serving.intervals import INTERVALS
from cryptoviz.serving.markets import Markets
from cryptoviz.serving.parts import Parts

router = APIRouter()

_STREAMS_AT_MOST = 200
_KINDS = {"trade": "trade", "bookTicker": "quote"}
_UNKNOWN_STREAM = 1008


class UnknownStream(ValueError):
    """The name of a stream that does not exist."""


@router.websocket("/ws")
async def plain_socket(socket: WebSocket) -> None:
    """A socket that begins without streams."""
    await _serve(socket, [], combined=False)


@router.websocket("/ws/{names:path}")
async def named_socket(socket: WebSocket, names: str) -> None:
    """A socket with the streams of its path."""
    await _serve(socket, names.split("/"), combined=False)


@router.websocket("/stream")
async def combined_socket(socket: WebSocket) -> None:
    """A socket whose messages say which stream they are of."""
    await _serve(socket, [n for n in socket.query_params.get("streams", "").split("/") if n], combined=True)


def channel_of(name: str, markets: Markets) -> Channel:
    """The channel of a stream's name. Raises :class:`UnknownStream`."""
    symbol, _, what = name.partition("@")
    try:
        market = markets.find(symbol[:41])
    except ApiError:
        raise UnknownStream(name[:80]) from None
    if what in _KINDS:
        return Channel(_KINDS[what], market)
    interval = what.removeprefix("kline_")
    if not what.startswith("kline_") or interval not in INTERVALS:
        raise UnknownStream(name[:80])
    return Channel("candle", market, interval)


class _Session:
    """One socket: the names of its streams and what it is sent."""

    def __init__(self, socket: WebSocket, parts: Parts, *, combined: bool) -> None:
        self.socket, self.parts, self.combined = socket, parts, combined
        self.names: dict[Channel, str] = {}
        self.subscriber = Subscriber([])

    def subscribe(self, names: list[str]) -> None:
        """Add streams. Raises :class:`UnknownStream`."""
        added = {channel_of(name, self.parts.markets): name for name in names}
        if len(self.names) + len(added) > _STREAMS_AT_MOST:
            raise UnknownStream(f"more than {_STREAMS_AT_MOST} streams")
        self.names |= added
        self.parts.hub.change(self.subscriber, self.names)

    def unsubscribe(self, names: list[str]) -> None:
        """Remove streams; those that are not there are no error."""
        self.names = {channel: name for channel, name in self.names.items() if name not in names}
        self.parts.hub.change(self.subscriber, self.names)

    async def send(self) -> None:
        """Send events until the hub ends it."""
        async for events in self.subscriber.batches():
            for event in events:
                if event.message:
                    await self.socket.send_text(self._text(event))

    async def receive(self) -> None:
        """Obey commands until the client leaves."""
        while True:
            text = await self.socket.receive_text()
            await self.socket.send_text(json.dumps(self._obey(text)))

    def _text(self, event: Event) -> str:
        if not self.combined:
            return event.message.decode()
        name = self.names.get(event.channel, "")
        return msgspec.json.encode({"stream": name, "data": msgspec.Raw(event.message)}).decode()

    def _obey(self, text: str) -> dict[str, Any]:
        number = None
        try:
            command = json.loads(text[:100_000])
            number = command.get("id")
            names = [str(name) for name in command.get("params") or ()]
            match command.get("method"):
                case "SUBSCRIBE":
                    self.subscribe(names)
                case "UNSUBSCRIBE":
                    self.unsubscribe(names)
                case "LIST_SUBSCRIPTIONS":
                    return {"result": list(self.names.values()), "id": number}
                case _:
                    return {"error": {"code": 2, "msg": "Invalid request: unknown method"}, "id": number}
        except UnknownStream as error:
            return {"error": {"code": 2, "msg": f"Invalid request: unknown stream {error}"}, "id": number}
        except (ValueError, TypeError, AttributeError, RecursionError):
            return {"error": {"code": 3, "msg": "Invalid JSON: expected an object"}, "id": number}
        return {"result": None, "id": number}


async def _serve(socket: WebSocket, names: list[str], *, combined: bool) -> None:
    parts: Parts = socket.app.state.parts
    if not is_allowed(socket, parts.settings):
        await socket.close(_UNKNOWN_STREAM, "a token is required")
        return
    session = _Session(socket, parts, combined=combined)
    try:
        session.subscribe(names)
    except UnknownStream as error:
        await socket.close(_UNKNOWN_STREAM, f"unknown stream {error}")
        return
    await socket.accept()
    parts.hub.join(session.subscriber)
    try:
        await _until_one_ends(session)
    finally:
        parts.hub.leave(session.subscriber)


async def _until_one_ends(session: _Session) -> None:
    tasks = [asyncio.create_task(session.send()), asyncio.create_task(session.receive())]
    done, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    for task in done:
        error = task.exception()
        if error is not None and not isinstance(error, (WebSocketDisconnect, RuntimeError, KeyError)):
            raise error
