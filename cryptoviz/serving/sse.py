"""``/api/v1/stream``: server-sent events of one market and interval, resumed where a client left off."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Query
from fastapi.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from cryptoviz.lake.symbols import Instrument
from cryptoviz.serving import asked
from cryptoviz.serving.broadcast import STATUS, TICKS
from cryptoviz.serving.errors import TOO_MANY, ApiError
from cryptoviz.serving.events import Channel, own_candle
from cryptoviz.serving.hub import Subscriber
from cryptoviz.serving.intervals import Served
from cryptoviz.serving.parts import Parts, TheParts
from cryptoviz.serving.snapshots import StoreUnavailable

router = APIRouter(prefix="/api/v1", tags=["Streams"])

CLIENTS_AT_MOST = 4000
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get("/stream", response_class=StreamingResponse)
async def stream(
    parts: TheParts,
    symbol: asked.Symbol,
    interval: asked.IntervalName = "1m",
    venue: asked.Venue = "",
    last_event_id: Annotated[str, Header(max_length=60)] = "",
    resume: Annotated[str, Query(max_length=60, description="As the header Last-Event-ID.")] = "",
) -> StreamingResponse:
    """Events ``candle``, ``final``, ``trade``, ``quote`` of a market, ``ticks`` and ``status`` of all.

    Each has an id. A client that comes back with its last one gets what it missed, or the event ``reset`` when that is
    no longer known.
    """
    market, served = parts.markets.find(symbol, venue), asked.interval_named(interval)
    if len(parts.hub.subscribers) >= CLIENTS_AT_MOST:
        raise ApiError(TOO_MANY, f"There are {CLIENTS_AT_MOST} clients already.", status=503)
    subscriber = Subscriber(channels_of(market, served))
    first = await run_in_threadpool(_first, parts, market, served)
    parts.hub.join(subscriber)
    body = _body(parts, subscriber, first, last_event_id or resume)
    return StreamingResponse(body, media_type="text/event-stream", headers=_HEADERS)


def channels_of(market: Instrument, interval: Served) -> list[Channel]:
    """What a page that shows a market listens to."""
    own = [Channel(kind, market, interval.name) for kind in ("candle", "final")]
    return [*own, Channel("trade", market), Channel("quote", market), TICKS, STATUS]


async def _body(parts: Parts, subscriber: Subscriber, first: bytes, last_id: str) -> AsyncIterator[bytes]:
    try:
        yield b"retry: 1000\n\n"
        missed = parts.hub.since(last_id, subscriber.channels) if last_id else []
        if missed is None:
            yield b'event: reset\ndata: {"reason":"the last event is no longer known"}\n\n'
        yield b"".join(event.sse for event in missed or ()) + first
        yield (
            parts.hub.event(TICKS, parts.broadcast.ticks()).sse + parts.hub.event(STATUS, parts.broadcast.status()).sse
        )
        async for events in subscriber.batches():
            yield b"".join(event.sse for event in events)
    finally:
        parts.hub.leave(subscriber)


def _first(parts: Parts, market: Instrument, interval: Served) -> bytes:
    """The candle in progress, so that nobody waits for a trade to see it."""
    with suppress(StoreUnavailable, OSError):
        found = parts.forming.current(market, interval, parts.clock())
        if found:
            return b"event: candle\ndata: " + msgspec.json.encode(own_candle(found)) + b"\n\n"
    return b""
