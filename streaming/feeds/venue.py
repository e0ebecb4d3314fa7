"""What the producer asks of every venue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptoviz.lake.symbols import Instrument
from cryptoviz.lake.topics import Topic
from streaming.feeds.listings import Listing
from streaming.feeds.record import Record
from streaming.feeds.rest import RestClient


@dataclass(frozen=True, kw_only=True, slots=True)
class SocketLimits:
    """What a venue allows on its sockets, and how long each of its connections may be silent while all is well.

    ``is_confirming``: it answers a subscription at once, so that one it has not heard is not taken for a quiet market.
    """

    streams: int
    names_a_frame: int
    frames_a_second: float
    connects: int
    connects_seconds: float
    silence_s: float
    is_confirming: bool = True


class SocketFeed(Protocol):
    """Frames of a socket. ``channels`` are what it tells of."""

    name: str
    socket_url: str
    limits: SocketLimits
    channels: tuple[Topic, ...]

    def subscribe_frames(self, channel: Topic, instruments: Sequence[Instrument]) -> list[str]:
        """Frames to send after connecting."""

    def parse_frame(self, frame: bytes, *, connection: str, received_ns: int) -> list[Record]:
        """Records of a frame. Raises msgspec.DecodeError or Refused for what is no message of the venue."""

    def is_farewell(self, frame: bytes) -> bool:
        """Whether a frame without records says that the venue is about to close the connection."""


class VenueFeed(SocketFeed, Protocol):
    """A venue: its socket, and its trades and klines by REST."""

    rest: RestClient

    async def first_id_at(self, instrument: Instrument, time_ms: int) -> int | None:
        """Id of the first trade at or after an instant; None when there is none yet."""

    async def fetch(self, instrument: Instrument, first_id: int, after_us: int, *, source: str) -> list[Record]:
        """Trades from an id on, oldest first, one page. ``after_us`` is the time of the trade before it, if known."""

    async def klines(self, instrument: Instrument, *, count: int) -> list[Record]:
        """The last closed hourly klines, oldest first; none from a venue without."""

    async def klines_between(self, instrument: Instrument, from_ms: int, to_ms: int) -> list[Record]:
        """Closed hourly klines that begin in `[from_ms, to_ms)`, oldest first, one page; source ``history``."""

    async def listings(self) -> list[Listing]:
        """Every market that the venue lists."""

    async def close(self) -> None:
        """Close connections."""
