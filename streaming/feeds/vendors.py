"""The polled vendors, each with its addresses, key and pace from the settings.

Paces keep a free plan's monthly allowance: CoinGecko and CoinMarketCap 10,000 calls, CryptoCompare 100,000.
"""

from collections.abc import Mapping, Sequence

import msgspec
from pydantic import SecretStr

from cryptoviz.lake.symbols import Instrument, Venue, from_venue, to_venue
from cryptoviz.lake.topics import Schema
from cryptoviz.settings import Settings
from streaming.feeds.budget import Budget
from streaming.feeds.finnhub_socket import FinnhubSocket
from streaming.feeds.polling import PolledVendor, sample
from streaming.feeds.record import Record
from streaming.feeds.rest import RestClient
from streaming.feeds.venue import VenueFeed

_MONTHLY_S = 300.0
_elements = msgspec.json.Decoder(list[msgspec.Raw])


class _Named(msgspec.Struct):
    symbol: str


class _Listings(msgspec.Struct):
    data: list[msgspec.Raw]


class _Raw(msgspec.Struct, rename="upper"):
    raw: dict[str, dict[str, msgspec.Raw]]


_named = msgspec.json.Decoder(_Named)
_listings = msgspec.json.Decoder(_Listings)
_raw = msgspec.json.Decoder(_Raw)


class _Vendor:
    name: str

    def __init__(self, *, url: str, calls_a_minute: float, interval_s: float, headers: Mapping[str, str]) -> None:
        self.interval_s, self.missing_key = interval_s, ""
        self.rest = RestClient(
            base_url=url, budget=Budget(self.name, limit=calls_a_minute, seconds=60), headers=headers
        )

    async def close(self) -> None:
        """Close connections."""
        await self.rest.close()


class CoinGecko(_Vendor):
    """``coins/markets``: the largest 250 by market cap in one call."""

    name = "coingecko"

    def __init__(self, settings: Settings) -> None:
        key = _key(settings, self.name)
        super().__init__(
            url=settings.coingecko_url, calls_a_minute=25 if key else 5,
            interval_s=max(_MONTHLY_S, settings.quote_interval.total_seconds()),
            headers={"x-cg-demo-api-key": key} if key else {},
        )  # fmt: skip
        self._wanted = settings.quote_assets[: settings.max_quote_assets]

    async def poll(self) -> list[Record]:
        """Of two assets with one ticker the larger one is meant."""
        params: dict[str, str | int] = {
            "vs_currency": "usd",
            "order": "market_cap_desc",
            "per_page": 250,
            "page": 1,
            "price_change_percentage": "1h,7d",
        }
        body = await self.rest.get("/api/v3/coins/markets", params)
        return _chosen(Venue.COINGECKO, _elements.decode(body), self._wanted, Schema.COINGECKO_REST_MARKET)


class CoinMarketCap(_Vendor):
    """``listings/latest``: the largest 200 by market cap for one credit."""

    name = "coinmarketcap"

    def __init__(self, settings: Settings) -> None:
        key = _key(settings, self.name)
        super().__init__(
            url=settings.coinmarketcap_url, calls_a_minute=25,
            interval_s=max(_MONTHLY_S, settings.quote_interval.total_seconds()),
            headers={"X-CMC_PRO_API_KEY": key},
        )  # fmt: skip
        self.missing_key = "" if key else "COINMARKETCAP_API_KEY"
        self._wanted = settings.quote_assets[: settings.max_quote_assets]

    async def poll(self) -> list[Record]:
        """Of two assets with one ticker the larger one is meant."""
        body = await self.rest.get("/v1/cryptocurrency/listings/latest", {"limit": 200, "convert": "USD"})
        return _chosen(
            Venue.COINMARKETCAP, _listings.decode(body).data, self._wanted, Schema.COINMARKETCAP_REST_LISTING
        )


