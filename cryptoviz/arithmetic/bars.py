"""Bars by activity instead of time: each ends with the trade that takes a running total over a multiple of a size.

Totals count trades (tick bars), base units (volume bars) or quote units (dollar bars); Lopez de Prado, Advances in
Financial Machine Learning, 2018, chapter 2. A trade is never split and what exceeds a multiple counts for the next bar,
so bars follow from totals alone: parts built apart and folded are those built at once.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

import polars as pl

from cryptoviz.arithmetic.exact import quotient
from cryptoviz.arithmetic.fold import DECIMAL, MARKET, SUMS
from cryptoviz.arithmetic.trades import fold_trades
from cryptoviz.lake.ledger import signed
from cryptoviz.lake.schema import DECIMAL_SCALE

Market = tuple[str, str]
"""Venue and symbol."""


class BarKind(StrEnum):
    """What a bar holds an equal amount of."""

    TICK = "tick"
    VOLUME = "volume"
    DOLLAR = "dollar"


_AMOUNTS = {
    BarKind.TICK: pl.col("last_trade_id") - pl.col("trade_id") + 1,
    BarKind.VOLUME: pl.col("quantity"),
    BarKind.DOLLAR: pl.col("quote_quantity"),
}


def build_bars(
    trades: pl.DataFrame, *, kind: BarKind, size: Decimal, before: Mapping[Market, Decimal] | None = None
) -> pl.DataFrame:
    """Bars of trades, numbered from 0 for each venue and symbol; an aggregate trade counts the trades it covers.

    ``before`` are the totals of earlier trades by market, see :func:`totals`; with all trades of a day at hand there is
    nothing before them. ``running_total`` is that after the bar's last trade, ``is_closed`` whether the bar has ended.
    A trade larger than ``size`` can leave numbers without a bar. Raises ValueError unless ``size`` is positive.
    """
    units = int(size.scaleb(DECIMAL_SCALE)) if size.is_finite() else 0
    if units <= 0:
        raise ValueError(f"the size of a bar is a positive number of at most {DECIMAL_SCALE} decimals, got {size}")
    rows = _with_totals(trades, kind, before or {})
    unit = pl.lit(units, pl.Int128)
    start = (pl.col("running_total") - pl.col("amount")).to_physical()
    numbered = rows.with_columns(bar=(start // unit).cast(pl.Int64))
    spans = numbered.group_by(*MARKET, "bar").agg(
        first_time=pl.col("event_time").min(),
        last_time=pl.col("event_time").max(),
        running_total=pl.col("running_total").max(),
    )
    folded = fold_trades(numbered, "bar").drop("is_repaired").join(spans, on=[*MARKET, "bar"])
    return _finish(folded.with_columns(size=pl.lit(size).cast(DECIMAL)))


def fold_bars(bars: pl.DataFrame) -> pl.DataFrame:
    """One row a bar from parts of bars of one size, which were built of trades parted by time."""
    rows = bars.sort(*MARKET, "bar", "first_time")
    folded = rows.group_by(*MARKET, "bar", maintain_order=True).agg(
        pl.col("open", "first_time", "size").first(),
        pl.col("high", "last_trade_id", "last_offset", "last_time", "running_total").max(),
        pl.col("low", "first_trade_id", "first_offset").min(),
        pl.col("close").last(),
        pl.col(*SUMS, "trade_count").sum(),
        pl.col("hash_sum").cast(pl.Int128).sum(),
    )
    return _finish(folded)


def totals(
    trades: pl.DataFrame, *, kind: BarKind, before: Mapping[Market, Decimal] | None = None
) -> dict[Market, Decimal]:
    """Running total of each market after all of these trades."""
    rows = _with_totals(trades, kind, before or {})
    last = rows.group_by(MARKET).agg(pl.col("running_total").max())
    return {**(before or {}), **{(venue, symbol): total for venue, symbol, total in last.iter_rows()}}


def _with_totals(trades: pl.DataFrame, kind: BarKind, before: Mapping[Market, Decimal]) -> pl.DataFrame:
    """The engine refuses a running total beyond the lake's decimals."""
    carried = pl.DataFrame(
        [(venue, symbol, total) for (venue, symbol), total in before.items()],
        {"venue": pl.String, "symbol": pl.String, "carried": DECIMAL},
        orient="row",
    )
    rows = trades.with_columns(amount=_AMOUNTS[kind].cast(DECIMAL)).join(carried, on=MARKET, how="left")
    rows = rows.sort(*MARKET, "event_time", "trade_id")
    total = pl.col("amount").cum_sum().over(MARKET) + pl.col("carried").fill_null(Decimal(0))
    return rows.with_columns(running_total=total)


def _finish(folded: pl.DataFrame) -> pl.DataFrame:
    sums = folded.select("quote_volume", "volume").iter_rows()
    is_closed = pl.col("running_total").to_physical() >= (pl.col("bar") + 1) * pl.col("size").to_physical()
    return (
        folded.with_columns(
            pl.Series("vwap", [quotient(amount, volume) for amount, volume in sums], DECIMAL),
            pl.Series("hash_sum", [signed(value) for value in folded["hash_sum"].to_list()], pl.Int64),
            is_closed=is_closed,
        )
        .select(_COLUMNS)
        .sort(*MARKET, "bar")
    )


_COLUMNS = (
    *MARKET, "bar", "size", "first_time", "last_time", "open", "high", "low", "close", "volume", "quote_volume", "vwap",
    "trade_count", "taker_buy_volume", "taker_sell_volume", "taker_buy_quote_volume", "first_trade_id", "last_trade_id",
    "hash_sum", "first_offset", "last_offset", "running_total", "is_closed",
)  # fmt: skip
