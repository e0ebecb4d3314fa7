"""How venues list their markets, in one shape: what a venue said of a market holds until it says otherwise."""

import contextlib
from collections.abc import Iterable

import msgspec

from cryptoviz.lake.symbols import Instrument, UnknownSymbol, Venue, from_venue
from cryptoviz.lake.topics import INSTRUMENTS, Schema, Source
from streaming.feeds.parsed import ListingNotice, Parser
from streaming.feeds.record import Record

DELISTED = "delisted"


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A market as a venue lists it. Sizes are decimal text; ``status`` is the venue's word in lower case."""

    venue: str
    symbol: str
    venue_symbol: str
    base: str
    quote: str
    tick_size: str | None
    lot_size: str | None
    status: str

    @property
    def instrument(self) -> Instrument:
        """The market."""
        return Instrument(Venue(self.venue), self.symbol)

    def record(self, received_ns: int) -> Record:
        """For the topic."""
        return Record(
            instrument=self.instrument, first_id=0, last_id=0, time_us=received_ns // 1000,
            value=msgspec.json.encode(self), schema=Schema.LISTING, source=Source.FEED, connection="rest",
            received_ns=received_ns, topic=INSTRUMENTS,
        )  # fmt: skip


class _BinanceFilter(msgspec.Struct, rename="camel"):
    filter_type: str = ""
    tick_size: str | None = None
    step_size: str | None = None


class _BinanceSymbol(msgspec.Struct, rename="camel"):
    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    filters: list[_BinanceFilter] = []


class _BinanceInfo(msgspec.Struct):
    symbols: list[_BinanceSymbol]


class _KrakenPair(msgspec.Struct):
    wsname: str = ""
    pair_decimals: int = 0
    lot_decimals: int = 0
    status: str = "online"
    tick_size: str | None = None


class _KrakenPairs(msgspec.Struct):
    result: dict[str, _KrakenPair]


class _CoinbaseProduct(msgspec.Struct):
    id: str
    base_currency: str
    quote_currency: str
    quote_increment: str
    base_increment: str
    status: str


_binance = msgspec.json.Decoder(_BinanceInfo)
_kraken = msgspec.json.Decoder(_KrakenPairs)
_coinbase = msgspec.json.Decoder(list[_CoinbaseProduct])
_listing = msgspec.json.Decoder(Listing)


def binance_listings(body: bytes) -> list[Listing]:
    """``exchangeInfo``. The venue names base and quote itself, so a ticker that reads two ways is no riddle."""
    found = []
    for s in _binance.decode(body).symbols:
        ticks = next((f.tick_size for f in s.filters if f.filter_type == "PRICE_FILTER"), None)
        lots = next((f.step_size for f in s.filters if f.filter_type == "LOT_SIZE"), None)
        found.append(_made(Venue.BINANCE, s.symbol, s.base_asset, s.quote_asset, ticks, lots, s.status))
    return _known(found)


def kraken_listings(body: bytes) -> list[Listing]:
    """``AssetPairs``, under the names of socket and REST that mean the same (XBT is BTC)."""
    found = []
    for name, pair in _kraken.decode(body).result.items():
        try:
            market = from_venue(Venue.KRAKEN, pair.wsname)
        except (UnknownSymbol, ValueError):
            continue
        ticks = pair.tick_size or _power(pair.pair_decimals)
        lots = _power(pair.lot_decimals)
        found.append(_made(Venue.KRAKEN, name, market.base, market.quote, ticks, lots, pair.status))
    return _known(found)


def coinbase_listings(body: bytes) -> list[Listing]:
    """``products``."""
    return _known(
        _made(
            Venue.COINBASE, p.id, p.base_currency, p.quote_currency, p.quote_increment, p.base_increment, p.status
        )
        for p in _coinbase.decode(body)
    )  # fmt: skip


def changes(before: dict[str, Listing], now: Iterable[Listing], wanted: Iterable[Instrument]) -> list[Listing]:
    """What is new or other among the wanted markets; one that is no longer listed is ``delisted``."""
    listed = {listing.instrument.key: listing for listing in now}
    found = []
    for instrument in wanted:
        old, new = before.get(instrument.key), listed.get(instrument.key)
        if new is None and old is not None and old.status != DELISTED:
            new = msgspec.structs.replace(old, status=DELISTED)
        if new is not None and new != old:
            found.append(new)
    return found


def decode_listing(value: bytes) -> Listing:
    """A record's value. Raises msgspec.DecodeError."""
    return _listing.decode(value)


def parse_listing(value: bytes) -> ListingNotice:
    """For the clean query."""
    m = decode_listing(value)
    return ListingNotice(
        f"{m.venue}:{m.symbol}", m.venue_symbol, m.base, m.quote, m.tick_size, m.lot_size, m.status
    )  # fmt: skip


def _made(
    venue: Venue, spelling: str, base: str, quote: str, ticks: str | None, lots: str | None, status: str
) -> Listing:
    return Listing(
        venue=venue, symbol=f"{base}-{quote}".upper(), venue_symbol=spelling, base=base.upper(), quote=quote.upper(),
        tick_size=ticks, lot_size=lots, status=status.lower(),
    )  # fmt: skip


def _known(listings: Iterable[Listing]) -> list[Listing]:
    """Those whose symbol can be one of ours; venues list a few with signs that no path may hold."""
    found = []
    for listing in listings:
        with contextlib.suppress(UnknownSymbol):
            found += [listing] if listing.instrument else []
    return found


def _power(decimals: int) -> str:
    return f"1e-{decimals}" if decimals else "1"


PARSERS: dict[str, Parser] = {Schema.LISTING: parse_listing}
