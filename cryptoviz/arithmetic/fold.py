"""Coarser candles as a fold of finer ones, equal to the last digit to those built from the trades.

Open and close are the first and last traded price of the parts, everything else is a sum, a bound or follows from them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import reduce

import polars as pl

from cryptoviz.arithmetic.exact import quotient
from cryptoviz.lake.ledger import HourVersion, signed
from cryptoviz.lake.schema import DECIMAL_PRECISION, DECIMAL_SCALE

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MARKET = ("venue", "symbol")
SUMS = ("volume", "quote_volume", "taker_buy_volume", "taker_sell_volume", "taker_buy_quote_volume")
INTEGRALS = ("spread_integral", "mid_integral", "depth_integral")
STATUSES = ("open", "blind", "halted", "repaired", "traded", "quiet")
"""A window's status is the first of these that any of its parts has."""
DECIMAL = pl.Decimal(DECIMAL_PRECISION, DECIMAL_SCALE)
_ZERO = Decimal(0)
_SUM_LIMIT = 10.0 ** (DECIMAL_PRECISION - DECIMAL_SCALE) * (1 - 1e-9)
_MEANS = (("vwap", "quote_volume", "volume"), ("spread_mean", "spread_integral", "quoted_ms"),
          ("depth_mean", "depth_integral", "quoted_ms"), ("mid_mean", "mid_integral", "twice_quoted_ms"))  # fmt: skip

Step = timedelta | str
"""Length of a window: a fixed time, or a duration of the calendar as Polars writes it, such as ``1w`` and ``1mo``."""


class SumTooLarge(ArithmeticError):
    """A volume does not fit the decimals of the lake; the engine would wrap it without a word."""


def fold_candles(candles: pl.DataFrame, *, interval: Step, settled: datetime | None = None) -> pl.DataFrame:
    """Coarser candles from finer ones, equal to the last digit to those built from the trades.

    All parts that end before ``settled`` (default: all parts) are taken to be there: a window that lacks minutes is
    open when it ends later, otherwise blind. ``revision`` is 0 while a window or part of it is provisional, then 1.
    Raises :class:`SumTooLarge`.
    """
    refuse_overflow(candles, SUMS)
    window = pl.col("window_start").dt.truncate(interval)
    rows = candles.sort(*MARKET, "window_start").with_columns(window=window)
    folded = rows.group_by(*MARKET, "window", maintain_order=True).agg(
        pl.col("open").drop_nulls().first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").drop_nulls().last(),
        *(pl.col(name).sum() for name in SUMS),
        *(sum_or_null(pl.col(name)) for name in INTEGRALS),
        pl.col("trade_count", "quoted_ms").sum(),
        pl.col("first_trade_id", "first_offset").min(),
        pl.col("last_trade_id", "last_offset", "spread_max").max(),
        pl.col("hash_sum").cast(pl.Int128).sum(),
        pl.col("bid_close", "ask_close").drop_nulls().last(),
        pl.col("minutes").cast(pl.Int64).sum(),
        (pl.col("revision") > 0).all().cast(pl.Int32),
        weakest(pl.col("status")),
    )
    versions = _versions_by_window(rows)
    folded = folded.join(versions, on="window", how="left", maintain_order="left").rename({"window": "window_start"})
    return _judge_whole(finish(folded, interval), settled)


def weakest(status: pl.Expr) -> pl.Expr:
    """The first of :data:`STATUSES` among some."""
    ranks = {name: rank for rank, name in enumerate(STATUSES)}
    rank = status.replace_strict(ranks, return_dtype=pl.Int8).min()
    return rank.replace_strict(list(ranks.values()), list(ranks), return_dtype=pl.String).alias("status")


def refuse_overflow(rows: pl.DataFrame, columns: Sequence[str]) -> None:
    """Raise :class:`SumTooLarge` when a column's sum over a market could leave the lake's decimals.

    The columns hold no negative numbers. As many times the largest one as there are rows is a bound that costs next to
    nothing; only where it is too large are the sums themselves looked at.
    """
    largest = rows.select(pl.col(name).max().cast(pl.Float64) for name in columns).row(0)
    if all((number or 0.0) * rows.height < _SUM_LIMIT for number in largest):
        return
    sums = rows.group_by(MARKET).agg(pl.col(name).cast(pl.Float64).sum() for name in columns)
    too_large = sums.filter(pl.any_horizontal(pl.col(name) >= _SUM_LIMIT for name in columns))
    if too_large.height:
        raise SumTooLarge(f"sums beyond {DECIMAL_PRECISION - DECIMAL_SCALE} digits: {too_large.rows(named=True)}")


def sum_or_null(amount: pl.Expr) -> pl.Expr:
    """The sum of some decimals, null when one is null or the sum could leave the lake's decimals."""
    fits = amount.cast(pl.Float64).sum() < _SUM_LIMIT
    return pl.when(amount.is_not_null().all() & fits).then(amount.sum())


def finish(candles: pl.DataFrame, interval: Step) -> pl.DataFrame:
    """Add what follows from the sums. A window without trades has zero volume and no prices."""
    rows = candles.with_columns(
        *(pl.col(name).fill_null(_ZERO).cast(DECIMAL) for name in SUMS),
        *(pl.col(name).cast(DECIMAL) for name in INTEGRALS),
        pl.col("trade_count", "quoted_ms").fill_null(0).cast(pl.Int64),
        pl.col("minutes", "revision").cast(pl.Int32),
        pl.Series("hash_sum", [signed(h or 0) for h in candles["hash_sum"].to_list()], pl.Int64),
        window_end=_end(interval),
    )
    dividends = rows.with_columns(twice_quoted_ms=pl.col("quoted_ms") * 2)
    means = [
        pl.Series(mean, [quotient(a, b) for a, b in dividends.select(above, below).iter_rows()], DECIMAL)
        for mean, above, below in _MEANS
    ]
    span = pl.col("last_trade_id") - pl.col("first_trade_id") + 1
    return rows.with_columns(*means, missing_ids=(span - pl.col("trade_count")).fill_null(0))


def _judge_whole(candles: pl.DataFrame, settled: datetime | None) -> pl.DataFrame:
    """What the parts cannot say: that minutes of the window are not there, or not yet."""
    is_whole = pl.col("minutes") == (pl.col("window_end") - pl.col("window_start")).dt.total_minutes()
    is_settled = pl.lit(value=True) if settled is None else pl.col("window_end") <= settled
    return candles.with_columns(
        status=pl.when(is_whole | (pl.col("status") == "open")).then(pl.col("status"))
        .when(is_settled).then(pl.lit("blind"))
        .otherwise(pl.lit("open")),
        revision=pl.when(is_whole | is_settled).then(pl.col("revision")).otherwise(pl.lit(0, pl.Int32)),
    )  # fmt: skip


def _versions_by_window(rows: pl.DataFrame) -> pl.DataFrame:
    """What each window was folded from: the versions of its hours, added up."""
    names = ("source_version", "quotes_version")
    hours = rows.select("window", *names, hour=pl.col("window_start").dt.truncate(HOUR)).unique()
    digests = hours.group_by("window").agg(names)
    added = [pl.Series(name, map(_added, digests[name].to_list()), pl.String) for name in names]
    return digests.with_columns(added)


def _added(digests: list[str]) -> str:
    return reduce(HourVersion.plus, map(HourVersion.from_digest, digests), HourVersion()).digest


def _end(interval: Step) -> pl.Expr:
    start = pl.col("window_start")
    return start + interval if isinstance(interval, timedelta) else start.dt.offset_by(interval)
