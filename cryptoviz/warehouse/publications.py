"""Which tables of the lake PostgreSQL has, for how long, and what of them Power BI sees. One line a table."""

from dataclasses import dataclass
from datetime import timedelta

from cryptoviz.lake.candle_tables import CANDLE_PUBLICATIONS, CANDLE_REVISIONS, OHLC, Interval
from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import (
    CHAMPIONS,
    FUTURE_PREDICTIONS,
    PREDICTION_METRICS,
    PREDICTION_PERFORMANCE,
    PREDICTIONS,
)
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.metric_tables import HOURLY_CORRELATIONS, HOURLY_METRICS, HOURLY_QUOTES, MARKET_OVERVIEW
from cryptoviz.lake.schema import Column, Owner, Table, Type
from cryptoviz.lake.tables import DUPLICATES, GAPS, KLINES, QUARANTINE, QUOTES, TRADES

Span = Hour | Day
"""A partition: what is replaced as one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """One published table.

    ``keep`` bounds how old its partitions may be; the lake keeps all. ``columns`` names those published, all when
    empty. ``measures`` are the columns of its fact table in the star schema, which has none when empty.
    """

    table: Table
    keep: timedelta | None = None
    columns: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name in the lake and in PostgreSQL."""
        return self.table.name

    @property
    def published(self) -> tuple[Column, ...]:
        """The columns PostgreSQL has, in order."""
        return tuple(c for c in self.table.columns if not self.columns or c.name in self.columns)

    @property
    def key(self) -> tuple[str, ...]:
        """Its primary key: a table that is replaced by partitions may be keyed within one, so the time joins it."""
        table = self.table
        is_global = table.owner is Owner.SPARK or table.time_column in table.key
        return table.key if is_global else (*table.key, table.time_column)

    @property
    def fact(self) -> str:
        """Name of its fact table, empty when it has none."""
        return f"fact_{self.name}" if self.measures else ""

    @property
    def is_daily(self) -> bool:
        """Whether its partitions are days."""
        return self.table.is_daily

    def span_at(self, hour: Hour) -> Span:
        """The partition that holds an hour."""
        return Day.containing(hour.start) if self.is_daily else hour

    def span(self, key: str) -> Span:
        """The partition of a key. Raises ValueError."""
        return Day.from_key(key) if self.is_daily else Hour.from_key(key)


def all_measures(table: Table) -> tuple[str, ...]:
    """Every column that is neither in the key nor a time nor binary."""
    return tuple(
        c.name
        for c in table.columns
        if c.name not in (*table.key, table.time_column) and c.type not in (Type.BINARY, Type.TIMESTAMP)
    )


_TRADE_COLUMNS = (
    "venue", "symbol", "trade_id", "last_trade_id", "event_time", "price", "quantity", "quote_quantity", "side",
    "source", "received_time", "lateness_ms",
)  # fmt: skip
_CANDLE_MEASURES = (
    "open", "high", "low", "close", "volume", "quote_volume", "vwap", "trade_count", "taker_buy_volume",
    "taker_sell_volume", "taker_buy_quote_volume", "spread_mean", "mid_mean", "depth_mean", "missing_ids", "status",
)  # fmt: skip
_FORECAST_MEASURES = (
    "target_time", "last_price", "predicted_price", "volatility", "p02_5", "p10", "p25", "p50", "p75", "p90", "p97_5",
    "status",
)  # fmt: skip
_FACTS = (Interval.M1, Interval.H1, Interval.D1)
_DAY, _MONTH = timedelta(days=1), timedelta(days=30)

PUBLICATIONS = (
    Publication(table=TRADES, keep=_DAY, columns=_TRADE_COLUMNS),
    Publication(table=KLINES),
    Publication(table=QUOTES, keep=_MONTH),
    *(
        Publication(table=table, measures=_CANDLE_MEASURES if interval in _FACTS else ())
        for interval, table in OHLC.items()
    ),
    Publication(table=HOURLY_METRICS, measures=all_measures(HOURLY_METRICS)),
    Publication(table=HOURLY_CORRELATIONS),
    Publication(table=HOURLY_QUOTES),
    Publication(table=MARKET_OVERVIEW),
    Publication(table=PREDICTIONS, measures=_FORECAST_MEASURES),
    Publication(table=FUTURE_PREDICTIONS),
    Publication(table=PREDICTION_METRICS, measures=all_measures(PREDICTION_METRICS)),
    Publication(table=PREDICTION_PERFORMANCE),
    Publication(table=CHAMPIONS),
    Publication(table=GAPS),
    Publication(table=CANDLE_REVISIONS),
    Publication(table=CANDLE_PUBLICATIONS),
    Publication(table=QUARANTINE, keep=_MONTH),
    Publication(table=DUPLICATES, keep=_MONTH),
)
BY_NAME = {publication.name: publication for publication in PUBLICATIONS}
