"""Lake tables, each one constant, and the list of all of them. All else is rendered from here."""

from cryptoviz.lake.candle_tables import CANDLE_PUBLICATIONS, CANDLE_REVISIONS, OHLC
from cryptoviz.lake.forecast_tables import FORECAST_TABLES
from cryptoviz.lake.metric_tables import METRIC_TABLES
from cryptoviz.lake.schema import MARKET, PRICES, WINDOW, Column, Owner, Table, Type


def _coordinates() -> tuple[Column, ...]:
    return (
        Column("topic", Type.STRING, "Kafka topic the record came from"),
        Column("partition", Type.INT32, "Kafka partition"),
        Column("offset", Type.INT64, "Kafka offset; with topic and partition, the coordinates of the record"),
        Column("kafka_time", Type.TIMESTAMP, "Timestamp of the Kafka record"),
    )


def _record() -> tuple[Column, ...]:
    return (
        *_coordinates(),
        Column("key", Type.STRING, "Key of the record, venue:symbol", nullable=True),
        Column("schema", Type.STRING, "Shape of the value, such as binance.ws.trade"),
        Column(
            "source", Type.STRING, "How it reached us, such as ws, rest, repair or import; empty if it does not say"
        ),
        Column("received_time", Type.TIMESTAMP, "When the feed received it, by its own clock", nullable=True),
        Column(
            "connection",
            Type.STRING,
            "Connection it came through; of a row out of an archive, import:NUMBER:FILE#ROW",
        ),
        Column("value", Type.BINARY, "The venue's bytes, untouched", nullable=True),
        Column("row_hash", Type.INT64, "xxHash64 of the value, seed 42, equal to Spark's xxhash64"),
    )


def _raw(topic: str, *, others: str = "") -> Table:
    return Table(
        name=f"raw_{topic}",
        doc=f"One row for each Kafka record of the topic `{topic}`{others}, as it came.",
        columns=_record(),
        key=("topic", "partition", "offset"),
        time_column="kafka_time",
        owner=Owner.SPARK,
        statistics=("partition", "offset", "kafka_time"),
    )


RAW_TRADES = _raw("trades")
RAW_KLINES = _raw("klines")
RAW_BOOK_TICKERS = _raw("book_tickers")
RAW_QUOTES = _raw("quotes", others=" and the topics of earlier pipelines")
RAW_INSTRUMENTS = _raw("instruments")
RAW_GAPS = _raw("gaps")

TRADES = Table(
    name="trades",
    doc="One row for each trade (or aggregate trade), exactly once.",
    columns=(
        *MARKET,
        Column("trade_id", Type.INT64, "The venue's id; of an aggregate, its first trade's"),
        Column("last_trade_id", Type.INT64, "Id of the last trade of an aggregate; otherwise equal to trade_id"),
        Column("event_time", Type.TIMESTAMP, "When the trade happened, by the venue's clock"),
        Column("price", Type.DECIMAL, "Price in quote units"),
        Column("quantity", Type.DECIMAL, "Quantity in base units"),
        Column("quote_quantity", Type.DECIMAL, "price x quantity, exact, in quote units"),
        Column("side", Type.STRING, "Side of the aggressor: buy or sell"),
        Column("source", Type.STRING, "How it reached us: ws, rest, repair, backfill, history or replay"),
        Column("received_time", Type.TIMESTAMP, "When the feed received it, by its own clock", nullable=True),
        Column("lateness_ms", Type.INT64, "Kafka timestamp minus event time, in milliseconds"),
        *_coordinates(),
        Column("row_hash", Type.INT64, "xxHash64 of the venue's bytes, seed 42"),
    ),
    key=("venue", "symbol", "trade_id"),
    time_column="event_time",
    owner=Owner.SPARK,
    statistics=("event_time", "trade_id", "partition", "offset"),
)

KLINES = Table(
    name="klines",
    doc="The venue's own closed hourly candles, for history before our trades and as a witness of our candles.",
    columns=(
        *MARKET,
        Column("interval", Type.STRING, "Length of the window: 1h"),
        *WINDOW,
        *(column for column in PRICES if column.name != "quote_volume"),
        Column("quote_volume", Type.DECIMAL, "Quote units traded; null where the venue does not say", nullable=True),
        Column("trade_count", Type.INT64, "Trades in the window, by the venue's count"),
        Column("taker_buy_volume", Type.DECIMAL, "Base units bought by aggressors; null as above", nullable=True),
        Column("taker_buy_quote_volume", Type.DECIMAL, "Quote units paid by them; null as above", nullable=True),
        Column("source", Type.STRING, "How it reached us: rest, backfill or replay"),
        Column("received_time", Type.TIMESTAMP, "When the feed received it, by its own clock", nullable=True),
        *_coordinates(),
        Column("row_hash", Type.INT64, "xxHash64 of the venue's bytes, seed 42"),
    ),
    key=("venue", "symbol", "interval", "window_start"),
    time_column="window_start",
    owner=Owner.SPARK,
    statistics=("window_start",),
)

