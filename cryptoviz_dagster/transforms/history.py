"""The unbroken hourly history of each market up to an hour: our candles, the venue's klines where ours do not reach.

An hour belongs to it when every trade of it is accounted for: our candle says so, or the venue's kline stands in. The
history ends at the last hour and begins after the newest hole. A quiet hour has the price of the hour before it.
"""

from datetime import datetime

import polars as pl
import xxhash

from cryptoviz.arithmetic.fold import HOUR, MARKET
from cryptoviz.lake.ledger import WRAP, HourVersion

LOOK_BACK = 720
"""Hours of history at most: 30 days, the hour itself included."""
NO_HISTORY = HourVersion().digest
_WHOLE = ("traded", "quiet", "repaired", "halted")
_FACTS = ("high", "low", "close", "volume", "quote_volume")
_KEY = (*MARKET, "window_start")
_KLINE_INTERVAL = "1h"


def account_for_hours(candles: pl.DataFrame, klines: pl.DataFrame) -> pl.DataFrame:
    """Hours of which every trade is accounted for, and those in progress (``is_open``), by market and time.

    ``candles`` are rows of ``ohlc_1h``, ``klines`` of ``klines``. Columns: market, window_start, high, low, close,
    volume, quote_volume, is_open and ``row_hash``, xxHash64 of the facts of the hour as text.
    """
    ours = candles.select(*_KEY, *_FACTS, is_open=pl.col("status") == "open")
    whole = ours.filter(candles["status"].is_in(_WHOLE))
    theirs = klines.filter(pl.col("interval") == _KLINE_INTERVAL).select(*_KEY, *_FACTS, is_open=pl.lit(value=False))
    known = pl.concat([whole, theirs.join(whole, on=_KEY, how="anti")])
    rows = pl.concat([known, ours.filter("is_open").join(known, on=_KEY, how="anti")]).sort(_KEY)
    texts = rows.select(
        pl.concat_str(
            *MARKET,
            pl.col("window_start").dt.epoch("s"),
            *(pl.col(name).cast(pl.String).fill_null("-") for name in _FACTS),
            separator=",",
        )
    ).to_series()
    return rows.with_columns(pl.Series("row_hash", [xxhash.xxh64_intdigest(t.encode()) for t in texts], pl.UInt64))


def build_history(accounted: pl.DataFrame, *, hour: datetime) -> pl.DataFrame:
    """One row for each venue, symbol and hour of the unbroken history that ends with ``hour``, in order of time.

    ``accounted`` is what :func:`account_for_hours` makes; of hours in progress only ``hour`` counts. ``close`` has no
    nulls; ``price`` is the close as a float.
    """
    inside = pl.col("window_start").is_between(hour - (LOOK_BACK - 1) * HOUR, hour)
    counts = ~pl.col("is_open") | (pl.col("window_start") == hour)
    rows = accounted.filter(inside, counts).sort(*_KEY, descending=[False, False, True])
    age = (pl.lit(hour) - pl.col("window_start")).dt.total_hours()
    unbroken = rows.filter(age == pl.int_range(pl.len()).over(MARKET)).sort(_KEY)
    priced = unbroken.with_columns(pl.col("close").forward_fill().over(MARKET)).drop_nulls("close")
    return priced.with_columns(price=pl.col("close").cast(pl.Float64))


def history_versions(history: pl.DataFrame) -> pl.DataFrame:
    """Count and sum of the row hashes of each market's history; columns venue, symbol and history_version."""
    sums = history.group_by(MARKET, maintain_order=True).agg(pl.len(), pl.col("row_hash").cast(pl.Int128).sum())
    digests = [HourVersion(n, int(total) % WRAP).digest for n, total in sums.select("len", "row_hash").iter_rows()]
    return sums.select(*MARKET, pl.Series("history_version", digests, pl.String))
