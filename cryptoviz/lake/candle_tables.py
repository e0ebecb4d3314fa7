"""Tables of candles, one an interval, their superseded revisions and the record of when each was published."""

from datetime import timedelta
from enum import StrEnum

from cryptoviz.lake.schema import DAY_COLUMNS, MARKET, PARTITION_COLUMNS, PRICES, WINDOW, Column, Owner, Table, Type

_CANDLE = (
    *MARKET,
    *WINDOW,
    *PRICES,
    Column("vwap", Type.DECIMAL, "quote_volume / volume, rounded half even to 18 decimals", nullable=True),
    Column("trade_count", Type.INT64, "Trades; an aggregate counts the trades it covers"),
    Column("taker_buy_volume", Type.DECIMAL, "Base units bought by aggressors"),
    Column("taker_sell_volume", Type.DECIMAL, "Base units sold by aggressors"),
    Column("taker_buy_quote_volume", Type.DECIMAL, "Quote units paid by aggressors who bought"),
    Column("first_trade_id", Type.INT64, "Smallest trade id of the window", nullable=True),
    Column("last_trade_id", Type.INT64, "Largest trade id of the window", nullable=True),
    Column("missing_ids", Type.INT64, "Ids absent between the smallest and the largest one of the window"),
    Column("status", Type.STRING, "open, blind, halted, repaired, traded or quiet; of parts, the first of these"),
    Column("hash_sum", Type.INT64, "Sum of the row hashes of its trades, modulo 2^64, as a signed number"),
    Column("first_offset", Type.INT64, "Smallest Kafka offset of its trades", nullable=True),
    Column("last_offset", Type.INT64, "Largest Kafka offset of its trades", nullable=True),
    Column("quoted_ms", Type.INT64, "Milliseconds of the window for which a best bid and ask are known"),
    Column(
        "spread_integral",
        Type.DECIMAL,
        "Sum of (ask - bid) x milliseconds; null beyond the decimals",
        nullable=True,
    ),
    Column("mid_integral", Type.DECIMAL, "Sum of (ask + bid) x milliseconds", nullable=True),
    Column(
        "depth_integral",
        Type.DECIMAL,
        "Sum of (bid + ask quantity) x milliseconds, base units",
        nullable=True,
    ),
    Column("spread_mean", Type.DECIMAL, "Time-weighted ask - bid, in quote units", nullable=True),
    Column("spread_max", Type.DECIMAL, "Widest ask - bid", nullable=True),
    Column("mid_mean", Type.DECIMAL, "Time-weighted (ask + bid) / 2", nullable=True),
    Column("depth_mean", Type.DECIMAL, "Time-weighted quantity at best bid and ask together", nullable=True),
    Column("bid_close", Type.DECIMAL, "Last best bid", nullable=True),
    Column("ask_close", Type.DECIMAL, "Last best ask", nullable=True),
    Column("minutes", Type.INT32, "One-minute windows it is made of"),
    Column("source_version", Type.STRING, "Version of the trades it was folded from"),
    Column("quotes_version", Type.STRING, "Version of the book tickers it was folded from"),
)
_REVISION = Column("revision", Type.INT32, "0 while provisional, 1 when first final, one more for each change since")


class Interval(StrEnum):
    """Lengths of the candles that are tables; others are folded from these when read."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"

    @property
    def length(self) -> timedelta:
        """Length of a window."""
        return timedelta(**{_LENGTHS[self.value[-1]]: int(self.value[:-1])})

    @property
    def is_daily(self) -> bool:
        """Whether its table lies in directories of days."""
        return self in (Interval.H4, Interval.D1)


_LENGTHS = {"m": "minutes", "h": "hours", "d": "days"}


def _candles(interval: Interval) -> Table:
    return Table(
        name=f"ohlc_{interval}",
        doc=f"One row for each venue, symbol and window of {interval}.",
        columns=(*_CANDLE, _REVISION),
        key=("venue", "symbol", "window_start"),
        time_column="window_start",
        owner=Owner.DAGSTER,
        statistics=("window_start", "source_version", "quotes_version", "status"),
        partition_columns=DAY_COLUMNS if interval.is_daily else PARTITION_COLUMNS,
    )


OHLC = {interval: _candles(interval) for interval in Interval}
"""The candle tables."""
OHLC_1M, OHLC_5M, OHLC_15M, OHLC_1H, OHLC_4H, OHLC_1D = OHLC.values()

CANDLE_REVISIONS = Table(
    name="candle_revisions",
    doc="One row for each final candle that a later revision replaced, as it was; revision 0 says there was none.",
    columns=(
        Column("interval", Type.STRING, "Length of the window"),
        *_CANDLE,
        _REVISION,
        Column("superseded_time", Type.TIMESTAMP, "When the next revision took its place"),
    ),
    key=("interval", "venue", "symbol", "window_start", "superseded_time"),
    time_column="window_start",
    owner=Owner.DAGSTER,
    statistics=("window_start", "superseded_time"),
)

CANDLE_PUBLICATIONS = Table(
    name="candle_publications",
    doc="One row for each time that final candles of an hour or day were first published or changed.",
    columns=(
        Column("interval", Type.STRING, "Length of the candles' windows"),
        Column("start", Type.TIMESTAMP, "Start of the hour or day"),
        Column("published_time", Type.TIMESTAMP, "When they became the candles to read"),
        Column("cause", Type.STRING, "first, trades, quotes or ids: what they stand on now and did not before"),
        Column("source_version", Type.STRING, "Version of the trades they stand on"),
        Column("quotes_version", Type.STRING, "Version of the book tickers they stand on"),
        Column("candles", Type.INT32, "Candles in the hour or day"),
        Column("changed", Type.INT32, "Candles that differ from those before, or are new"),
        Column("detail", Type.STRING, "What changed and by how much, the first hundred of it, as JSON"),
    ),
    key=("interval", "start", "published_time"),
    time_column="start",
    owner=Owner.DAGSTER,
    statistics=("start", "published_time"),
    partition_columns=DAY_COLUMNS,
)
