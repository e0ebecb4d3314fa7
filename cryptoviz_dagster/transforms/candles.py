"""Candles: trades and quotes to one-minute candles. Exact decimals, any order of rows; coarser ones fold these.

Open and close are the first and last trade by (event time, trade id): several trades share a millisecond and arrive in
any order, so neither time nor arrival alone can say. Every minute of a symbol's hour is a row, also without trades.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl

from cryptoviz.arithmetic.fold import INTEGRALS, MARKET, MINUTE, finish, refuse_overflow
from cryptoviz.arithmetic.trades import fold_trades
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.ledger import HourVersion
from cryptoviz_dagster.transforms.quotes import quote_sums

_INSTANT = timedelta(microseconds=1)
Market = tuple[str, str]
"""Venue and symbol."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HourInputs:
    """What the candles of one hour stand on.

    ``trades`` and ``quotes`` are rows of the tables `trades` and `book_tickers` of the hour, with their versions.
    ``seen`` are the ids in the lake by ``venue:symbol``, read **before** the trades: an id seen then is either among
    the trades or was traded in another hour, so a minute between neighbouring ids is proven quiet. ``carried`` has,
    for markets without a trade in the hour, the last id traded before it. ``halted`` are those of them whose venue
    made no candle of the hour either.
    """

    trades: pl.DataFrame
    quotes: pl.DataFrame
    seen: Mapping[str, IdSet] = field(default_factory=dict)
    carried: Mapping[Market, int] = field(default_factory=dict)
    halted: Collection[Market] = ()
    trades_version: HourVersion = field(default_factory=HourVersion)
    quotes_version: HourVersion = field(default_factory=HourVersion)


def build_candles(inputs: HourInputs, *, start: datetime, end: datetime, now: datetime) -> pl.DataFrame:
    """One-minute candles of `[start, end)`: a row for each minute and market traded in the hour, or carried into it.

    Minutes that begin after ``now`` and after every trade are left out, those that end after ``now`` are open; until
    ``end`` all are provisional, which is revision 0. Raises :class:`SumTooLarge`.
    """
    trades = inputs.trades
    refuse_overflow(trades, ("quantity", "quote_quantity"))
    traded = fold_trades(trades.with_columns(window_start=pl.col("event_time").dt.truncate(MINUTE)), "window_start")
    inputs = replace(inputs, seen=_known_ids(trades, inputs.seen))
    return complete_candles(traded, inputs, start=start, end=end, now=now, latest=_latest(trades, now))


def complete_candles(
    traded: pl.DataFrame, inputs: HourInputs, *, start: datetime, end: datetime, now: datetime, latest: datetime
) -> pl.DataFrame:
    """Candles from trades folded into minutes, as by ``fold_trades``; the trades of ``inputs`` are not looked at.

    ``inputs.seen`` holds the ids of those trades too. Minutes that begin after ``latest`` are left out.
    """
    minutes = _minutes(start, min(end, latest + _INSTANT))
    carried = _frame_of(inputs.carried)
    grid = pl.concat([traded.select(MARKET).unique(), carried.select(MARKET)]).unique().join(minutes, how="cross")
    candles = grid.join(traded, on=[*MARKET, "window_start"], how="left").sort(*MARKET, "window_start")
    candles = candles.join(quote_sums(inputs.quotes, end=end), on=[*MARKET, "window_start"], how="left")
    candles = candles.join(carried, on=MARKET, how="left", maintain_order="left")
    judged = _with_status(candles, inputs.seen, inputs.halted, now)
    no_quotes = pl.col("quoted_ms").is_null()
    return finish(
        judged.with_columns(
            *(pl.when(no_quotes).then(pl.lit(Decimal(0))).otherwise(pl.col(name)).alias(name) for name in INTEGRALS),
            minutes=pl.lit(1),
            revision=pl.lit(int(now >= end)),
            source_version=pl.lit(inputs.trades_version.digest),
            quotes_version=pl.lit(inputs.quotes_version.digest),
        ),
        MINUTE,
    )


