"""Messages of Coinbase Exchange as typed structs: matches and tickers of the socket, trades of REST.

Fields after https://docs.cdp.coinbase.com/exchange (websocket channels; REST product trades). The side is the resting
order's: a match against a sell order was bought.
"""

import msgspec

from streaming.feeds.parsed import BookTicker, Parser, Refused, Trade
from streaming.feeds.times import rfc3339_us


class _Match(msgspec.Struct, gc=False):
    trade_id: int
    product_id: str
    price: str
    size: str
    side: str
    time: str


class _Ticker(msgspec.Struct, gc=False):
    product_id: str
    sequence: int
    best_bid: str
    best_bid_size: str
    best_ask: str
    best_ask_size: str
    time: str


class _RestTrade(msgspec.Struct, gc=False):
    trade_id: int
    price: str
    size: str
    side: str
    time: str


class _Head(msgspec.Struct):
    type: str


_match = msgspec.json.Decoder(_Match)
_ticker = msgspec.json.Decoder(_Ticker)
_rest_trade = msgspec.json.Decoder(_RestTrade)
_head = msgspec.json.Decoder(_Head)
_elements = msgspec.json.Decoder(list[msgspec.Raw])


def parse_match(value: bytes) -> Trade:
    """One ``match`` or ``last_match``. Raises Refused."""
    m = _match.decode(value)
    return Trade(m.trade_id, m.trade_id, rfc3339_us(m.time), m.price, m.size, _is_buy(m.side), m.product_id)


def parse_ticker(value: bytes) -> BookTicker:
    """One ``ticker``, with the sequence number of the product's book. Raises Refused."""
    m = _ticker.decode(value)
    return BookTicker(
        m.sequence, rfc3339_us(m.time), m.best_bid, m.best_bid_size, m.best_ask, m.best_ask_size, m.product_id
    )  # fmt: skip


def parse_rest_trade(value: bytes) -> Trade:
    """One element of REST ``trades``. Raises Refused."""
    m = _rest_trade.decode(value)
    return Trade(m.trade_id, m.trade_id, rfc3339_us(m.time), m.price, m.size, _is_buy(m.side))


def type_of(frame: bytes) -> str:
    """What a frame is. Raises msgspec.DecodeError."""
    return _head.decode(frame).type


def elements(body: bytes) -> list[bytes]:
    """The elements of a REST array, each in the venue's own bytes. Raises msgspec.DecodeError."""
    return [bytes(element) for element in _elements.decode(body)]


def _is_buy(makers_side: str) -> bool:
    if makers_side == "sell":
        return True
    if makers_side == "buy":
        return False
    raise Refused("wrong_type", f"side is {makers_side!r}, neither buy nor sell")


PARSERS: dict[str, Parser] = {
    "coinbase.ws.match": parse_match,
    "coinbase.ws.ticker": parse_ticker,
    "coinbase.rest.trade": parse_rest_trade,
}
