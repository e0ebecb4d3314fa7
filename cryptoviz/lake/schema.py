"""What a lake table is: columns with types and units, key, partitioning, owner. Knows no particular table."""

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
    def is_daily(self) -> bool:
        """Whether a directory holds a day, not an hour."""
        return self.partition_columns == DAY_COLUMNS

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the data columns, without the partition columns."""
        return tuple(column.name for column in self.columns)


MARKET = (
    Column("venue", Type.STRING, "Where it happened (binance, kraken, coinbase), or who quotes it"),
    Column("symbol", Type.STRING, "Canonical symbol, BTC-USDT"),
)

PRICES = (
    Column("open", Type.DECIMAL, "First price of the window by (event time, trade id)", nullable=True),
    Column("high", Type.DECIMAL, "Highest price", nullable=True),
    Column("low", Type.DECIMAL, "Lowest price", nullable=True),
    Column("close", Type.DECIMAL, "Last price by (event time, trade id)", nullable=True),
    Column("volume", Type.DECIMAL, "Base units traded"),
    Column("quote_volume", Type.DECIMAL, "Quote units traded"),
)
WINDOW = (
    Column("window_start", Type.TIMESTAMP, "Start of the window, inclusive"),
    Column("window_end", Type.TIMESTAMP, "End of the window, exclusive"),
)
