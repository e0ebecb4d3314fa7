"""Venues and symbols: one canonical spelling (`BTC-USDT`), safe in a path, mapped to and from each venue's own.

The mapping is by rule plus the exceptions each venue is known for; a versioned registry of instruments stands above it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_CANONICAL = re.compile(r"^[A-Z0-9]{1,20}-[A-Z0-9]{2,20}$")
_BINANCE_QUOTES = (
    "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USDP", "DAI", "BTC", "ETH", "BNB", "EUR", "GBP", "TRY", "BRL", "JPY",
    "AUD", "PLN", "RON", "ARS", "ZAR", "UAH", "MXN", "CZK", "XRP", "TRX", "DOGE", "SOL", "DOT", "USD",
)  # fmt: skip
_KRAKEN_ALIASES = {"XBT": "BTC", "XDG": "DOGE"}
_KRAKEN_QUOTES = ("USDT", "USDC", "ZUSD", "ZEUR", "ZGBP", "ZJPY", "ZCAD", "ZAUD", "XXBT", "XETH", "USD", "EUR", "GBP",
                  "JPY", "CAD", "CHF", "AUD", "XBT", "ETH", "BTC", "DAI")  # fmt: skip


class Venue(StrEnum):
    """Where a trade happened, or who quotes a price."""

    BINANCE = "binance"
    KRAKEN = "kraken"
    COINBASE = "coinbase"
    COINGECKO = "coingecko"
    COINMARKETCAP = "coinmarketcap"
    CRYPTOCOMPARE = "cryptocompare"
    FINNHUB = "finnhub"


class UnknownSymbol(ValueError):
    """A spelling that no rule of the venue understands."""


@dataclass(frozen=True, order=True, slots=True)
class Instrument:
    """A market: one symbol on one venue."""

    venue: Venue
    symbol: str

    def __post_init__(self) -> None:
        if not _CANONICAL.match(self.symbol):
            raise UnknownSymbol(f"symbol {self.symbol!r} is not of the form BTC-USDT")

    @property
    def key(self) -> str:
        """Key of its Kafka records, ``binance:BTC-USDT``."""
        return f"{self.venue}:{self.symbol}"

    @property
    def base(self) -> str:
        """What is traded."""
        return self.symbol.split("-")[0]

    @property
    def quote(self) -> str:
        """What it is paid in."""
        return self.symbol.split("-")[1]

    def __str__(self) -> str:
        return self.key

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Let settings hold instruments as they are."""
        from pydantic_core import core_schema  # noqa: PLC0415 - the contract does not depend on pydantic

        return core_schema.is_instance_schema(cls)


def parse_instrument(key: str) -> Instrument:
    """``binance:BTC-USDT`` to an instrument. Raises :class:`UnknownSymbol` naming what is wrong."""
    venue, separator, symbol = key.partition(":")
    if not separator or venue not in set(Venue):
        raise UnknownSymbol(f"{key!r} is not venue:BASE-QUOTE with a venue of {', '.join(Venue)}")
    return Instrument(Venue(venue), symbol)


def from_venue(venue: Venue, spelling: str) -> Instrument:
    """A venue's own spelling (``BTCUSDT``, ``XBT/USD``, ``XXBTZUSD``) to an instrument. Raises UnknownSymbol."""
    name = spelling.upper()
    if venue not in {Venue.BINANCE, Venue.KRAKEN}:
        return Instrument(venue, name if "-" in name else f"{name}-USD")
    if venue is Venue.BINANCE:
        base, quote = _split(name, _BINANCE_QUOTES, spelling)
    else:
        base, quote = name.split("/") if "/" in name else _split(name, _KRAKEN_QUOTES, spelling)
        base, quote = _kraken_asset(base), _kraken_asset(quote)
    return Instrument(venue, f"{base}-{quote}")


def to_venue(instrument: Instrument) -> str:
    """The spelling the venue's socket understands: ``BTCUSDT`` on Binance, ``BTC/USD`` on Kraken, else ``BTC-USD``."""
    separator = {Venue.BINANCE: "", Venue.KRAKEN: "/"}.get(instrument.venue, "-")
    return f"{instrument.base}{separator}{instrument.quote}"


def _split(name: str, quotes: tuple[str, ...], spelling: str) -> tuple[str, str]:
    for quote in quotes:
        if name.endswith(quote) and len(name) > len(quote):
            return name.removesuffix(quote), quote
    raise UnknownSymbol(f"no known quote asset ends {spelling!r}")


def _kraken_asset(asset: str) -> str:
    plain = asset[1:] if len(asset) == 4 and asset[0] in "XZ" else asset
    return _KRAKEN_ALIASES.get(plain, plain)
