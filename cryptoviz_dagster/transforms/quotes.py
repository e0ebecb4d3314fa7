"""Best bids and asks over time: how long each stood, summed by minute so that any coarser window is a sum of these.

A quote stands until the next one of its market, at most :data:`QUOTE_LIFE`: past that nobody knows. Sums are exact:
decimals times whole milliseconds.
"""

from datetime import datetime, timedelta

import polars as pl

from cryptoviz.candles.fold import MARKET, MINUTE, refuse_overflow

QUOTE_LIFE = timedelta(seconds=60)
"""At most one minute, so that a quote reaches into no more than one further minute."""
_MINUTE_MS = MINUTE // timedelta(milliseconds=1)
_LIFE_MS = QUOTE_LIFE // timedelta(milliseconds=1)


def quote_sums(quotes: pl.DataFrame, *, end: datetime) -> pl.DataFrame:
    """Sums of quotes over the minutes before ``end``, one row a venue, symbol and minute in which a quote stood.

    ``quotes`` are rows of the table ``book_tickers`` of one hour. The columns are those of a candle that begin with
    `quoted`, `spread`, `mid`, `depth`, `bid` and `ask`. Raises :class:`SumTooLarge`.
    """
    pieces = _pieces(quotes, int(end.timestamp() * 1000))
    _refuse(pieces)
    bid, ask, ms = pl.col("bid_price"), pl.col("ask_price"), pl.col("ms")
    return (
        pieces.group_by(*MARKET, "window_start", maintain_order=True)
        .agg(
            quoted_ms=ms.sum(),
            spread_integral=((ask - bid) * ms).sum(),
            mid_integral=((ask + bid) * ms).sum(),
            depth_integral=((pl.col("bid_quantity") + pl.col("ask_quantity")) * ms).sum(),
            spread_max=(ask - bid).max(),
            bid_close=bid.last(),
            ask_close=ask.last(),
        )
        .with_columns(pl.from_epoch("window_start", "ms").cast(pl.Datetime("us", "UTC")))
    )


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


def _refuse(pieces: pl.DataFrame) -> None:
    ms = pl.col("ms").cast(pl.Float64)
    floats = pieces.select(
        *MARKET,
        mid_integral=(pl.col("bid_price").cast(pl.Float64) + pl.col("ask_price").cast(pl.Float64)) * ms,
        depth_integral=(pl.col("bid_quantity").cast(pl.Float64) + pl.col("ask_quantity").cast(pl.Float64)) * ms,
    )
    refuse_overflow(floats, ("mid_integral", "depth_integral"))
