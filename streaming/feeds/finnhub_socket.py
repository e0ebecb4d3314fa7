"""Finnhub's socket: trades of stocks without ids, which repeat and go back in time, so each is a price seen, no more.

After https://finnhub.io/docs/api/websocket-trades. The socket is silent while the exchange is closed.
"""

import json
from collections.abc import Sequence

import msgspec

from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.topics import QUOTES, Schema, Source, Topic
from streaming.feeds.record import Record
from streaming.feeds.venue import SocketLimits

_LIMITS = SocketLimits(
    streams=50, names_a_frame=50, frames_a_second=4, connects=10, connects_seconds=60, silence_s=150,
    is_confirming=False,
)  # fmt: skip
"""A free key listens to 50 symbols; the server pings each minute."""


class _Message(msgspec.Struct):
    type: str
    data: list[msgspec.Raw] = []


class _Trade(msgspec.Struct):
    s: str
    t: int


_message = msgspec.json.Decoder(_Message)
_trade = msgspec.json.Decoder(_Trade)


class FinnhubSocket:
    """What the listener asks of a socket. The token stands in the address, which is never logged."""

    name = "finnhub"
    limits = _LIMITS
    channels: tuple[Topic, ...] = (QUOTES,)

    def __init__(self, *, url: str, token: str) -> None:
        self.socket_url = f"{url}?token={token}"

    def subscribe_frames(self, channel: Topic, instruments: Sequence[Instrument]) -> list[str]:
        """One subscribe a symbol."""
        del channel
        return [json.dumps({"type": "subscribe", "symbol": instrument.base}) for instrument in instruments]

    def parse_frame(self, frame: bytes, *, connection: str, received_ns: int) -> list[Record]:
        """All trades of a message; none of a ping or an error."""
        message = _message.decode(frame)
        trades = [(bytes(value), _trade.decode(value)) for value in message.data] if message.type == "trade" else []
        return [
            Record(
                instrument=Instrument(Venue.FINNHUB, f"{trade.s}-USD"), first_id=0, last_id=0, time_us=trade.t * 1000,
                value=value, schema=Schema.FINNHUB_WS_TRADE, source=Source.SAMPLED, connection=connection,
                received_ns=received_ns, topic=QUOTES,
            )
            for value, trade in trades
        ]  # fmt: skip

    def is_farewell(self, frame: bytes) -> bool:
        """The vendor does not say."""
        del frame
        return False
