"""The registry of instruments as intervals, and rows joined with what held at their own time.

The registry is joined when rows are read and never written into them: a venue's listing is learnt after its trades, and
a fact learnt late then changes what is read and not what is stored.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import polars as pl

from cryptoviz.lake.assets import MEANINGS, Meaning

MARKET = ("venue", "symbol")
DELISTED = "delisted"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_TOLD = ("venue_symbol", "base", "quote", "tick_size", "lot_size", "status")


def listed(versions: pl.DataFrame) -> pl.DataFrame:
    """Intervals in which a market was listed alike, one row a version, by market and time.

    ``versions`` are rows of the table ``instruments``. Columns: venue, symbol, what the venue told, ``asset`` (which
    one the ticker meant), ``listing`` (1, and one more each time the market comes back after it was delisted),
    ``valid_from`` and ``valid_until`` (null while it holds), ``renamed_from`` and ``renamed_to``: the symbol of the
    same asset, in the same quote currency and on the same venue, before and after this one.
    """
    rows = versions.sort(*MARKET, "event_time", "offset").with_columns(asset_at("base", "event_time"))
    is_back = (pl.col("status") != DELISTED) & (pl.col("status").shift() == DELISTED)
    rows = rows.with_columns(
        listing=is_back.fill_null(value=False).cum_sum().over(MARKET).cast(pl.Int64) + 1,
        valid_from=pl.col("event_time"),
        valid_until=pl.col("event_time").shift(-1).over(MARKET),
    )
    return _with_names(rows).select(
        *MARKET, *_TOLD, "asset", "listing", "valid_from", "valid_until", "renamed_from", "renamed_to"
    )


def as_listed(rows: pl.DataFrame, versions: pl.DataFrame, *, on: str = "event_time") -> pl.DataFrame:
    """Rows of markets with what :func:`listed` says of the market at the time in ``on``; nulls for unknown markets.

    What was seen first of a market is taken to have held before it was seen. The order of rows stays.
    """
    intervals = listed(versions)
    is_first = pl.col("valid_from") == pl.col("valid_from").min().over(MARKET)
    begins = pl.when(is_first).then(pl.lit(_EVER).cast(pl.Datetime("us", "UTC"))).otherwise("valid_from")
    known = intervals.with_columns(begins=begins).sort("begins")
    joined = (
        rows.with_row_index("_at")
        .sort(on)
        .join_asof(known, left_on=on, right_on="begins", by=list(MARKET), check_sortedness=False)
    )
    return joined.sort("_at").drop("_at", "begins")


def asset_at(ticker: str | pl.Expr, time: str, *, meanings: Iterable[Meaning] = MEANINGS) -> pl.Expr:
    """The asset that a ticker meant on the row's ``venue`` at a time of the row, named ``asset``."""
    name = pl.col(ticker) if isinstance(ticker, str) else ticker
    meant = name
    for meaning in reversed(list(meanings)):
        meant = pl.when(_holds(meaning, name, pl.col(time))).then(pl.lit(meaning.asset)).otherwise(meant)
    return meant.alias("asset")


def _holds(meaning: Meaning, ticker: pl.Expr, time: pl.Expr) -> pl.Expr:
    holds = ticker == meaning.ticker
    if meaning.venue:
        holds &= pl.col("venue") == meaning.venue
    if meaning.since:
        holds &= time >= meaning.since
    if meaning.until:
        holds &= time < meaning.until
    return holds


def _with_names(rows: pl.DataFrame) -> pl.DataFrame:
    """Symbols of the same asset one after another, of each only when it began."""
    same = ("venue", "asset", "quote")
    began = rows.filter(pl.col("status") != DELISTED).group_by(*same, "symbol").agg(pl.col("event_time").min())
    names = began.sort("event_time").select(
        *same,
        "symbol",
        renamed_from=pl.col("symbol").shift().over(same),
        renamed_to=pl.col("symbol").shift(-1).over(same),
    )
    return rows.join(names, on=[*same, "symbol"], how="left")
