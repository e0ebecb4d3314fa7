"""Which hours of metrics stand on another history than the lake has now: late trades reach thirty days ahead.

The version of a history is a sum over its hours, so those of all hours follow from running sums, in one pass.
"""

from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from cryptoviz.arithmetic.fold import HOUR, MARKET
from cryptoviz.lake.ledger import HourVersion
from cryptoviz_dagster.transforms.history import LOOK_BACK, NO_HISTORY

_KEY = [*MARKET, "window_start"]


def stale_metrics(metrics: pl.DataFrame, accounted: pl.DataFrame) -> list[datetime]:
    """Starts of the hours of which a row names another history than there is, in order of time.

    ``metrics`` are rows of ``hourly_metrics`` and ``accounted`` what ``account_for_hours`` makes of the hours they
    reach back to. Rows of hours in progress are passed over: they are made again when these end.
    """
    settled = metrics.filter(pl.col("status") != "open").select(*_KEY, "history_version")
    paired = settled.join(versions_by_hour(accounted), on=_KEY, how="left", suffix="_now")
    is_other = pl.col("history_version") != pl.col("history_version_now").fill_null(NO_HISTORY)
    return paired.filter(is_other)["window_start"].unique().sort().to_list()


def versions_by_hour(accounted: pl.DataFrame) -> pl.DataFrame:
    """Version of the history up to each accounted hour of each market; hours in progress are not accounted for."""
    parts = [pl.DataFrame(schema={**dict.fromkeys(MARKET, pl.String), "window_start": pl.Datetime("us", "UTC")})]
    parts[0] = parts[0].with_columns(history_version=pl.lit(None, pl.String))
    for _, rows in accounted.filter(~pl.col("is_open")).sort(_KEY).group_by(MARKET, maintain_order=True):
        digests = [version.digest for version in _versions(rows)]
        parts.append(rows.select(*_KEY, pl.Series("history_version", digests, pl.String)))
    return pl.concat(parts)


def _versions(rows: pl.DataFrame) -> list[HourVersion]:
    """Versions of one market's hours, sorted by time."""
    number = np.arange(rows.height)
    hours = rows["window_start"].dt.epoch("us").to_numpy() // int(HOUR.total_seconds() * 1e6)
    begins = np.concatenate([[True], np.diff(hours) != 1])[: rows.height]
    run = np.maximum.accumulate(np.where(begins, number, 0))
    first = _next_priced(rows["close"].is_not_null().to_numpy())[np.maximum(run, number - (LOOK_BACK - 1))]
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(rows["row_hash"].to_numpy(), dtype=np.uint64)])
    totals = sums[number + 1] - sums[np.minimum(first, number + 1)]
    return [HourVersion(max(0, int(n - f + 1)), int(t)) for n, f, t in zip(number, first, totals, strict=True)]


def _next_priced(is_priced: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """For each row the first row from it on that has a price; the number of rows when there is none."""
    ahead = np.where(is_priced, np.arange(len(is_priced)), len(is_priced))
    return np.minimum.accumulate(ahead[::-1])[::-1]