def _latest(trades: pl.DataFrame, now: datetime) -> datetime:
    """A venue's clock may run ahead of ours; its trades count none the less."""
    last = trades["event_time"].max()
    return max(now, last) if isinstance(last, datetime) else now


def _minutes(start: datetime, end: datetime) -> pl.DataFrame:
    minutes = pl.datetime_range(start, end, MINUTE, closed="left", time_unit="us", time_zone="UTC", eager=True)
    return pl.DataFrame({"window_start": minutes})


def _frame_of(carried: Mapping[Market, int]) -> pl.DataFrame:
    rows = [(venue, symbol, last) for (venue, symbol), last in sorted(carried.items())]
    return pl.DataFrame(rows, {"venue": pl.String, "symbol": pl.String, "carried_id": pl.Int64}, orient="row")


def _known_ids(trades: pl.DataFrame, seen: Mapping[str, IdSet]) -> dict[str, IdSet]:
    """Ids seen before, with those of the trades at hand, which may have come in since."""
    ranges = trades.group_by(MARKET).agg(pl.col("trade_id").min(), pl.col("last_trade_id").max()).rows()
    unknown = [(v, s) for v, s, a, b in ranges if not seen.get(f"{v}:{s}", IdSet()).covers(a, b)]
    if not unknown:
        return dict(seen)
    markets = pl.DataFrame(unknown, dict.fromkeys(MARKET, pl.String), orient="row")
    trades = trades.join(markets, on=MARKET, how="semi")
    ends_before = pl.col("last_trade_id").cum_max().shift(1).over(MARKET)
    is_new = (pl.col("trade_id") > ends_before + 1).fill_null(value=True)
    runs = (
        trades.sort(*MARKET, "trade_id").with_columns(run=is_new.cum_sum()).group_by(*MARKET, "run")
        .agg(pl.col("trade_id").min(), pl.col("last_trade_id").max())
    )  # fmt: skip
    known = dict(seen)
    for (venue, symbol), rows in runs.group_by(MARKET):
        key = f"{venue}:{symbol}"
        known[key] = known.get(key, IdSet()).union(rows.select("trade_id", "last_trade_id").iter_rows())
    return known


def _with_status(
    candles: pl.DataFrame, known: Mapping[str, IdSet], halted: Collection[Market], now: datetime
) -> pl.DataFrame:
    """A minute without trades is quiet when no id is missing around it, wherever its neighbours were traded."""
    before = pl.col("last_trade_id").forward_fill().over(MARKET).fill_null(pl.col("carried_id"))
    after = pl.col("first_trade_id").backward_fill().over(MARKET)
    rows = candles.with_columns(id_before=before, id_after=after)
    around = rows.select(*MARKET, "id_before", "id_after").rows()
    quiet = [_is_unbroken(known.get(f"{venue}:{symbol}", IdSet()), a, b) for venue, symbol, a, b in around]
    is_halted = [(venue, symbol) in halted for venue, symbol, _, _ in around]
    return rows.with_columns(
        status=pl.when(pl.col("window_start") + MINUTE > now).then(pl.lit("open"))
        .when(pl.col("is_repaired")).then(pl.lit("repaired"))
        .when(pl.col("trade_count").is_not_null()).then(pl.lit("traded"))
        .when(pl.Series(is_halted, dtype=pl.Boolean)).then(pl.lit("halted"))
        .when(pl.Series(quiet, dtype=pl.Boolean)).then(pl.lit("quiet"))
        .otherwise(pl.lit("blind"))
    )  # fmt: skip


def _is_unbroken(known: IdSet, before: int | None, after: int | None) -> bool:
    """Whether no id is missing from the last trade before a minute to the first one after it."""
    if before is not None and after is not None:
        return known.covers(min(before, after), max(before, after))
    if before is not None:
        return before + 1 in known
    return after is not None and after - 1 in known