class CryptoCompare(_Vendor):
    """``pricemultifull``."""

    name = "cryptocompare"

    def __init__(self, settings: Settings) -> None:
        key = _key(settings, self.name)
        super().__init__(
            url=settings.cryptocompare_url, calls_a_minute=60, interval_s=settings.quote_interval.total_seconds(),
            headers={"authorization": f"Apikey {key}"} if key else {},
        )  # fmt: skip
        self._wanted = settings.quote_assets[: settings.max_quote_assets]

    async def poll(self) -> list[Record]:
        """All assets in one call."""
        body = await self.rest.get("/data/pricemultifull", {"fsyms": ",".join(self._wanted), "tsyms": "USD"})
        return [
            sample(Instrument(Venue.CRYPTOCOMPARE, f"{asset}-{quote}"), bytes(value), Schema.CRYPTOCOMPARE_REST_FULL)
            for asset, quotes in _raw.decode(body).raw.items()
            for quote, value in quotes.items()
            if asset in self._wanted
        ]


class Finnhub(_Vendor):
    """``quote`` of stocks, one call each."""

    name = "finnhub"

    def __init__(self, settings: Settings) -> None:
        key = _key(settings, self.name)
        super().__init__(
            url=settings.finnhub_url, calls_a_minute=55, interval_s=settings.quote_interval.total_seconds(),
            headers={"X-Finnhub-Token": key},
        )  # fmt: skip
        self.missing_key = "" if key else "FINNHUB_API_KEY"
        self._stocks = settings.stocks

    async def poll(self) -> list[Record]:
        """One after another, as the budget allows."""
        bodies = [(stock, await self.rest.get("/api/v1/quote", {"symbol": stock})) for stock in self._stocks]
        return [sample(Instrument(Venue.FINNHUB, f"{s}-USD"), body, Schema.FINNHUB_REST_QUOTE) for s, body in bodies]


class BinanceDay:
    """``ticker/24hr`` of the markets recorded anyway, under the venue's own budget."""

    name = "binance_24h"
    missing_key = ""

    def __init__(self, settings: Settings, venue: VenueFeed) -> None:
        self.interval_s, self.rest = settings.quote_interval.total_seconds(), venue.rest
        self._wanted = [i for i in settings.instruments if i.venue is Venue.BINANCE]

    async def poll(self) -> list[Record]:
        """All markets in one call; weight 2 a symbol up to 20, then 40."""
        if not self._wanted:
            return []
        names = ",".join(f'"{to_venue(instrument)}"' for instrument in self._wanted)
        weight = 2 if len(self._wanted) <= 20 else 40
        body = await self.rest.get("/api/v3/ticker/24hr", {"symbols": f"[{names}]"}, weight=weight)
        return [
            sample(from_venue(Venue.BINANCE, _named.decode(value).symbol), bytes(value), Schema.BINANCE_REST_DAY)
            for value in _elements.decode(body)
        ]

    async def close(self) -> None:
        """The venue closes what is the venue's."""


def finnhub_socket(settings: Settings) -> FinnhubSocket | None:
    """The socket of the stocks; none without a key."""
    key = _key(settings, "finnhub")
    return FinnhubSocket(url=settings.finnhub_ws_url, token=key) if key else None


def build_vendors(settings: Settings, feeds: Mapping[Venue, VenueFeed]) -> list[PolledVendor]:
    """Every vendor, those without a key too. Making one opens no connection."""
    return [
        CoinGecko(settings), CoinMarketCap(settings), CryptoCompare(settings), Finnhub(settings),
        BinanceDay(settings, feeds[Venue.BINANCE]),
    ]  # fmt: skip


def _key(settings: Settings, vendor: str) -> str:
    """The vendor's key; in a demo, one that only the simulator takes."""
    key: SecretStr = getattr(settings, f"{vendor}_api_key")
    return "simulated" if settings.demo else key.get_secret_value()


def _chosen(venue: Venue, values: Sequence[msgspec.Raw], wanted: Sequence[str], schema: str) -> list[Record]:
    """The first of each wanted symbol; vendors list by market cap."""
    found: dict[str, Record] = {}
    for value in values:
        symbol = _named.decode(value).symbol.upper()
        if symbol in wanted and symbol not in found:
            found[symbol] = sample(Instrument(venue, f"{symbol}-USD"), bytes(value), schema)
    return list(found.values())
