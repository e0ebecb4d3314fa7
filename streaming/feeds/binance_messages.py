"""Messages of Binance spot as typed structs: trades and aggregates of socket and REST, klines, quotes, the envelope.

Fields after https://developers.binance.com/docs/binance-spot-api-docs (web socket streams; REST market data).
"""

import msgspec

from streaming.feeds.parsed import BookTicker, Kline, Parser, Refused, Trade
from streaming.feeds.record import NO_ID


class _SocketTrade(msgspec.Struct, gc=False):
    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool


class _SocketAggregate(msgspec.Struct, gc=False):
    p: str
    q: str
    f: int
    l: int  # noqa: E741 - the venue's name
    T: int
    m: bool
    s: str = ""


class _BookTicker(msgspec.Struct, gc=False):
    u: int
    s: str
    b: str
    B: str
    a: str
    A: str


class _RestTrade(msgspec.Struct, gc=False):
    id: int
    price: str
    qty: str
    time: int
    isBuyerMaker: bool  # noqa: N815 - the venue's name


class _Kline(msgspec.Struct, array_like=True, gc=False):
    open_time: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    close_time: int
    quote_volume: str
    trade_count: int
    taker_buy_volume: str
    taker_buy_quote_volume: str


class _Envelope(msgspec.Struct):
    stream: str
    data: msgspec.Raw


_socket_trade = msgspec.json.Decoder(_SocketTrade)
_aggregate = msgspec.json.Decoder(_SocketAggregate)
_book_ticker = msgspec.json.Decoder(_BookTicker)
_rest_trade = msgspec.json.Decoder(_RestTrade)
_kline = msgspec.json.Decoder(_Kline)
_envelope = msgspec.json.Decoder(_Envelope)
_elements = msgspec.json.Decoder(list[msgspec.Raw])


def parse_socket_trade(value: bytes) -> Trade:
    """``<symbol>@trade``. The maker's side is said; the aggressor is the other one."""
    m = _socket_trade.decode(value)
    return Trade(m.t, m.t, m.T, m.p, m.q, not m.m, m.s)


def parse_aggregate(value: bytes) -> Trade:
    """``<symbol>@aggTrade`` and REST ``aggTrades``: the trades ``f`` to ``l`` at one price. Raises Refused."""
    m = _aggregate.decode(value)
    if m.f < 0 or m.l < m.f:
        raise Refused("tombstone", f"the venue has withdrawn this aggregate: f={m.f}, l={m.l}")
    return Trade(m.f, m.l, m.T, m.p, m.q, not m.m, m.s)


def aggregate_ids(value: bytes) -> tuple[int, int, int]:
    """First and last trade and the time, microseconds, of an aggregate; ids of -1 for one that is withdrawn."""
    m = _aggregate.decode(value)
    return (m.f, m.l, m.T * 1000) if 0 <= m.f <= m.l else (NO_ID, NO_ID, m.T * 1000)


def parse_book_ticker(value: bytes) -> BookTicker:
    """``<symbol>@bookTicker``. Spot says no time."""
    m = _book_ticker.decode(value)
    return BookTicker(m.u, None, m.b, m.B, m.a, m.A, m.s)


def parse_rest_trade(value: bytes) -> Trade:
    """REST ``trades`` and ``historicalTrades``."""
    m = _rest_trade.decode(value)
    return Trade(m.id, m.id, m.time, m.price, m.qty, not m.isBuyerMaker)


def parse_kline(value: bytes) -> Kline:
    """REST ``klines``, one row."""
    m = _kline.decode(value)
    return Kline(
        m.open_time, m.close_time, m.open, m.high, m.low, m.close, m.volume, m.quote_volume, m.trade_count,
        m.taker_buy_volume, m.taker_buy_quote_volume,
    )  # fmt: skip


def unwrap(frame: bytes) -> tuple[str, bytes]:
    """A frame of a combined stream: the stream's name and the message's own bytes. Raises msgspec.DecodeError."""
    envelope = _envelope.decode(frame)
    return envelope.stream, bytes(envelope.data)


def elements(body: bytes) -> list[bytes]:
    """The elements of a REST array, each in the venue's own bytes. Raises msgspec.DecodeError for anything else."""
    return [bytes(element) for element in _elements.decode(body)]


PARSERS: dict[str, Parser] = {
    "binance.ws.trade": parse_socket_trade,
    "binance.ws.aggTrade": parse_aggregate,
    "binance.ws.bookTicker": parse_book_ticker,
    "binance.rest.trade": parse_rest_trade,
    "binance.rest.aggTrade": parse_aggregate,
    "binance.rest.kline": parse_kline,
}
