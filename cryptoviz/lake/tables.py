"""Lake tables, each one constant: columns, types, units, key, partitioning, owner. All else is rendered from here."""

from dataclasses import dataclass
from enum import StrEnum

PARTITION_COLUMNS = ("year", "month", "day", "hour")
"""Directories of a row's hour, zero-padded text so that every writer and reader spells them alike."""
DAY_COLUMNS = PARTITION_COLUMNS[:3]
"""Directories of a daily table."""


class Type(StrEnum):
    """Logical column types. DECIMAL is exact: 38 digits, 18 of them after the point (ADR 0003)."""

    STRING = "string"
    BINARY = "binary"
    INT32 = "int32"
    INT64 = "int64"
    BOOL = "bool"
    FLOAT64 = "float64"
    DECIMAL = "decimal(38,18)"
    TIMESTAMP = "timestamp[us, UTC]"


DECIMAL_PRECISION = 38
DECIMAL_SCALE = 18


class Owner(StrEnum):
    """The one part that writes a table."""

    SPARK = "streaming.spark"
    DAGSTER = "cryptoviz_dagster"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``doc`` says what it holds and in which unit."""

    name: str
    type: Type
    doc: str
    nullable: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One table. ``time_column`` decides the directory a row lies in: its hour's, or its day's in a daily table."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    time_column: str
    owner: Owner
    statistics: tuple[str, ...] = ()
    partition_columns: tuple[str, ...] = PARTITION_COLUMNS

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the data columns, without the partition columns."""
        return tuple(column.name for column in self.columns)


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
        Column("source", Type.STRING, "How it reached us: ws, rest, repair, backfill or replay"),
        Column("received_time", Type.TIMESTAMP, "When the feed received it, by its own clock", nullable=True),
        Column("connection", Type.STRING, "Connection it came through"),
        Column("value", Type.BINARY, "The venue's bytes, untouched", nullable=True),
        Column("row_hash", Type.INT64, "xxHash64 of the value, seed 42, equal to Spark's xxhash64"),
    )


def _raw(topic: str) -> Table:
    return Table(
        name=f"raw_{topic}",
        doc=f"One row for each Kafka record of the topic `{topic}`, as it came.",
        columns=_record(),
        key=("topic", "partition", "offset"),
        time_column="kafka_time",
        owner=Owner.SPARK,
        statistics=("partition", "offset", "kafka_time"),
    )


RAW_TRADES = _raw("trades")
RAW_KLINES = _raw("klines")

_MARKET = (
    Column("venue", Type.STRING, "Where it happened: binance, kraken"),
    Column("symbol", Type.STRING, "Canonical symbol, BTC-USDT"),
)

TRADES = Table(
    name="trades",
    doc="One row for each trade (or aggregate trade), exactly once.",
    columns=(
        *_MARKET,
        Column("trade_id", Type.INT64, "The venue's id; of an aggregate, its first trade's"),
        Column("last_trade_id", Type.INT64, "Id of the last trade of an aggregate; otherwise equal to trade_id"),
        Column("event_time", Type.TIMESTAMP, "When the trade happened, by the venue's clock"),
        Column("price", Type.DECIMAL, "Price in quote units"),
        Column("quantity", Type.DECIMAL, "Quantity in base units"),
        Column("quote_quantity", Type.DECIMAL, "price x quantity, exact, in quote units"),
        Column("side", Type.STRING, "Side of the aggressor: buy or sell"),
        Column("source", Type.STRING, "How it reached us: ws, rest, repair, backfill or replay"),
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

_OHLC = (
    Column("open", Type.DECIMAL, "First price of the window by (event time, trade id)", nullable=True),
    Column("high", Type.DECIMAL, "Highest price", nullable=True),
    Column("low", Type.DECIMAL, "Lowest price", nullable=True),
    Column("close", Type.DECIMAL, "Last price by (event time, trade id)", nullable=True),
    Column("volume", Type.DECIMAL, "Base units traded"),
    Column("quote_volume", Type.DECIMAL, "Quote units traded"),
)
_WINDOW = (
    Column("window_start", Type.TIMESTAMP, "Start of the window, inclusive"),
    Column("window_end", Type.TIMESTAMP, "End of the window, exclusive"),
)

KLINES = Table(
    name="klines",
    doc="The venue's own closed hourly candles, for history before our trades and as a witness of our candles.",
    columns=(
        *_MARKET,
        Column("interval", Type.STRING, "Length of the window: 1h"),
        *_WINDOW,
        *_OHLC,
        Column("trade_count", Type.INT64, "Trades in the window, by the venue's count"),
        Column("taker_buy_volume", Type.DECIMAL, "Base units bought by aggressors"),
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
        *_MARKET,
        Column("trade_id", Type.INT64, "First id of the record"),
        Column("last_trade_id", Type.INT64, "Last id of the record"),
        Column("event_time", Type.TIMESTAMP, "When it happened, by the venue's clock"),
        Column("source", Type.STRING, "How it reached us: ws, rest, repair, backfill or replay"),
        Column("row_hash", Type.INT64, "xxHash64 of the venue's bytes, seed 42"),
    ),
    key=("topic", "partition", "offset"),
    time_column="kafka_time",
    owner=Owner.SPARK,
    statistics=("partition", "offset"),
)


def _candles(interval: str, grain: str) -> Table:
    return Table(
        name=f"ohlc_{interval}",
        doc=f"One row for each venue, symbol and {grain} of an hour that has trades of the symbol.",
        columns=(
            *_MARKET,
            *_WINDOW,
            *_OHLC,
            Column("vwap", Type.DECIMAL, "quote_volume / volume, rounded half even to 18 decimals", nullable=True),
            Column("trade_count", Type.INT64, "Trades; an aggregate counts the trades it covers"),
            Column("taker_buy_volume", Type.DECIMAL, "Base units bought by aggressors"),
            Column("taker_sell_volume", Type.DECIMAL, "Base units sold by aggressors"),
            Column("first_trade_id", Type.INT64, "Smallest trade id of the window", nullable=True),
            Column("last_trade_id", Type.INT64, "Largest trade id of the window", nullable=True),
            Column("missing_ids", Type.INT64, "Ids absent between the smallest and the largest one of the window"),
            Column("status", Type.STRING, "traded, quiet (no id missing across it), blind, or open"),
            Column("hash_sum", Type.INT64, "Sum of the row hashes of its trades, modulo 2^64, as a signed number"),
            Column("first_offset", Type.INT64, "Smallest Kafka offset of its trades", nullable=True),
            Column("last_offset", Type.INT64, "Largest Kafka offset of its trades", nullable=True),
            Column("source_version", Type.STRING, "Version of the hour of trades it was folded from"),
        ),
        key=("venue", "symbol", "window_start"),
        time_column="window_start",
        owner=Owner.DAGSTER,
        statistics=("window_start", "source_version", "status"),
    )


OHLC_1M = _candles("1m", "minute")
OHLC_1H = _candles("1h", "hour")

TABLES = (RAW_TRADES, RAW_KLINES, TRADES, KLINES, QUARANTINE, DUPLICATES, OHLC_1M, OHLC_1H)
BY_NAME = {table.name: table for table in TABLES}


class UnknownTable(ValueError):
    """No table of the contract has this name."""


def table_named(name: str) -> Table:
    """The table of this name. Raises :class:`UnknownTable` listing those there are."""
    try:
        return BY_NAME[name]
    except KeyError:
        raise UnknownTable(f"no table {name!r}; there are {', '.join(BY_NAME)}") from None