BOOK_TICKERS = Table(
    name="book_tickers",
    doc="The best bid and ask of each market, sampled: the last state of each interval in which it changed.",
    columns=(
        *MARKET,
        Column("event_time", Type.TIMESTAMP, "When it was so, by the venue; when received, if the venue does not say"),
        Column("bid_price", Type.DECIMAL, "Highest price bid, in quote units"),
        Column("bid_quantity", Type.DECIMAL, "Quantity bid at it, in base units"),
        Column("ask_price", Type.DECIMAL, "Lowest price asked, in quote units"),
        Column("ask_quantity", Type.DECIMAL, "Quantity asked at it, in base units"),
        Column("update_id", Type.INT64, "The venue's id of the book's state, if it has one", nullable=True),
        Column("source", Type.STRING, "How it reached us: ws or replay"),
        Column("received_time", Type.TIMESTAMP, "When the feed received it, by its own clock", nullable=True),
        *_coordinates(),
        Column("row_hash", Type.INT64, "xxHash64 of the venue's bytes, seed 42"),
    ),
    key=("topic", "partition", "offset"),
    time_column="event_time",
    owner=Owner.SPARK,
    statistics=("event_time", "partition", "offset"),
)

QUOTES = Table(
    name="quotes",
    doc="One row for each quote of a polled vendor. Sampled: what was between two samples nobody knows.",
    columns=(
        *MARKET,
        Column("price", Type.DECIMAL, "Price in quote units"),
        Column("market_cap", Type.DECIMAL, "Price times what circulates, in quote units", nullable=True),
        Column("volume_24h", Type.DECIMAL, "Traded in 24 hours, in quote units", nullable=True),
        Column("change_1h", Type.DECIMAL, "Change of the price in an hour, in percent", nullable=True),
        Column(
            "change_24h",
            Type.DECIMAL,
            "Change in 24 hours, in percent; of a stock, since the close before",
            nullable=True,
        ),
        Column("change_7d", Type.DECIMAL, "Change in 7 days, in percent", nullable=True),
        Column("bid_price", Type.DECIMAL, "Highest price bid", nullable=True),
        Column("bid_quantity", Type.DECIMAL, "Quantity bid at it, in base units", nullable=True),
        Column("ask_price", Type.DECIMAL, "Lowest price asked", nullable=True),
        Column("ask_quantity", Type.DECIMAL, "Quantity asked at it, in base units", nullable=True),
        Column("high_24h", Type.DECIMAL, "Highest price of 24 hours; of a stock, of its session", nullable=True),
        Column("low_24h", Type.DECIMAL, "Lowest price of 24 hours; of a stock, of its session", nullable=True),
        Column("name", Type.STRING, "What the vendor calls the asset in full, as it spells it", nullable=True),
        Column(
            "price_change_24h",
            Type.DECIMAL,
            "Change in 24 hours, in quote units; of a stock, since the close before",
            nullable=True,
        ),
        Column(
            "other_fields",
            Type.STRING,
            "Fields of an earlier pipeline's record that have no column here, as a JSON object",
            nullable=True,
        ),
        Column(
            "source",
            Type.STRING,
            "How it reached us: sampled, replay, legacy (sent by an earlier pipeline) or import (out of its archive)",
        ),
        Column("source_time", Type.TIMESTAMP, "When the vendor says that it was so", nullable=True),
        Column("received_time", Type.TIMESTAMP, "When the feed received it, by its own clock"),
        Column("age_ms", Type.INT64, "Received minus the vendor's time, in milliseconds", nullable=True),
        Column("is_stale", Type.BOOL, "More than 10 minutes old when received; a closed market does not age"),
        *_coordinates(),
        Column("row_hash", Type.INT64, "xxHash64 of the vendor's bytes, seed 42"),
    ),
    key=("topic", "partition", "offset"),
    time_column="received_time",
    owner=Owner.SPARK,
    statistics=("received_time", "partition", "offset"),
)

