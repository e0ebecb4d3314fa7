"""Messages of Kraken spot as typed structs: trades of socket v2 and REST, tickers, candles, and their envelopes.

Fields after https://docs.kraken.com/api (websocket v2 trade and ticker; REST Trades and OHLC). Prices of the
socket are JSON numbers: their text is kept, never a float.
"""

import msgspec

from streaming.feeds.parsed import BookTicker, Kline, Parser, Refused, Trade
from streaming.feeds.times import rfc3339_us, seconds_us

_HOUR_MS = 3_600_000


class _SocketTrade(msgspec.Struct, gc=False):
    symbol: str
    side: str
    price: msgspec.Raw
    qty: msgspec.Raw
    trade_id: int
    timestamp: str


class _Ticker(msgspec.Struct, gc=False):
    symbol: str
    bid: msgspec.Raw
    bid_qty: msgspec.Raw
    ask: msgspec.Raw
    ask_qty: msgspec.Raw
    timestamp: str | None = None


class _RestTrade(msgspec.Struct, array_like=True, gc=False):
    price: str
    volume: str
    time: msgspec.Raw
    side: str
    kind: str
    misc: str
    trade_id: int


class _Ohlc(msgspec.Struct, array_like=True, gc=False):
    time: int
    open: str
    high: str
    low: str
    close: str
    vwap: str
    volume: str
    count: int


class _Update(msgspec.Struct):
    channel: str = ""
    type: str = ""
    data: list[msgspec.Raw] = []


class _Body(msgspec.Struct):
    error: list[str]
    result: dict[str, msgspec.Raw] = {}


_socket_trade = msgspec.json.Decoder(_SocketTrade)
_ticker = msgspec.json.Decoder(_Ticker)
_rest_trade = msgspec.json.Decoder(_RestTrade)
_ohlc = msgspec.json.Decoder(_Ohlc)
_update = msgspec.json.Decoder(_Update)
_body = msgspec.json.Decoder(_Body)
_rows = msgspec.json.Decoder(list[msgspec.Raw])


def parse_socket_trade(value: bytes) -> Trade:
    """One trade of the v2 ``trade`` channel. Raises Refused."""
    m = _socket_trade.decode(value)
    price, quantity = bytes(m.price).decode(), bytes(m.qty).decode()
    return Trade(m.trade_id, m.trade_id, rfc3339_us(m.timestamp), price, quantity, _is_buy(m.side), m.symbol)


def parse_ticker(value: bytes) -> BookTicker:
    """One element of the v2 ``ticker`` channel; without a time from servers older than the field. Raises Refused."""
    m = _ticker.decode(value)
    time_us = rfc3339_us(m.timestamp) if m.timestamp is not None else None
    bid, bid_quantity, ask, ask_quantity = (bytes(raw).decode() for raw in (m.bid, m.bid_qty, m.ask, m.ask_qty))
    return BookTicker(None, time_us, bid, bid_quantity, ask, ask_quantity, m.symbol)


def parse_rest_trade(value: bytes) -> Trade:
    """One row of REST ``Trades``. Raises Refused."""
    m = _rest_trade.decode(value)
    return Trade(m.trade_id, m.trade_id, seconds_us(bytes(m.time).decode()), m.price, m.volume, _is_buy(m.side))


def data_of(frame: bytes) -> tuple[str, list[bytes]]:
    """Channel and data of a socket frame, each element in the venue's own bytes; none in acknowledgements."""
    update = _update.decode(frame)
    return update.channel, [bytes(element) for element in update.data]


def parse_ohlc(value: bytes) -> Kline:
    """One row of REST ``OHLC`` at an interval of an hour. The venue says neither quote volume nor the taker's share."""
    m = _ohlc.decode(value)
    open_time = m.time * 1000
    return Kline(
        open_time, open_time + _HOUR_MS - 1, m.open, m.high, m.low, m.close, m.volume, None, m.count, None, None
    )  # fmt: skip


def rest_rows(body: bytes) -> list[bytes]:
    """Rows of a REST ``Trades`` or ``OHLC`` body, in the venue's own bytes; none in a body with errors."""
    decoded = _body.decode(body)
    rows = next((value for name, value in decoded.result.items() if name != "last"), None)
    return [bytes(row) for row in _rows.decode(rows)] if rows else []


def _is_buy(side: str) -> bool:
    if side in {"buy", "b"}:
        return True
    if side in {"sell", "s"}:
        return False
    raise Refused("wrong_type", f"side is {side!r}, neither buy nor sell")


PARSERS: dict[str, Parser] = {
    "kraken.ws.trade": parse_socket_trade,
    "kraken.ws.ticker": parse_ticker,
    "kraken.rest.trade": parse_rest_trade,
    "kraken.rest.ohlc": parse_ohlc,
}
