"""Quotes of polled vendors as typed structs: what a vendor says of one asset, numbers as the text they came in.

Fields after the vendors' pages: CoinGecko ``coins/markets``, CoinMarketCap ``listings/latest``, CryptoCompare
``pricemultifull``, Binance ``ticker/24hr``, Finnhub ``quote`` and its socket's trades. Zero stands for "not known" in
all of them.
"""

from typing import Any

import msgspec

from streaming.feeds.parsed import Parser, Quote, Refused
from streaming.feeds.times import rfc3339_us

Number = msgspec.Raw
_NULL = msgspec.Raw(b"null")
_UNKNOWN = {"null", '""'}


class _CoinGecko(msgspec.Struct):
    id: str
    symbol: str
    current_price: Number
    last_updated: str | None = None
    market_cap: Number = _NULL
    total_volume: Number = _NULL
    high_24h: Number = _NULL
    low_24h: Number = _NULL
    name: str | None = None
    price_change_24h: Number = _NULL
    price_change_percentage_24h: Number = _NULL
    price_change_percentage_1h_in_currency: Number = _NULL
    price_change_percentage_7d_in_currency: Number = _NULL


class _CoinMarketCapQuote(msgspec.Struct):
    price: Number
    last_updated: str | None = None
    volume_24h: Number = _NULL
    percent_change_1h: Number = _NULL
    percent_change_24h: Number = _NULL
    percent_change_7d: Number = _NULL
    market_cap: Number = _NULL


class _CoinMarketCap(msgspec.Struct):
    id: int
    symbol: str
    quote: dict[str, _CoinMarketCapQuote]
    name: str | None = None


class _CryptoCompare(msgspec.Struct, rename="upper"):
    fromsymbol: str
    tosymbol: str
    price: Number
    lastupdate: int
    mktcap: Number = _NULL
    volume24hourto: Number = _NULL
    changepcthour: Number = _NULL
    changepct24hour: Number = _NULL
    change24hour: Number = _NULL
    high24hour: Number = _NULL
    low24hour: Number = _NULL


class _Binance24h(msgspec.Struct, rename="camel"):
    symbol: str
    last_price: Number
    close_time: int
    price_change: Number = _NULL
    price_change_percent: Number = _NULL
    quote_volume: Number = _NULL
    bid_price: Number = _NULL
    bid_qty: Number = _NULL
    ask_price: Number = _NULL
    ask_qty: Number = _NULL
    high_price: Number = _NULL
    low_price: Number = _NULL


class _Finnhub(msgspec.Struct):
    c: Number
    t: int
    d: Number = _NULL
    dp: Number = _NULL
    h: Number = _NULL
    l: Number = _NULL  # noqa: E741 - the vendor's name


class _FinnhubTrade(msgspec.Struct):
    s: str
    p: Number
    t: int


def parse_coingecko(value: bytes) -> Quote:
    """One element of ``coins/markets``. Raises Refused."""
    m = msgspec.json.decode(value, type=_CoinGecko)
    return Quote(
        symbol=m.symbol, time_us=_iso(m.last_updated), price=text_of(m.current_price), market_cap=text_of(m.market_cap),
        volume_24h=text_of(m.total_volume), change_1h=text_of(m.price_change_percentage_1h_in_currency),
        change_24h=text_of(m.price_change_percentage_24h), change_7d=text_of(m.price_change_percentage_7d_in_currency),
        high_24h=text_of(m.high_24h), low_24h=text_of(m.low_24h), name=m.name,
        price_change_24h=text_of(m.price_change_24h),
    )  # fmt: skip


def parse_coinmarketcap(value: bytes) -> Quote:
    """One element of ``listings/latest``, in dollars. Raises Refused."""
    m = msgspec.json.decode(value, type=_CoinMarketCap)
    if "USD" not in m.quote:
        raise Refused("missing_field", f"no quote of {m.symbol} in USD")
    q = m.quote["USD"]
    return Quote(
        symbol=m.symbol, time_us=_iso(q.last_updated), price=text_of(q.price), market_cap=text_of(q.market_cap),
        volume_24h=text_of(q.volume_24h), change_1h=text_of(q.percent_change_1h),
        change_24h=text_of(q.percent_change_24h), change_7d=text_of(q.percent_change_7d), name=m.name,
    )  # fmt: skip


def parse_cryptocompare(value: bytes) -> Quote:
    """One pair under ``RAW`` of ``pricemultifull``."""
    m = msgspec.json.decode(value, type=_CryptoCompare)
    return Quote(
        symbol=f"{m.fromsymbol}-{m.tosymbol}", time_us=m.lastupdate * 1_000_000, price=text_of(m.price),
        market_cap=text_of(m.mktcap), volume_24h=text_of(m.volume24hourto), change_1h=text_of(m.changepcthour),
        change_24h=text_of(m.changepct24hour), high_24h=text_of(m.high24hour), low_24h=text_of(m.low24hour),
        price_change_24h=text_of(m.change24hour),
    )  # fmt: skip


def parse_binance_24h(value: bytes) -> Quote:
    """One element of ``ticker/24hr``."""
    m = msgspec.json.decode(value, type=_Binance24h)
    return Quote(
        symbol=m.symbol, time_us=m.close_time * 1000, price=text_of(m.last_price), volume_24h=text_of(m.quote_volume),
        change_24h=text_of(m.price_change_percent), bid_price=text_of(m.bid_price), bid_quantity=text_of(m.bid_qty),
        ask_price=text_of(m.ask_price), ask_quantity=text_of(m.ask_qty), high_24h=text_of(m.high_price),
        low_24h=text_of(m.low_price), price_change_24h=text_of(m.price_change),
    )  # fmt: skip


def parse_finnhub(value: bytes) -> Quote:
    """An answer of ``quote``; all zeros is what the vendor says of a symbol it does not know. Raises Refused."""
    m = msgspec.json.decode(value, type=_Finnhub)
    if m.t == 0:
        raise Refused("no_quote", "all zeros: the vendor does not know the symbol")
    return Quote(
        symbol="", time_us=m.t * 1_000_000, price=text_of(m.c), change_24h=text_of(m.dp), high_24h=text_of(m.h),
        low_24h=text_of(m.l), price_change_24h=text_of(m.d),
    )  # fmt: skip


def parse_finnhub_trade(value: bytes) -> Quote:
    """One element of the socket's trades: they carry no id and repeat, so each is a price that was seen, no more."""
    m = msgspec.json.decode(value, type=_FinnhubTrade)
    return Quote(symbol=m.s, time_us=m.t * 1000, price=text_of(m.p))


def _iso(text: str | None) -> int | None:
    return rfc3339_us(text) if text else None


def text_of(number: Any) -> str | None:
    """A number as the text it came in, None for null."""
    text = bytes(number).decode().strip()
    return None if text in _UNKNOWN else text.strip('"')


PARSERS: dict[str, Parser] = {
    "coingecko.rest.market": parse_coingecko,
    "coinmarketcap.rest.listing": parse_coinmarketcap,
    "cryptocompare.rest.full": parse_cryptocompare,
    "binance.rest.ticker24h": parse_binance_24h,
    "finnhub.rest.quote": parse_finnhub,
    "finnhub.ws.trade": parse_finnhub_trade,
}
