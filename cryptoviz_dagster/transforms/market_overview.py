"""The market by the minute: each source's price of an asset beside the consensus, the median of the fresh ones.

Quote currencies are kept apart: a dollar, a USDT and a USDC are three prices. ``consensus_usd`` converts by the
consensus of the quote currency's own market in US dollars, where there is one. What a ticker meant on a venue at the
time of the price decides which asset it is: one ticker of two assets is two, a renamed asset is one.
"""

from datetime import timedelta
from decimal import Decimal

import polars as pl

from cryptoviz.arithmetic.exact import median, product
from cryptoviz.arithmetic.fold import DECIMAL, MINUTE
from cryptoviz.arithmetic.listings import asset_at
from cryptoviz.lake.metric_tables import MARKET_OVERVIEW

FRESH_FOR = timedelta(minutes=5)
"""A price older than this at the end of a minute has no part in its consensus. Vendors publish every minute or two."""
US_DOLLAR = "USD"
_OLD = timedelta(minutes=10)
"""A vendor's price older than this when received is stale, unless its market is closed."""
_SOURCE = ("source", "asset", "quote")
_MARKET = ("asset", "quote", "window_start")
_US = pl.Datetime("us", "UTC")


def observe_candles(minutes: pl.DataFrame) -> pl.DataFrame:
    """Observations of venues: the close of each one-minute candle, seen at the end of its minute.

    ``minutes`` are rows of ``ohlc_1m``. Columns: source, asset, quote, time, price (null without a trade).
    """
    parts = pl.col("symbol").str.split("-").list
    return minutes.select(
        source="venue",
        asset=asset_at(parts.first(), "window_start"),
        quote=parts.last(),
        time=pl.col("window_end"),
        price=pl.col("close"),
    )


def observe_quotes(quotes: pl.DataFrame) -> pl.DataFrame:
    """Observations of vendors: each quote at the vendor's own time, or when it was received where it names none.

    ``quotes`` are rows of the table ``quotes``; the columns are those of :func:`observe_candles` and ``market_cap``,
    in US dollars, else null. What is old and yet not stale is the last price of a closed market, which holds.
    """
    received, said = pl.col("received_time"), pl.col("source_time")
    parts = pl.col("symbol").str.split("-").list
    holds = ~pl.col("is_stale") & (received - said > _OLD)
    return quotes.select(
        source="venue",
        asset=asset_at(parts.first(), "received_time"),
        quote=parts.last(),
        time=pl.when(holds | said.is_null()).then(received).otherwise(pl.min_horizontal(said, received)),
        price="price",
        market_cap=pl.when(parts.last() == US_DOLLAR).then(pl.col("market_cap")),
    )


def latest_market_caps(quotes: pl.DataFrame) -> pl.DataFrame:
    """The latest capitalisation of each asset in US dollars; columns asset and market_cap."""
    known = observe_quotes(quotes).drop_nulls("market_cap").sort("time", "market_cap")
    return known.group_by("asset", maintain_order=True).agg(pl.col("market_cap").last())


def build_market_overview(venues: pl.DataFrame, vendors: pl.DataFrame, minutes: pl.Series) -> pl.DataFrame:
    """Rows of ``market_overview``: every source observed, in every minute of ``minutes``, their starts.

    ``venues`` and ``vendors`` are what :func:`observe_candles` and :func:`observe_quotes` make, from ``FRESH_FOR``
    before the minutes on; what is observed after a minute's end has no part in it.
    """
    priced = _latest_prices(pl.concat([venues, vendors.select(venues.columns)]), minutes)
    rows = priced.join(_consensus(priced), on=_MARKET, how="left")
    rows = _with_dollars(rows).with_columns(residual_bps=_residual())
    return _with_market_caps(rows, vendors).select(MARKET_OVERVIEW.column_names).sort(MARKET_OVERVIEW.key)


def _latest_prices(observations: pl.DataFrame, minutes: pl.Series) -> pl.DataFrame:
    starts = pl.DataFrame({"window_start": minutes.unique()}, schema={"window_start": _US})
    grid = observations.select(_SOURCE).unique().join(starts, how="cross")
    known = observations.drop_nulls("price").sort("time", "price")
    rows = grid.with_columns(window_end=pl.col("window_start") + MINUTE).sort("window_end")
    rows = rows.join_asof(known, left_on="window_end", right_on="time", by=list(_SOURCE), check_sortedness=False)
    age = pl.col("window_end") - pl.col("time")
    return rows.with_columns(age_s=age.dt.total_seconds(), is_stale=(age > FRESH_FOR).fill_null(value=True))


def _consensus(priced: pl.DataFrame) -> pl.DataFrame:
    fresh = priced.group_by(_MARKET).agg(pl.col("price").filter(~pl.col("is_stale")))
    medians = [median(prices) for prices in fresh["price"].to_list()]
    count = pl.col("price").list.len().cast(pl.Int32)
    return fresh.select(*_MARKET, pl.Series("consensus_price", medians, DECIMAL), fresh_sources=count)


def _with_dollars(rows: pl.DataFrame) -> pl.DataFrame:
    of_quotes = rows.filter(pl.col("quote") == US_DOLLAR).select(
        "window_start", quote="asset", in_dollars="consensus_price"
    )
    joined = rows.join(of_quotes.unique(), on=["quote", "window_start"], how="left")
    rate = pl.when(pl.col("quote") == US_DOLLAR).then(pl.lit(Decimal(1)).cast(DECIMAL)).otherwise("in_dollars")
    pairs = joined.select("consensus_price", rate.alias("rate")).iter_rows()
    dollars = [None if price is None or rate is None else product(price, rate) for price, rate in pairs]
    return joined.with_columns(pl.Series("consensus_usd", dollars, DECIMAL))


def _residual() -> pl.Expr:
    price, consensus = (pl.col(name).cast(pl.Float64) for name in ("price", "consensus_price"))
    return 10_000 * (price / consensus - 1)


def _with_market_caps(rows: pl.DataFrame, vendors: pl.DataFrame) -> pl.DataFrame:
    """The latest capitalisation of each asset, and its place among those that have one."""
    known = vendors.drop_nulls("market_cap").sort("time", "market_cap").select("asset", "market_cap", cap_time="time")
    assets = rows.select("asset", "window_start", "window_end").unique().sort("window_end")
    caps = assets.join_asof(known, left_on="window_end", right_on="cap_time", by="asset", check_sortedness=False)
    place = pl.col("market_cap").rank("min", descending=True).over("window_start").cast(pl.Int32)
    caps = caps.select("asset", "window_start", "market_cap", market_cap_rank=place)
    return rows.join(caps, on=["asset", "window_start"], how="left")
