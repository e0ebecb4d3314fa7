"""Records of earlier pipelines as quotes, never trades: what they named differently is mapped, what they lacked null.

No field is lost: those that have no column travel as ``other_fields``. Their times are their producers' clocks; one
without a zone is UTC, unless the record says the same moment a second time in seconds since 1970.
"""

from decimal import Decimal, InvalidOperation

import msgspec

from cryptoviz.lake.legacy import legacy_time_us, shape_of
from cryptoviz.lake.symbols import UnknownSymbol, Venue, from_venue
from cryptoviz.lake.topics import Schema
from streaming.feeds.parsed import Parser, Quote, Refused
from streaming.feeds.quote_messages import text_of

_SOURCES = {
    "coinmarketcap": Venue.COINMARKETCAP,
    "coingecko": Venue.COINGECKO,
    "cryptocompare": Venue.CRYPTOCOMPARE,
    "finnhub": Venue.FINNHUB,
    "binance": Venue.BINANCE,
}
_QUARTER_US, _ZONES_US, _APART_US = 900_000_000, 14 * 3_600_000_000, 60_000_000

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Fields:
    """The fields of a record, each taken once by whichever of its names says something; what is left has no column."""

    def __init__(self, value: bytes) -> None:
        self._left = _fields.decode(value)

    def take(self, *names: str) -> str | None:
        """The text of the first of these that is there and not null; None when none is. A null says nothing more."""
        for name in names:
            text = self.see(name)
            if text is None:
                self._left.pop(name, None)
            else:
                del self._left[name]
                return text
        return None

    def require(self, *names: str) -> str:
        """As :meth:`take`. Raises Refused when there is none."""
        found = self.take(*names)
        if found is None:
            raise Refused("missing_field", f"no {' or '.join(names)}")
        return found

    def see(self, name: str) -> str | None:
        """The text of a field, left where it is."""
        return text_of(self._left[name]) if name in self._left else None

    def word(self, name: str) -> str | None:
        """A text with its escapes resolved. Raises msgspec.ValidationError when it is none."""
        raw = self._left.pop(name, None)
        return None if raw is None else msgspec.json.decode(raw, type=str | None)

    def rest(self) -> str | None:
        """The fields nobody has taken, as JSON."""
        return msgspec.json.encode(self._left).decode() if self._left else None


def schema_of(value: bytes | None, topic: str = "") -> str:
    """Which earlier pipeline a record without headers is of, by its fields and its topic; empty when of none."""
    try:
        fields = _fields.decode(value or b"")
    except (msgspec.DecodeError, RecursionError):
        fields = {}
    shape = shape_of(fields, topic)
    return shape.schema if shape else ""


def parse_listed(value: bytes) -> Quote:
    """A row of ``crypto-raw-data``: a coin as a listing has it. Raises Refused."""
    f = Fields(value)
    source = f.word("source") or ""
    venue = next((venue for name, venue in _SOURCES.items() if name in source.lower().replace(" ", "")), None)
    if venue is None:
        raise Refused("unknown_symbol", f"source is {source[:60]!r}, none of {', '.join(_SOURCES)}")
    return Quote(
        symbol="", key=_key(venue, f.require("symbol")), time_us=_time(f.require("timestamp")),
        price=f.take("price"), name=f.word("name"), market_cap=f.take("market_cap"), volume_24h=f.take("volume_24h"),
        change_1h=f.take("change_1h", "percent_change_1h"), change_24h=f.take("change_24h", "percent_change_24h"),
        change_7d=f.take("change_7d", "percent_change_7d"), other_fields=f.rest(),
    )  # fmt: skip


def parse_polled(value: bytes) -> Quote:
    """A record of ``crypto_raw``: a pair's price on Binance. Raises Refused."""
    f = Fields(value)
    return Quote(
        symbol="", key=_key(Venue.BINANCE, f.require("symbol")),
        time_us=_time(f.require("eventTime", "event_time", "event_timestamp")), price=f.take("price"),
        other_fields=f.rest(),
    )  # fmt: skip


def parse_bitcoin(value: bytes) -> Quote:
    """A record of ``cryptoTopic``: Bitcoin's book and 24 hours, of Binance and CoinGecko together. Raises Refused.

    It names no price, so the middle of its book stands for it.
    """
    f = Fields(value)
    bid, ask = f.require("bid_price"), f.require("ask_price")
    return Quote(
        symbol="", key=_key(Venue.BINANCE, "BTCUSDT"), time_us=_moment(f), price=f.take("price") or _middle(bid, ask),
        market_cap=f.take("market_cap"), volume_24h=f.take("volume_24h"), price_change_24h=f.take("price_change_24h"),
        change_24h=f.take("price_change_percentage_24h"), bid_price=bid, bid_quantity=f.take("bid_qty"), ask_price=ask,
        ask_quantity=f.take("ask_qty"), high_24h=f.take("high_24h"), low_24h=f.take("low_24h"), other_fields=f.rest(),
    )  # fmt: skip


def parse_coin(value: bytes) -> Quote:
    """A record of ``crypto_topic``: a coin's price by CryptoCompare, in dollars. Raises Refused."""
    return _priced(Fields(value), Venue.CRYPTOCOMPARE)


def parse_stock(value: bytes) -> Quote:
    """A record of ``stock_topic``: a stock's price and session by Finnhub. Raises Refused.

    The volume stays among the other fields: it counts shares, while ours are in quote units.
    """
    return _priced(Fields(value), Venue.FINNHUB)


def _priced(f: Fields, venue: Venue) -> Quote:
    return Quote(
        symbol="", key=_key(venue, f.require("symbol")), time_us=_time(f.require("timestamp")), price=f.take("price"),
        name=f.word("name"), market_cap=f.take("market_cap"), volume_24h=f.take("volume_24h"),
        change_24h=f.take("change_24h"), high_24h=f.take("high_24h", "high"), low_24h=f.take("low_24h", "low"),
        other_fields=f.rest(),
    )  # fmt: skip


def _moment(f: Fields) -> int:
    """The record's time; its seconds since 1970, which stay among the other fields, tell the zone it was written in."""
    said, seconds = _time(f.require("timestamp")), f.see("trade_timestamp")
    if seconds is None:
        return said
    epoch = _time(seconds)
    zone = round((said - epoch) / _QUARTER_US) * _QUARTER_US
    in_zone = abs(zone) <= _ZONES_US and abs(said - zone - epoch) <= _APART_US
    return said - zone if in_zone else epoch


def _middle(bid: str, ask: str) -> str:
    try:
        return str((Decimal(bid) + Decimal(ask)) / 2)
    except InvalidOperation:
        raise Refused("bad_decimal", f"bid {bid[:60]!r}, ask {ask[:60]!r}") from None


def _key(venue: Venue, symbol: str) -> str:
    try:
        return from_venue(venue, symbol).key
    except UnknownSymbol as error:
        raise Refused("unknown_symbol", str(error)) from None


def _time(text: str) -> int:
    try:
        return legacy_time_us(text)
    except (ValueError, OverflowError):
        raise Refused("bad_time", f"{text[:60]!r} is neither an ISO 8601 time nor a number since 1970") from None


PARSERS: dict[str, Parser] = {
    Schema.LEGACY_LISTED: parse_listed,
    Schema.LEGACY_POLLED: parse_polled,
    Schema.LEGACY_BITCOIN: parse_bitcoin,
    Schema.LEGACY_COIN: parse_coin,
    Schema.LEGACY_STOCK: parse_stock,
}
