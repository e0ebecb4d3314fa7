"""The application: endpoints, errors, access, and what runs beside them. Assembly, nothing else."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from cryptoviz.inspect.version import version_text
from cryptoviz.serving import alerts, errors, health, pages, rest_overview, rest_v1, rest_v3, sockets, sse
from cryptoviz.serving.access import Guard
from cryptoviz.serving.parts import Parts

Background = Callable[[], Awaitable[None]]

_COMPRESSED_FROM = 2048
_ABOUT = (
    "`/api/v3` speaks Binance's shapes, so its clients work with another URL; `/api/v1` says of every candle where it "
    "comes from. Prices and amounts are decimal text, times milliseconds since 1970 in UTC."
)


def create_app(parts: Parts, *, background: Background | None = None) -> FastAPI:
    """The application over its parts. ``background`` runs beside it, such as the consumer of the live topics."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        jobs: list[asyncio.Future[None]] = [asyncio.ensure_future(one) for one in (parts.run(), alerts.watch(parts))]
        if background:
            jobs.append(asyncio.ensure_future(background()))
        for job in jobs:
            job.add_done_callback(_end_with)
        try:
            yield
        finally:
            parts.hub.close()
            for job in jobs:
                job.remove_done_callback(_end_with)
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    app = FastAPI(
        title="cryptoviz", version=version_text(), description=_ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.parts, app.state.pages = parts, pages.load_pages()
    for module in (rest_v3, rest_v1, rest_overview, sse, sockets, health, pages):
        app.include_router(module.router)
    app.include_router(rest_v3.derivatives)
    errors.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=_COMPRESSED_FROM, compresslevel=3)
    app.add_middleware(Guard, settings=parts.settings)
    app.add_middleware(health.Measured)
    return app


def _end_with(job: "asyncio.Future[None]") -> None:
    """A server whose background work has failed is of no use: end, and be started again."""
    error = None if job.cancelled() else job.exception()
    if error is not None:
        structlog.get_logger().error("background work failed", exc_info=error)
        signal.raise_signal(signal.SIGTERM)