INSTRUMENTS = Table(
    name="instruments",
    doc="One row for each version of a market's listing: it holds from its time until the next one of the market.",
    columns=(
        *MARKET,
        Column("venue_symbol", Type.STRING, "The venue's own spelling"),
        Column("base", Type.STRING, "What is traded"),
        Column("quote", Type.STRING, "What it is paid in"),
        Column("tick_size", Type.DECIMAL, "Smallest step of a price, in quote units", nullable=True),
        Column("lot_size", Type.DECIMAL, "Smallest step of a quantity, in base units", nullable=True),
        Column("status", Type.STRING, "The venue's word in lower case, such as trading; delisted when it is gone"),
        Column("event_time", Type.TIMESTAMP, "When it was first seen so"),
        *_coordinates(),
        Column("row_hash", Type.INT64, "xxHash64 of the record's bytes, seed 42"),
    ),
    key=("topic", "partition", "offset"),
    time_column="event_time",
    owner=Owner.SPARK,
    statistics=("event_time", "partition", "offset"),
)

GAPS = Table(
    name="gaps",
    doc="One row for each state of each gap in a market's trade ids; the latest of a gap says how it stands.",
    columns=(
        *MARKET,
        Column("first_id", Type.INT64, "First id that was missing; with venue and symbol, the gap"),
        Column("last_id", Type.INT64, "Last id that was missing"),
        Column("state", Type.STRING, "open, repaired or unrecoverable"),
        Column("cause", Type.STRING, "hole (skipped while connected), reconnect or restart"),
        Column("opened_time", Type.TIMESTAMP, "When the gap was found"),
        Column("event_time", Type.TIMESTAMP, "When it came into this state"),
        Column("since_time", Type.TIMESTAMP, "The venue's time of the last trade before it, if known", nullable=True),
        Column("evidence", Type.STRING, "What the venue answered, of one that is unrecoverable", nullable=True),
        *_coordinates(),
        Column("row_hash", Type.INT64, "xxHash64 of the record's bytes, seed 42"),
    ),
    key=("topic", "partition", "offset"),
    time_column="event_time",
    owner=Owner.SPARK,
    statistics=("event_time", "partition", "offset"),
)

QUARANTINE = Table(
    name="quarantine",
    doc="One row for each record refused by the clean query, with the reason and the first bytes of it.",
    columns=(
        *_record(),
        Column("value_size", Type.INT64, "Size of the whole value in bytes; the value is cut at 64 KiB"),
        Column("reason", Type.STRING, "Why it was refused, one word or two"),
        Column("detail", Type.STRING, "What was found, in a sentence", nullable=True),
    ),
    key=("topic", "partition", "offset"),
    time_column="kafka_time",
    owner=Owner.SPARK,
    statistics=("partition", "offset"),
)

DUPLICATES = Table(
    name="duplicates",
    doc="One row for each record whose ids are already in the lake.",
    columns=(
        *_coordinates(),
        *MARKET,
        Column("trade_id", Type.INT64, "First id of the record"),
        Column("last_trade_id", Type.INT64, "Last id of the record"),
        Column("event_time", Type.TIMESTAMP, "When it happened, by the venue's clock"),
        Column("source", Type.STRING, "How it reached us: ws, rest, repair, backfill, history or replay"),
        Column("price", Type.DECIMAL, "What the record says of it, where it says a price", nullable=True),
        Column("quantity", Type.DECIMAL, "So for the quantity, in base units", nullable=True),
        Column("row_hash", Type.INT64, "xxHash64 of the venue's bytes, seed 42"),
    ),
    key=("topic", "partition", "offset"),
    time_column="kafka_time",
    owner=Owner.SPARK,
    statistics=("partition", "offset"),
)


TABLES = (
    RAW_TRADES, RAW_KLINES, RAW_BOOK_TICKERS, RAW_QUOTES, RAW_INSTRUMENTS, RAW_GAPS,
    TRADES, KLINES, BOOK_TICKERS, QUOTES, INSTRUMENTS, GAPS, QUARANTINE, DUPLICATES,
    *OHLC.values(), CANDLE_REVISIONS, CANDLE_PUBLICATIONS,
    *METRIC_TABLES,
    *FORECAST_TABLES,
)  # fmt: skip
BY_NAME = {table.name: table for table in TABLES}


class UnknownTable(ValueError):
    """No table of the contract has this name."""


def table_named(name: str) -> Table:
    """The table of this name. Raises :class:`UnknownTable` listing those there are."""
    try:
        return BY_NAME[name]
    except KeyError:
        raise UnknownTable(f"no table {name!r}; there are {', '.join(BY_NAME)}") from None
