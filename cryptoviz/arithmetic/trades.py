"""Trades folded into windows or bars. Exact decimals, any order of rows.

Open and close are the first and last trade by (event time, trade id): several trades share a millisecond and arrive in
any order, so neither time nor arrival alone can say.
"""

from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl

from cryptoviz.arithmetic.fold import DECIMAL, INTEGRALS, MARKET, finish, refuse_overflow
from cryptoviz.lake.ledger import HourVersion

_ZERO = pl.lit(Decimal(0)).cast(DECIMAL)
_INSTANT = timedelta(microseconds=1)


def fold_trades(trades: pl.DataFrame, *by: str) -> pl.DataFrame:
    """What trades add up to, for each venue, symbol and value of the columns ``by``.

    ``trades`` are rows of the table ``trades`` with these columns; no sum is checked, see ``refuse_overflow``.
    """
    is_buy = pl.col("side") == "buy"
    rows = trades if _is_in_order(trades) else trades.sort("event_time", "trade_id")
    return rows.group_by(*MARKET, *by, maintain_order=True).agg(
        open=pl.col("price").first(),
        high=pl.col("price").max(),
        low=pl.col("price").min(),
        close=pl.col("price").last(),
        volume=pl.col("quantity").sum(),
        quote_volume=pl.col("quote_quantity").sum(),
        taker_buy_volume=pl.when(is_buy).then(pl.col("quantity")).otherwise(_ZERO).sum(),
        taker_sell_volume=pl.when(is_buy).then(_ZERO).otherwise(pl.col("quantity")).sum(),
        taker_buy_quote_volume=pl.when(is_buy).then(pl.col("quote_quantity")).otherwise(_ZERO).sum(),
        trade_count=(pl.col("last_trade_id") - pl.col("trade_id") + 1).sum(),
        first_trade_id=pl.col("trade_id").min(),
        last_trade_id=pl.col("last_trade_id").max(),
        hash_sum=pl.col("row_hash").cast(pl.Int128).sum(),
        first_offset=pl.col("offset").min(),
        last_offset=pl.col("offset").max(),
        is_repaired=(pl.col("source") == "repair").any(),
    )


def _is_in_order(trades: pl.DataFrame) -> bool:
    """Whether rows go by market, then by time and id, as in a compacted file: looking is cheaper than sorting."""
    is_later, is_same = pl.lit(value=False), pl.lit(value=True)
    for name in (*MARKET, "event_time", "trade_id"):
        before = pl.col(name).shift()
        is_later = is_later | (is_same & (pl.col(name) > before))
        is_same = is_same & (pl.col(name) == before)
    return bool(trades.select(is_later.slice(1).all()).item())


def candles_of_trades(
    trades: pl.DataFrame,
    *,
    interval: timedelta,
    start: datetime,
    end: datetime,
    now: datetime,
    version: HourVersion | None = None,
) -> pl.DataFrame:
    """Candles of `[start, end)` of any length that divides a day, such as a second; every window is a row.

    ``trades`` may reach beyond the range: those prove its edges. A window without trades is quiet when no id is missing
    between its neighbours, otherwise blind; windows that begin after ``now`` are left out, those that end after it are
    open. Columns are those of a candle table without quotes: `quoted_ms` is 0, and `minutes` is 0 for windows shorter
    than one. Raises :class:`SumTooLarge`.
    """
    refuse_overflow(trades, ("quantity", "quote_quantity"))
    window = pl.col("event_time").dt.truncate(interval)
    folded = fold_trades(trades.with_columns(window_start=window), "window_start").join(
        _runs_of_ids(trades, window), on=[*MARKET, "window_start"], how="left"
    )
    starts = pl.datetime_range(
        start, min(end, now + _INSTANT), interval, closed="left", time_unit="us", time_zone="UTC", eager=True
    )
    grid = trades.select(MARKET).unique().join(pl.DataFrame({"window_start": starts}), how="cross")
    every = pl.concat([grid, folded.select(grid.columns)]).unique().sort(*MARKET, "window_start")
    rows = _with_status(every.join(folded, on=grid.columns, how="left", maintain_order="left"), interval, now)
    inside = pl.col("window_start").is_between(start, end, closed="left")
    return finish(_without_quotes(rows.filter(inside), interval, now, version or HourVersion()), interval)


def _runs_of_ids(trades: pl.DataFrame, window: pl.Expr) -> pl.DataFrame:
    """For each window the runs of ids without a hole that its smallest and largest id are in."""
    ends_before = pl.col("last_trade_id").cum_max().shift(1).over(MARKET)
    is_new = (pl.col("trade_id") > ends_before + 1).fill_null(value=True)
    rows = trades.sort(*MARKET, "trade_id").with_columns(run=is_new.cum_sum(), window_start=window)
    return rows.group_by(*MARKET, "window_start").agg(first_run=pl.col("run").min(), last_run=pl.col("run").max())


def _with_status(rows: pl.DataFrame, interval: timedelta, now: datetime) -> pl.DataFrame:
    before = pl.col("last_run").forward_fill().over(MARKET)
    after = pl.col("first_run").backward_fill().over(MARKET)
    return rows.with_columns(
        status=pl.when(pl.col("window_start") + interval > now).then(pl.lit("open"))
        .when(pl.col("is_repaired")).then(pl.lit("repaired"))
        .when(pl.col("trade_count").is_not_null()).then(pl.lit("traded"))
        .when(before == after).then(pl.lit("quiet"))
        .otherwise(pl.lit("blind"))
    )  # fmt: skip


def _without_quotes(rows: pl.DataFrame, interval: timedelta, now: datetime, version: HourVersion) -> pl.DataFrame:
    nothing = pl.lit(None)
    return rows.with_columns(
        *(_ZERO.alias(name) for name in INTEGRALS),
        *(nothing.cast(DECIMAL).alias(name) for name in ("spread_max", "bid_close", "ask_close")),
        quoted_ms=pl.lit(0),
        minutes=pl.lit(interval // timedelta(minutes=1)),
        revision=(pl.col("window_start") + interval <= now).cast(pl.Int32),
        source_version=pl.lit(version.digest),
        quotes_version=pl.lit(HourVersion().digest),
    )
