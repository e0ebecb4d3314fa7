"""Single trades: those that just passed, and older ones out of the lake's table."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.symbols import Instrument
from cryptoviz.lake.tables import TRADES
from cryptoviz.serving.candle_reader import Range
from cryptoviz.serving.events import padded
from cryptoviz.serving.intervals import INTERVALS
from cryptoviz.serving.minute import LiveTrade
from cryptoviz.serving.parts import Parts
from cryptoviz.serving.reading import scan_promptly
from cryptoviz.storage.frames import TableNotWritten, empty

_COLUMNS = ("venue", "symbol", "trade_id", "last_trade_id", "event_time", "price", "quantity", "quote_quantity", "side")
_HOURS_BACK = 3
_MINUTES_SEARCHED = 50_000


def lake_trades(parts: Parts, instrument: Instrument, first: datetime, end: datetime, limit: int) -> pl.DataFrame:
    """The first trades of `[first, end)` by id, at most an hour's partitions past the first one. Raises OSError."""
    last = min(end, first + timedelta(hours=1))
    try:
        rows = scan_promptly(TRADES, parts.settings.lake, Hour.containing(first), Hour.containing(last))
    except TableNotWritten:
        return empty(TRADES).select(_COLUMNS)
    mine = (pl.col("venue") == str(instrument.venue)) & (pl.col("symbol") == instrument.symbol)
    inside = pl.col("event_time").is_between(first, last, closed="left")
    return rows.select(_COLUMNS).filter(mine, inside).sort("trade_id").head(limit).collect()


def newest_trades(parts: Parts, instrument: Instrument, limit: int) -> list[LiveTrade]:
    """The last trades, oldest first: those that passed live, completed from the lake while these are few."""
    market = parts.live.markets.get(instrument)
    live = list(market.trades)[-limit:] if market else []
    if len(live) >= limit:
        return live
    end = parts.clock()
    rows = _last_of_lake(parts, instrument, end, limit)
    before = live[0].first_id if live else None
    older = [_live(instrument, row) for row in rows.iter_rows(named=True) if before is None or row["trade_id"] < before]
    return [*older, *live][-limit:]


def time_of_id(parts: Parts, instrument: Instrument, trade_id: int) -> datetime | None:
    """Start of the last minute that begins at or before an id; None when the lake begins later."""
    found = parts.reader.read(instrument, INTERVALS["1m"], Range(first=None, end=None, limit=_MINUTES_SEARCHED))
    rows = found.frame.filter(pl.col("first_trade_id") <= trade_id)
    start = rows["window_start"].max()
    return start.astimezone(UTC) if isinstance(start, datetime) else None


def binance_rest_trade(trade: LiveTrade) -> dict[str, Any]:
    """A row of Binance's ``trades``."""
    return {
        "id": trade.first_id, "price": padded(trade.price), "qty": padded(trade.quantity),
        "quoteQty": padded(trade.price * trade.quantity), "time": trade.time_us // 1000,
        "isBuyerMaker": not trade.is_buyer_aggressor, "isBestMatch": True,
    }  # fmt: skip


def binance_aggregate(trade: LiveTrade) -> dict[str, Any]:
    """A row of Binance's ``aggTrades``; the id of an aggregate here is that of its first trade."""
    return {
        "a": trade.first_id, "p": padded(trade.price), "q": padded(trade.quantity), "f": trade.first_id,
        "l": trade.last_id, "T": trade.time_us // 1000, "m": not trade.is_buyer_aggressor, "M": True,
    }  # fmt: skip


def from_lake(rows: pl.DataFrame, instrument: Instrument) -> list[LiveTrade]:
    """Rows of the lake as trades."""
    return [_live(instrument, row) for row in rows.iter_rows(named=True)]


def _last_of_lake(parts: Parts, instrument: Instrument, end: datetime, limit: int) -> pl.DataFrame:
    first = Hour.containing(end).next(-_HOURS_BACK)
    try:
        rows = scan_promptly(TRADES, parts.settings.lake, first, Hour.containing(end))
    except TableNotWritten:
        return empty(TRADES).select(_COLUMNS)
    mine = (pl.col("venue") == str(instrument.venue)) & (pl.col("symbol") == instrument.symbol)
    return rows.select(_COLUMNS).filter(mine).sort("trade_id").tail(limit).collect()


def _live(instrument: Instrument, row: dict[str, Any]) -> LiveTrade:
    instant: datetime = row["event_time"]
    return LiveTrade(
        instrument=instrument,
        first_id=row["trade_id"],
        last_id=row["last_trade_id"],
        time_us=int(instant.timestamp()) * 1_000_000 + instant.microsecond,
        price=Decimal(row["price"]),
        quantity=Decimal(row["quantity"]),
        is_buyer_aggressor=row["side"] == "buy",
    )
