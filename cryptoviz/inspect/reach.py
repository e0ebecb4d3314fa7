"""Whether the broker and the store can be reached at all, answered in seconds instead of after a client's retries."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from cryptoviz.lake.locations import Location

_TIMEOUT_S = 2.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Unreachable(ConnectionError):
    """A server does not answer; the message says which, where and what to do."""


@contextmanager
def reading(location: Location) -> Iterator[None]:
    """Read the lake within: a store that does not answer or refuses is :class:`Unreachable`, with its reason."""
    require_lake(location)
    try:
        yield
    except OSError as error:
        reason = _COLOURS.sub("", str(error)).splitlines()[0].strip()
        raise Unreachable(f"the lake at {location.uri} cannot be read: {reason}; check its keys and bucket") from None


def require_lake(location: Location) -> None:
    """Raise :class:`Unreachable` when the endpoint of the store does not answer; a store without one is not asked."""
    parts = urlsplit(location.endpoint)
    if parts.hostname and not _answers(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)):
        raise Unreachable(f"the object store at {location.endpoint} does not answer; start the stack with ./run up")


def require_server(host: str, port: int) -> None:
    """Raise :class:`Unreachable` when nobody listens there."""
    if not _answers(host, port):
        raise Unreachable(f"nobody listens at {host}:{port}; start the stack with ./run demo")


def require_broker(bootstrap: str) -> None:
    """Raise :class:`Unreachable` when no broker of the list accepts a connection."""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        if port.isdigit() and _answers(host, int(port)):
            return
    raise Unreachable(f"no Kafka broker answers at {bootstrap}; start the stack with ./run up")


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_S):
            return True
    except OSError:
        return False
