"""The unbroken hourly history of each market up to an hour: our candles, the venue's klines where ours do not reach.

An hour belongs to it when every trade of it is accounted for: our candle says so, or the venue's kline stands in. The
history ends at the last hour and begins after the newest hole. A quiet hour has the price of the hour before it.
"""

from datetime import datetime

import polars as pl
import xxhash

from cryptoviz.arithmetic.fold import HOUR, MARKET

LOOK_BACK = 720
"""Hours of history at most: 30 days, the hour itself included."""
_WHOLE = ("traded", "quiet", "repaired", "halted")
_FACTS = ("high", "low", "close", "volume", "quote_volume")
_KLINE_INTERVAL = "1h"


def look_back_start(hour: datetime) -> datetime:
    """Start of the first hour that the history up to ``hour`` may hold."""
    return hour - (LOOK_BACK - 1) * HOUR


def build_history(candles: pl.DataFrame, klines: pl.DataFrame, *, hour: datetime) -> pl.DataFrame:
    """One row for each venue, symbol and hour of the unbroken history that ends with ``hour``, in order of time.

    ``candles`` are rows of ``ohlc_1h``, ``klines`` of ``klines``; others than those of the look-back are passed over.
    Columns: market, window_start, high, low, close, volume, quote_volume (decimals, ``close`` without nulls) and
    ``price``, the close as a float. The hour in progress counts as it is.
    """
    ours = candles.filter(_is_whole(hour)).select(*MARKET, "window_start", *_FACTS)
    theirs = klines.filter(pl.col("interval") == _KLINE_INTERVAL).select(ours.columns)
    theirs = theirs.join(ours, on=[*MARKET, "window_start"], how="anti")
    inside = pl.col("window_start").is_between(look_back_start(hour), hour)
    rows = pl.concat([ours, theirs]).filter(inside).sort(*MARKET, "window_start", descending=[False, False, True])
    age = (pl.lit(hour) - pl.col("window_start")).dt.total_hours()
    unbroken = rows.filter(age == pl.int_range(pl.len()).over(MARKET)).sort(*MARKET, "window_start")
    priced = unbroken.with_columns(pl.col("close").forward_fill().over(MARKET)).drop_nulls("close")
    return priced.with_columns(price=pl.col("close").cast(pl.Float64))


def _is_whole(hour: datetime) -> pl.Expr:
    is_in_progress = (pl.col("window_start") == hour) & (pl.col("status") == "open")
    return pl.col("status").is_in(_WHOLE) | is_in_progress


def history_versions(history: pl.DataFrame) -> pl.DataFrame:
    """xxHash64 of each market's history, text of every fact in order of time; columns market and history_version."""
    facts = pl.concat_str(pl.col("window_start").dt.epoch("s"), *_FACTS, separator=",", ignore_nulls=False)
    texts = (
        history.with_columns(pl.col(_FACTS).cast(pl.String).fill_null("-")).group_by(MARKET, maintain_order=True)
        .agg(facts.str.join("\n").alias("text"))
    )  # fmt: skip
    digests = [xxhash.xxh64_hexdigest(text.encode()) for text in texts["text"]]
    return texts.select(*MARKET, pl.Series("history_version", digests, pl.String))
