"""Best bids and asks over time: how long each stood, summed by minute so that any coarser window is a sum of these.

A quote stands until the next one of its market, at most :data:`QUOTE_LIFE`: past that nobody knows. Sums are exact:
decimals times whole milliseconds.
"""

from datetime import datetime, timedelta

import polars as pl

from cryptoviz.arithmetic.fold import DECIMAL, MARKET, MINUTE, sum_or_null

QUOTE_LIFE = timedelta(seconds=60)
"""At most one minute, so that a quote reaches into no more than one further minute."""
_MINUTE_MS = MINUTE // timedelta(milliseconds=1)
_LIFE_MS = QUOTE_LIFE // timedelta(milliseconds=1)
_LARGEST = 10.0**15
"""Times a minute of milliseconds this still fits the lake's decimals."""


def quote_sums(quotes: pl.DataFrame, *, end: datetime) -> pl.DataFrame:
    """Sums of quotes over the minutes before ``end``, one row a venue, symbol and minute in which a quote stood.

    ``quotes`` are rows of the table ``book_tickers`` of one hour. The columns are those of a candle that begin with
    `quoted`, `spread`, `mid`, `depth`, `bid` and `ask`. A sum that would leave the decimals is null.
    """
    pieces = _pieces(quotes, int(end.timestamp() * 1000))
    bid, ask, ms = pl.col("bid_price"), pl.col("ask_price"), pl.col("ms")
    return (
        pieces.group_by(*MARKET, "window_start", maintain_order=True)
        .agg(
            quoted_ms=ms.sum(),
            spread_integral=sum_or_null(_times(ask - bid, ms)),
            mid_integral=sum_or_null(_times(ask + bid, ms)),
            depth_integral=sum_or_null(_times(pl.col("bid_quantity") + pl.col("ask_quantity"), ms)),
            spread_max=(ask - bid).max(),
            bid_close=bid.last(),
            ask_close=ask.last(),
        )
        .with_columns(pl.from_epoch("window_start", "ms").cast(pl.Datetime("us", "UTC")))
    )


def _times(amount: pl.Expr, ms: pl.Expr) -> pl.Expr:
    """The product, null where it would not fit: the engine gives up a whole column for one overflow."""
    fits = amount.cast(pl.Float64) < _LARGEST
    return (pl.when(fits).then(amount) * ms).cast(DECIMAL)


def _pieces(quotes: pl.DataFrame, end_ms: int) -> pl.DataFrame:
    """Each quote cut at the minute it reaches into; ``ms`` is how long it stood there, ``window_start`` epoch ms."""
    start = pl.col("event_time").dt.timestamp("ms")
    rows = quotes.sort("event_time", "partition", "offset").select(
        *MARKET, "bid_price", "ask_price", "bid_quantity", "ask_quantity", start=start
    )
    follower = pl.col("start").shift(-1).over(MARKET).fill_null(end_ms)
    rows = rows.with_columns(until=pl.min_horizontal(follower, pl.col("start") + _LIFE_MS, pl.lit(end_ms)))
    minute = pl.col("start") - pl.col("start") % _MINUTE_MS
    border = minute + _MINUTE_MS
    here = rows.with_columns(window_start=minute, ms=pl.min_horizontal("until", border) - pl.col("start"))
    beyond = rows.filter(pl.col("until") > border).with_columns(window_start=border, ms=pl.col("until") - border)
    return pl.concat([beyond, here]).sort(*MARKET, "window_start", "start", maintain_order=True)
