"""Whether this process works, whether it can answer, and its metrics for Prometheus."""

import time

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.serving.parts import Parts, TheParts

router = APIRouter(tags=["Health"])

_requests = Counter("cryptoviz_serving_requests", "Requests answered", ["route", "status"])
_seconds = Histogram("cryptoviz_serving_request_seconds", "Time to the first byte of an answer", ["route"])
_clients = Gauge("cryptoviz_serving_stream_clients", "Clients of streams")
_cache = Gauge("cryptoviz_serving_cache_bytes", "Candles in memory")
_silence = Gauge("cryptoviz_serving_venue_silence_seconds", "Time since a venue was last heard", ["venue"])
_lag = Gauge("cryptoviz_serving_venue_lag_seconds", "Age of a venue's last record on arrival", ["venue"])


@router.get("/healthz")
async def healthz(parts: TheParts) -> dict[str, object]:
    """The process answers."""
    return {"status": "ok", "detail": {"clients": len(parts.hub.subscribers)}}


@router.get("/readyz")
async def readyz(parts: TheParts) -> JSONResponse:
    """200 when the lake could be read and, where there is a feed, it is listened to; 503 with what is missing."""
    missing = _missing(parts)
    status = "ok" if not missing else "; ".join(missing)
    return JSONResponse({"status": status, "detail": status}, status_code=503 if missing else 200)


@router.get("/metrics", response_class=Response)
async def metrics(parts: TheParts) -> Response:
    """Metrics in Prometheus' text format."""
    _clients.set(len(parts.hub.subscribers))
    _cache.set(parts.chunks.bytes)
    for venue, fresh in parts.live.venues.items():
        _silence.labels(str(venue)).set(max(0.0, time.time() - fresh.heard))
        _lag.labels(str(venue)).set(fresh.lag_ms / 1000)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


class Measured:
    """Middleware that counts answers by route, never by what callers put into a path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note its first byte."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                _requests.labels(route, str(message["status"])).inc()
                _seconds.labels(route).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, noted)


def _missing(parts: Parts) -> list[str]:
    snapshot = parts.snapshots.known(OHLC_1M)
    missing = []
    if snapshot is None:
        missing.append("the lake was never reached")
    elif snapshot.doubt:
        missing.append(f"the lake does not answer: {snapshot.doubt}")
    feed = parts.live_health()
    if feed and not feed.get("connected"):
        missing.append(f"the feed is not listened to: {feed.get('reason') or 'connecting'}")
    return missing
