"""The serving process: the application over the lake, with the live topics beside it."""

import contextlib
import socket
from functools import partial

import structlog
import uvicorn

from cryptoviz.serving.access import TokenMissing, require_token
from cryptoviz.serving.app import create_app
from cryptoviz.serving.live import Live
from cryptoviz.serving.parts import Parts
from cryptoviz.settings import Settings
from streaming.live.consumer import LiveConsumer

_REFUSED = 78
_BACKLOG = 2048


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT. Returns 0, or 78 for an address that needs a token and has none."""
    try:
        require_token(settings)
    except TokenMissing as error:
        structlog.get_logger().error("refused to listen", reason=str(error))
        return _REFUSED
    consumer = LiveConsumer(settings)
    live = Live(listening_since=consumer.state.since)
    parts = Parts(settings=settings, live=live, live_health=consumer.state.as_dict)
    app = create_app(parts, background=partial(consumer.run, live.accept))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, loop="uvloop", http="httptools", ws="websockets-sansio",
        timeout_graceful_shutdown=2, server_header=False, backlog=_BACKLOG,
    )  # fmt: skip
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=_sockets(settings))
    return 0


def _sockets(settings: Settings) -> list[socket.socket]:
    """The port of the page and its alias; an alias that another program has is left to it."""
    host = settings.serving_host
    found = [socket.create_server((host, settings.ports.of("serving")), backlog=_BACKLOG)]
    try:
        found.append(socket.create_server((host, settings.ports.of("serving_alias")), backlog=_BACKLOG))
    except OSError as error:
        structlog.get_logger().warning("the second port is taken", reason=str(error))
    return found
