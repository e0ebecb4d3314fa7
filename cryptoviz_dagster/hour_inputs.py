"""What the candles of an hour are folded from, read from the lake; and which hours there are to fold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from cryptoviz.arithmetic.fold import MARKET
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.tables import BOOK_TICKERS, KLINES, TRADES
from cryptoviz.storage.hour_index import HourEntry
from cryptoviz_dagster.resources import Lake, Versioned
from cryptoviz_dagster.transforms.candles import HourInputs, Market

LOOK_BACK = 24
"""Hours for which a market without trades is still taken to be watched."""


def read_inputs(lake: Lake, hour: Hour, seen: Mapping[str, IdSet]) -> HourInputs:
    """Everything the candles of an hour stand on. ``seen`` are the ids in the lake, read before."""
    trades = lake.trades(hour)
    return inputs_beside(lake, hour, seen, trades, traded=set(trades.frame.select(MARKET).unique().rows()))


def inputs_beside(
    lake: Lake, hour: Hour, seen: Mapping[str, IdSet], trades: Versioned, *, traded: set[Market]
) -> HourInputs:
    """What the candles of an hour stand on beside its ``trades``, of which the ``traded`` markets are known."""
    quotes, absent = lake.quotes(hour), _markets(seen) - traded
    carried = _last_ids(lake, hour, absent) if absent else {}
    return HourInputs(
        trades=trades.frame,
        quotes=quotes.frame,
        seen=seen,
        carried=carried,
        halted=_halted(lake, hour, set(carried)) if carried else (),
        trades_version=trades.version,
        quotes_version=quotes.version,
    )


@dataclass(frozen=True, slots=True)
class InputHours:
    """Version of what each hour stands on, and the ``latest`` hour that every kind of input has reached."""

    hours: Mapping[Hour, HourEntry]
    latest: Hour | None


def input_hours(lake: Lake, *, since: datetime | None = None) -> InputHours:
    """Hours with trades or quotes, with both as one version; with ``since`` those of the days from then on."""
    kinds = [entries for table in (TRADES, BOOK_TICKERS) if (entries := lake.hours(table, since=since))]
    merged: dict[Hour, HourEntry] = {}
    for entries in kinds:
        for hour, entry in entries.items():
            merged[hour] = _merged(merged[hour], entry) if hour in merged else entry
    return InputHours(merged, min(map(max, kinds), default=None))


def _merged(one: HourEntry, other: HourEntry) -> HourEntry:
    return HourEntry(one.version.plus(other.version), max(one.changed, other.changed))


def _markets(seen: Mapping[str, IdSet]) -> set[Market]:
    pairs = (key.partition(":") for key in seen)
    return {(venue, symbol) for venue, _, symbol in pairs}


def _last_ids(lake: Lake, hour: Hour, markets: set[Market]) -> dict[Market, int]:
    """The last id of each market traded in the hours before; markets not traded in any of them are left out."""
    trades = lake.rows_between(TRADES, hour.next(-LOOK_BACK), hour.next(-1))
    last = trades.group_by(MARKET).agg(pl.col("last_trade_id").max()).collect()
    return {(venue, symbol): number for venue, symbol, number in last.iter_rows() if (venue, symbol) in markets}


def _halted(lake: Lake, hour: Hour, markets: set[Market]) -> set[Market]:
    """Markets whose venue made candles before and after the hour, but none of it."""
    around = lake.rows_between(KLINES, hour.next(-LOOK_BACK), hour.next(LOOK_BACK))
    start = pl.col("window_start")
    of_an_hour = pl.col("window_end") - start == timedelta(hours=1)
    found = (
        around.filter(of_an_hour).group_by(MARKET)
        .agg(before=(start < hour.start).any(), during=(start == hour.start).any(), after=(start > hour.start).any())
        .filter(pl.col("before") & pl.col("after") & ~pl.col("during")).select(MARKET).collect()
    )  # fmt: skip
    return markets & set(found.rows())
