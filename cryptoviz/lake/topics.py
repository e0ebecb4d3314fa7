"""Kafka topics: names, keys and the headers every record carries."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Schema(StrEnum):
    """Shape of a record's value: the venue's own message, named ``venue.channel.message``.

    ``CUT`` stands for one that is too large for Kafka: its size, digest and first bytes.
    ``GAP`` and ``LISTING`` are a gap's state and a market's listing, said by the feed itself.
    """

    BINANCE_WS_TRADE = "binance.ws.trade"
    BINANCE_WS_AGG_TRADE = "binance.ws.aggTrade"
    BINANCE_REST_TRADE = "binance.rest.trade"
    BINANCE_REST_AGG_TRADE = "binance.rest.aggTrade"
    BINANCE_REST_KLINE = "binance.rest.kline"
    BINANCE_WS_BOOK_TICKER = "binance.ws.bookTicker"
    KRAKEN_WS_TRADE = "kraken.ws.trade"
    KRAKEN_REST_TRADE = "kraken.rest.trade"
    KRAKEN_REST_OHLC = "kraken.rest.ohlc"
    KRAKEN_WS_TICKER = "kraken.ws.ticker"
    COINBASE_WS_MATCH = "coinbase.ws.match"
    COINBASE_WS_TICKER = "coinbase.ws.ticker"
    COINBASE_REST_TRADE = "coinbase.rest.trade"
    COINGECKO_REST_MARKET = "coingecko.rest.market"
    COINMARKETCAP_REST_LISTING = "coinmarketcap.rest.listing"
    CRYPTOCOMPARE_REST_FULL = "cryptocompare.rest.full"
    BINANCE_REST_DAY = "binance.rest.ticker24h"
    FINNHUB_REST_QUOTE = "finnhub.rest.quote"
    FINNHUB_WS_TRADE = "finnhub.ws.trade"
    LEGACY_LISTED = "legacy.crypto-raw-data"
    LEGACY_POLLED = "legacy.crypto_raw"
    LEGACY_BITCOIN = "legacy.cryptoTopic"
    LEGACY_COIN = "legacy.crypto_topic"
    LEGACY_STOCK = "legacy.stock_topic"
    CUT = "cryptoviz.cut"
    GAP = "cryptoviz.gap"
    LISTING = "cryptoviz.listing"


class Source(StrEnum):
    """How a record reached us: ``BACKFILL`` before the first start, ``HISTORY`` when asked for, ``FEED`` our own.

    ``LEGACY`` is a producer of an earlier pipeline that still runs, ``IMPORT`` an archive that one left.
    """

    WS = "ws"
    REST = "rest"
    REPAIR = "repair"
    BACKFILL = "backfill"
    REPLAY = "replay"
    HISTORY = "history"
    SAMPLED = "sampled"
    LEGACY = "legacy"
    IMPORT = "import"
    FEED = "feed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """A stream of one kind of record. One record is one trade, kline or quote: the venue's bytes, untouched.

    Records of a sampled topic carry no ids: each is a state at an instant, and none repeats another.
    """

    name: str
    clean_table: str
    doc: str
    partitions: int = 6
    is_sampled: bool = False

    @property
    def raw_table(self) -> str:
        """Table that keeps its records as they came."""
        return f"raw_{self.name}"


TRADES = Topic(name="trades", clean_table="trades", doc="Trades as the venues sent them.")
KLINES = Topic(name="klines", clean_table="klines", doc="Hourly klines as the venues published them.")
BOOK_TICKERS = Topic(
    name="book_tickers",
    clean_table="book_tickers",
    doc="Best bids and asks as the venues sent them, the last one of each symbol and interval.",
    is_sampled=True,
)
GAPS = Topic(
    name="gaps",
    clean_table="gaps",
    doc="Gaps in the ids of each market, as they open and end.",
    partitions=1,
    is_sampled=True,
)
QUOTES = Topic(
    name="quotes",
    clean_table="quotes",
    doc="Quotes of polled vendors: prices, market caps and changes as they gave them when asked.",
    is_sampled=True,
)
INSTRUMENTS = Topic(
    name="instruments",
    clean_table="instruments",
    doc="How venues list their markets, whenever it changes.",
    partitions=1,
    is_sampled=True,
)
TOPICS = (TRADES, KLINES, BOOK_TICKERS, QUOTES, INSTRUMENTS, GAPS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Headers:
    """Headers of a record. All values travel as UTF-8 text."""

    schema: str
    source: str
    received_ns: int
    connection: str

    def encode(self) -> list[tuple[str, str | bytes | None]]:
        """The header list a producer sends."""
        return [
            ("schema", self.schema.encode()),
            ("source", self.source.encode()),
            ("received_ns", str(self.received_ns).encode()),
            ("connection", self.connection.encode()),
        ]

    @classmethod
    def decode(cls, headers: Sequence[tuple[str, bytes]] | None) -> "Headers":
        """Read the headers of a record; what is missing or unreadable is empty, zero for the time."""
        found = {name: (value or b"").decode("utf-8", "replace") for name, value in headers or ()}
        received = found.get("received_ns", "")
        return cls(
            schema=found.get("schema", ""),
            source=found.get("source", ""),
            received_ns=int(received) if received.isascii() and received.isdigit() else 0,
            connection=found.get("connection", ""),
        )
