"""Records of earlier pipelines, found out by their fields, since they carry no headers: quotes, never trades.

Their times are their producers' clocks; those without a zone are UTC. What they named differently is mapped, what they
lacked is null: CoinGecko's rows had no volume, one pipeline asked for a price alone.
"""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import msgspec

from cryptoviz.lake.symbols import UnknownSymbol, Venue, from_venue
from cryptoviz.lake.topics import Schema
from streaming.feeds.parsed import Parser, Quote, Refused
from streaming.feeds.quote_messages import Number, text_of

_NULL = msgspec.Raw(b"null")
_SOURCES = {
    "coinmarketcap": Venue.COINMARKETCAP,
    "coingecko": Venue.COINGECKO,
    "cryptocompare": Venue.CRYPTOCOMPARE,
    "finnhub": Venue.FINNHUB,
    "binance": Venue.BINANCE,
}


class _Listed(msgspec.Struct):
    """``crypto-raw-data``: one row a coin and source."""

    symbol: str
    source: str
    price: Number
    timestamp: str
    market_cap: Number = _NULL
    volume_24h: Number = _NULL
    change_1h: Number = _NULL
    change_24h: Number = _NULL
    change_7d: Number = _NULL
    percent_change_1h: Number = _NULL
    percent_change_24h: Number = _NULL
    percent_change_7d: Number = _NULL


class _Polled(msgspec.Struct):
    """``crypto_raw``: a pair and its price."""

    symbol: str
    price: Number
    eventTime: int  # noqa: N815 - the pipeline's name


class _Bitcoin(msgspec.Struct):
    """``cryptoTopic``: Bitcoin's book and 24 hours, of Binance and CoinGecko together."""

    timestamp: str
    bid_price: Number
    ask_price: Number
    bid_qty: Number = _NULL
    ask_qty: Number = _NULL
    volume_24h: Number = _NULL
    market_cap: Number = _NULL
    price_change_percentage_24h: Number = _NULL
    high_24h: Number = _NULL
    low_24h: Number = _NULL


class _Names(msgspec.Struct):
    bid_price: Number = _NULL
    source: str | None = None
    eventTime: int | None = None  # noqa: N815 - the pipeline's name


def schema_of(value: bytes | None) -> str:
    """Which earlier pipeline a record without headers is of; empty when of none."""
    try:
        names = msgspec.json.decode(value or b"", type=_Names)
    except msgspec.DecodeError:
        return ""
    if bytes(names.bid_price) != b"null":
        return Schema.LEGACY_BITCOIN
    if names.eventTime is not None:
        return Schema.LEGACY_POLLED
    return Schema.LEGACY_LISTED if names.source is not None else ""


def parse_listed(value: bytes) -> Quote:
    """A row of ``crypto-raw-data``. Raises Refused."""
    m = msgspec.json.decode(value, type=_Listed)
    venue = next((venue for name, venue in _SOURCES.items() if name in m.source.lower().replace(" ", "")), None)
    if venue is None:
        raise Refused("unknown_symbol", f"source is {m.source!r}, none of {', '.join(_SOURCES)}")
    return Quote(
        symbol="", time_us=_time(m.timestamp), price=text_of(m.price), market_cap=text_of(m.market_cap),
        volume_24h=text_of(m.volume_24h), change_1h=text_of(m.change_1h) or text_of(m.percent_change_1h),
        change_24h=text_of(m.change_24h) or text_of(m.percent_change_24h),
        change_7d=text_of(m.change_7d) or text_of(m.percent_change_7d), key=_key(venue, m.symbol),
    )  # fmt: skip


def parse_polled(value: bytes) -> Quote:
    """A record of ``crypto_raw``. Raises Refused."""
    m = msgspec.json.decode(value, type=_Polled)
    return Quote(symbol="", time_us=m.eventTime * 1000, price=text_of(m.price), key=_key(Venue.BINANCE, m.symbol))


def parse_bitcoin(value: bytes) -> Quote:
    """A record of ``cryptoTopic``: it names no price, so the middle of its book stands for it. Raises Refused."""
    m = msgspec.json.decode(value, type=_Bitcoin)
    bid, ask = text_of(m.bid_price), text_of(m.ask_price)
    return Quote(
        symbol="", time_us=_time(m.timestamp), price=_middle(bid, ask), market_cap=text_of(m.market_cap),
        volume_24h=text_of(m.volume_24h), change_24h=text_of(m.price_change_percentage_24h), bid_price=bid,
        bid_quantity=text_of(m.bid_qty), ask_price=ask, ask_quantity=text_of(m.ask_qty),
        high_24h=text_of(m.high_24h), low_24h=text_of(m.low_24h), key=_key(Venue.BINANCE, "BTCUSDT"),
    )  # fmt: skip


def _middle(bid: str | None, ask: str | None) -> str | None:
    try:
        return str((Decimal(bid or "") + Decimal(ask or "")) / 2)
    except InvalidOperation:
        raise Refused("bad_decimal", f"bid {bid!r}, ask {ask!r}") from None


def _key(venue: Venue, symbol: str) -> str:
    try:
        return from_venue(venue, symbol).key
    except UnknownSymbol as error:
        raise Refused("unknown_symbol", str(error)) from None


def _time(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("bad_time", f"{text[:60]!r} is no ISO 8601 time") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int((aware - datetime.fromtimestamp(0, UTC)).total_seconds()) * 1_000_000 + aware.microsecond


PARSERS: dict[str, Parser] = {
    Schema.LEGACY_LISTED: parse_listed,
    Schema.LEGACY_POLLED: parse_polled,
    Schema.LEGACY_BITCOIN: parse_bitcoin,
}
