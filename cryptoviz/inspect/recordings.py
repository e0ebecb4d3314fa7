"""Recordings of venues as Kafka records: socket lines, a Kraken REST body, aggregate trades. Bytes stay the venue's.

Socket lines are ``<receive ns> <json>``; aggregate trades are a JSON list whose ``info`` is the venue's own record.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cryptoviz.lake.symbols import Instrument, Venue, from_venue
from cryptoviz.lake.topics import Schema


class UnknownRecording(ValueError):
    """A file in none of the layouts understood."""


@dataclass(frozen=True, slots=True)
class RecordedTrade:
    """One trade of a recording, ready to publish. Times in nanoseconds; 0 when the recording does not say."""

    instrument: Instrument
    schema: Schema
    value: bytes
    event_ns: int
    received_ns: int


class _Line(msgspec.Struct):
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Trade(msgspec.Struct):
    s: str
    T: int


class _Aggregate(msgspec.Struct):
    T: int


class _Listed(msgspec.Struct):
    info: msgspec.Raw
    symbol: str


class _Body(msgspec.Struct):
    result: dict[str, msgspec.Raw]


class _Row(msgspec.Struct, array_like=True):
    price: str
    volume: str
    time: float


def read_recording(venue: Venue, path: Path) -> Iterator[RecordedTrade]:
    """Trades of a recording in its order. Raises :class:`UnknownRecording`, FileNotFoundError."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    start = content.lstrip()[:1]
    if venue is Venue.BINANCE and start.isdigit():
        return _socket_lines(content)
    if venue is Venue.BINANCE and start == b"[":
        return _aggregates(content)
    if venue is Venue.KRAKEN and start == b"{":
        return _kraken_body(content)
    raise UnknownRecording(
        f"{path.name} is no {venue} recording: expected socket lines or aggregate trades of binance, or a REST Trades "
        "body of kraken"
    )


def _socket_lines(content: bytes) -> Iterator[RecordedTrade]:
    decode, trade = msgspec.json.Decoder(_Line).decode, msgspec.json.Decoder(_Trade).decode
    for line in content.splitlines():
        received, _, text = line.partition(b" ")
        frame = decode(text)
        if frame.stream.endswith("@trade"):
            value = bytes(frame.data)
            message = trade(value)
            instrument = from_venue(Venue.BINANCE, message.s)
            yield RecordedTrade(instrument, Schema.BINANCE_WS_TRADE, value, message.T * 1_000_000, int(received))


def _aggregates(content: bytes) -> Iterator[RecordedTrade]:
    for listed in msgspec.json.decode(content, type=list[_Listed]):
        value = bytes(listed.info)
        instrument = Instrument(Venue.BINANCE, listed.symbol.replace("/", "-"))
        event_ns = msgspec.json.decode(value, type=_Aggregate).T * 1_000_000
        yield RecordedTrade(instrument, Schema.BINANCE_REST_AGG_TRADE, value, event_ns, 0)


def _kraken_body(content: bytes) -> Iterator[RecordedTrade]:
    result = msgspec.json.decode(content, type=_Body).result
    for pair, rows in result.items():
        if pair == "last":
            continue
        instrument = from_venue(Venue.KRAKEN, pair)
        for row in msgspec.json.decode(rows, type=list[msgspec.Raw]):
            event_ns = int(msgspec.json.decode(row, type=_Row).time * 1e9)
            yield RecordedTrade(instrument, Schema.KRAKEN_REST_TRADE, bytes(row), event_ns, 0)
