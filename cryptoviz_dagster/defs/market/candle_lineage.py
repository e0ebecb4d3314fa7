"""Which columns of which tables the columns of candles are made of."""

from collections.abc import Mapping, Sequence

import dagster as dg

from cryptoviz.lake.candle_tables import OHLC, OHLC_1M, Interval
from cryptoviz.lake.tables import BOOK_TICKERS, KLINES, TRADES

_BID_AND_ASK = ("bid_price", "ask_price", "event_time")
_OF_TRADES: Mapping[str, Sequence[str]] = {
    "venue": ("venue",),
    "symbol": ("symbol",),
    **dict.fromkeys(("window_start", "window_end"), ("event_time",)),
    **dict.fromkeys(("open", "close"), ("price", "event_time", "trade_id")),
    **dict.fromkeys(("high", "low"), ("price",)),
    "volume": ("quantity",),
    "quote_volume": ("quote_quantity",),
    "vwap": ("quantity", "quote_quantity"),
    **dict.fromkeys(("taker_buy_volume", "taker_sell_volume"), ("quantity", "side")),
    "taker_buy_quote_volume": ("quote_quantity", "side"),
    **dict.fromkeys(("trade_count", "first_trade_id", "last_trade_id", "missing_ids", "status"),
                    ("trade_id", "last_trade_id")),
    **dict.fromkeys(("hash_sum", "source_version"), ("row_hash",)),
    **dict.fromkeys(("first_offset", "last_offset"), ("offset",)),
}  # fmt: skip
_OF_QUOTES: Mapping[str, Sequence[str]] = {
    "quoted_ms": ("event_time",),
    **dict.fromkeys(("spread_integral", "spread_mean", "mid_integral", "mid_mean"), _BID_AND_ASK),
    "spread_max": ("bid_price", "ask_price"),
    **dict.fromkeys(("depth_integral", "depth_mean"), ("bid_quantity", "ask_quantity", "event_time")),
    "bid_close": ("bid_price",),
    "ask_close": ("ask_price",),
    "quotes_version": ("row_hash",),
}
_OF_PARTS = {
    "vwap": ("volume", "quote_volume"),
    "window_end": ("window_start",),
    "spread_mean": ("spread_integral", "quoted_ms"),
    "mid_mean": ("mid_integral", "quoted_ms"),
    "depth_mean": ("depth_integral", "quoted_ms"),
    "missing_ids": ("missing_ids", "first_trade_id", "last_trade_id"),
}
"""Columns of a roll-up that are not the fold of the same column; the revision counts publications."""


def candle_lineage(interval: Interval) -> dg.TableColumnLineage:
    """Where the columns of a candle table come from."""
    if interval is Interval.M1:
        return dg.TableColumnLineage({name: list(_origins(name)) for name in _MINUTE_COLUMNS if any(_origins(name))})
    finer = OHLC[Interval.H1] if interval.is_daily else OHLC_1M
    names = [name for name in OHLC[interval].column_names if name != "revision"]
    return dg.TableColumnLineage(
        {name: [_dep(finer.name, column) for column in _OF_PARTS.get(name, (name,))] for name in names}
    )


_MINUTE_COLUMNS = [name for name in OHLC_1M.column_names if name != "revision"]


def _origins(name: str) -> list[dg.TableColumnDep]:
    found = [_dep(TRADES.name, column) for column in _OF_TRADES.get(name, ())]
    found += [_dep(BOOK_TICKERS.name, column) for column in _OF_QUOTES.get(name, ())]
    return found + ([_dep(KLINES.name, "window_start")] if name == "status" else [])


def _dep(asset: str, column: str) -> dg.TableColumnDep:
    return dg.TableColumnDep(asset_key=asset, column_name=column)
