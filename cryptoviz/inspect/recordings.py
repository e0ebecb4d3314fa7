"""Recordings of venues as Kafka records: socket lines, a Kraken REST body, aggregate trades. Bytes stay the venue's.

Socket lines are ``<receive ns> <json>``; aggregate trades are a JSON list whose ``info`` is the venue's own record.
"""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import msgspec

from cryptoviz.lake.symbols import Instrument, UnknownSymbol, Venue, from_venue
from cryptoviz.lake.topics import Schema


class Layout(StrEnum):
    """How a recording is laid out."""

    LINES = "lines"
    REST = "rest"
    AGGTRADES = "aggtrades"


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


@dataclass(frozen=True, slots=True)
class Recording:
    """Trades in the order of the recording, and how many of its messages are none."""

    trades: list[RecordedTrade]
    refused: int


class _Frame(msgspec.Struct):
    stream: str
    data: msgspec.Raw


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
    time: Decimal


_frame = msgspec.json.Decoder(_Frame).decode
_trade = msgspec.json.Decoder(_Trade).decode
_aggregate = msgspec.json.Decoder(_Aggregate).decode
_row = msgspec.json.Decoder(_Row).decode


def read_recording(venue: Venue, path: Path, layout: Layout | None = None) -> Recording:
    """Trades of a recording. Raises :class:`UnknownRecording` naming the file and what was expected."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise UnknownRecording(f"{path.name} cannot be read: {error}") from None
    reader = _READERS.get((venue, layout or _layout_of(content)))
    if reader is None:
        raise UnknownRecording(
            f"{path.name} is no {venue} recording: expected socket lines or aggregate trades of binance, or a REST "
            "Trades body of kraken"
        )
    try:
        return reader(content)
    except (msgspec.DecodeError, UnknownSymbol) as error:
        raise UnknownRecording(f"{path.name} is not laid out as expected: {error}") from None


def _layout_of(content: bytes) -> Layout | None:
    start = content.lstrip()[:1]
    if start.isdigit():
        return Layout.LINES
    return {b"[": Layout.AGGTRADES, b"{": Layout.REST}.get(start)


def _socket_lines(content: bytes) -> Recording:
    trades, refused = [], 0
    for line in content.splitlines():
        trade = _line(line)
        if trade:
            trades.append(trade)
        else:
            refused += 1
    return Recording(trades, refused)


def _line(line: bytes) -> RecordedTrade | None:
    received, _, text = line.partition(b" ")
    try:
        frame = _frame(text)
        if not frame.stream.endswith("@trade") or not received.isdigit():
            return None
        value = bytes(frame.data)
        message = _trade(value)
        instrument = from_venue(Venue.BINANCE, message.s)
    except (msgspec.DecodeError, UnknownSymbol):
        return None
    return RecordedTrade(instrument, Schema.BINANCE_WS_TRADE, value, message.T * 1_000_000, int(received))


def _aggregates(content: bytes) -> Recording:
    trades = []
    for listed in msgspec.json.decode(content, type=list[_Listed]):
        value = bytes(listed.info)
        instrument = Instrument(Venue.BINANCE, listed.symbol.replace("/", "-"))
        event_ns = _aggregate(value).T * 1_000_000
        trades.append(RecordedTrade(instrument, Schema.BINANCE_REST_AGG_TRADE, value, event_ns, 0))
    return Recording(trades, 0)


def _kraken_body(content: bytes) -> Recording:
    trades = []
    for pair, rows in msgspec.json.decode(content, type=_Body).result.items():
        if pair == "last":
            continue
        instrument = from_venue(Venue.KRAKEN, pair)
        for row in msgspec.json.decode(rows, type=list[msgspec.Raw]):
            event_ns = int(_row(row).time * 1_000_000_000)
            trades.append(RecordedTrade(instrument, Schema.KRAKEN_REST_TRADE, bytes(row), event_ns, 0))
    return Recording(trades, 0)


_READERS: dict[tuple[Venue, Layout | None], Callable[[bytes], Recording]] = {
    (Venue.BINANCE, Layout.LINES): _socket_lines,
    (Venue.BINANCE, Layout.AGGTRADES): _aggregates,
    (Venue.KRAKEN, Layout.REST): _kraken_body,
}
