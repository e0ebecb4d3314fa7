"""Coarser candles as a fold of finer ones, equal to the last digit to those built from the trades.

Open and close are the first and last traded price of the parts, everything else is a sum, a bound or follows from them.
"""

from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal

import polars as pl

from cryptoviz.lake.ledger import signed
from cryptoviz.lake.schema import DECIMAL_PRECISION, DECIMAL_SCALE

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MARKET = ("venue", "symbol")
SUMS = ("volume", "quote_volume", "taker_buy_volume", "taker_sell_volume")
DECIMAL = pl.Decimal(DECIMAL_PRECISION, DECIMAL_SCALE)
_QUANTUM = Decimal(1).scaleb(-DECIMAL_SCALE)
_EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)
_SUM_LIMIT = 10.0 ** (DECIMAL_PRECISION - DECIMAL_SCALE) * (1 - 1e-9)

Step = timedelta | str
"""Length of a window: a fixed time, or a duration of the calendar as Polars writes it, such as ``1w`` and ``1mo``."""


class SumTooLarge(ArithmeticError):
    """A volume does not fit the decimals of the lake; the engine would wrap it without a word."""


def fold_candles(candles: pl.DataFrame, *, interval: Step, version: str) -> pl.DataFrame:
    """Coarser candles from finer ones, equal to the last digit to those built from the trades.

    Its status is the weakest of its parts: open, blind, traded, quiet. Raises :class:`SumTooLarge`.
    """
    refuse_overflow(candles, SUMS)
    rows = candles.sort(*MARKET, "window_start")
    window = pl.col("window_start").dt.truncate(interval)
    folded = rows.group_by(*MARKET, window, maintain_order=True).agg(
        pl.col("open").drop_nulls().first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").drop_nulls().last(),
        *(pl.col(name).sum() for name in SUMS),
        pl.col("trade_count").sum(),
        pl.col("first_trade_id").min(),
        pl.col("last_trade_id").max(),
        pl.col("hash_sum").cast(pl.Int128).sum(),
        pl.col("first_offset").min(),
        pl.col("last_offset").max(),
        _folded_status(),
    )
    return finish(folded, interval, version)


def refuse_overflow(rows: pl.DataFrame, columns: tuple[str, ...]) -> None:
    """Raise :class:`SumTooLarge` when a column's sum over a market could leave the lake's decimals."""
    sums = rows.group_by(MARKET).agg(pl.col(name).cast(pl.Float64).sum() for name in columns)
    too_large = sums.filter(pl.any_horizontal(pl.col(name) >= _SUM_LIMIT for name in columns))
    if too_large.height:
        raise SumTooLarge(f"sums beyond {DECIMAL_PRECISION - DECIMAL_SCALE} digits: {too_large.rows(named=True)}")


def _folded_status() -> pl.Expr:
    return (
        pl.when(_any("open")).then(pl.lit("open"))
        .when(_any("blind")).then(pl.lit("blind"))
        .when(_any("traded")).then(pl.lit("traded"))
        .otherwise(pl.lit("quiet"))
        .alias("status")
    )  # fmt: skip


def _any(status: str) -> pl.Expr:
    return (pl.col("status") == status).any()


def finish(candles: pl.DataFrame, interval: Step, version: str) -> pl.DataFrame:
    """Add what follows from the sums. A window without trades has zero volume and no prices."""
    rows = candles.with_columns(
        *(pl.col(name).fill_null(Decimal(0)).cast(DECIMAL) for name in SUMS),
        pl.col("trade_count").fill_null(0).cast(pl.Int64),
        pl.Series("hash_sum", [signed(h or 0) for h in candles["hash_sum"].to_list()], pl.Int64),
        window_end=_end(interval),
        source_version=pl.lit(version),
    )
    vwap = [_quotient(q, v) for q, v in rows.select("quote_volume", "volume").iter_rows()]
    span = pl.col("last_trade_id") - pl.col("first_trade_id") + 1
    return rows.with_columns(pl.Series("vwap", vwap, DECIMAL), missing_ids=(span - pl.col("trade_count")).fill_null(0))


def _end(interval: Step) -> pl.Expr:
    start = pl.col("window_start")
    return start + interval if isinstance(interval, timedelta) else start.dt.offset_by(interval)


def _quotient(amount: Decimal, quantity: Decimal) -> Decimal | None:
    return _EXACT.divide(amount, quantity).quantize(_QUANTUM, context=_EXACT) if quantity else None
