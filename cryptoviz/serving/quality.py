"""What can be said for the candles: status by hour, stretches nothing is known of, and the venue's own view."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from cryptoviz.lake.candle_tables import OHLC_1H, OHLC_1M
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import KLINES
from cryptoviz.serving.parts import Parts
from cryptoviz.storage.frames import empty

_MARKET = ("venue", "symbol")
_UNKNOWN = ("blind", "halted")
_COMPARED = ("open", "high", "low", "close", "volume", "trade_count")
_MINUTE = timedelta(minutes=1)


def candles_of_all(parts: Parts, table: Table, first: datetime, end: datetime) -> pl.DataFrame:
    """Rows of every market that start in `[first, end)`. Raises StoreUnavailable, OSError."""
    snapshot = parts.snapshots.latest(table)
    names = [name for name in snapshot.files if _day(first) <= name <= _day(end)]
    chunks = parts.chunks.get(table, snapshot, names)
    rows = pl.concat([chunk.frame for chunk in chunks]) if chunks else empty(table)
    return rows.filter(pl.col(table.time_column).is_between(first, end, closed="left"))


def status_grid(minutes: pl.DataFrame) -> pl.DataFrame:
    """Minutes of each status and missing ids, one row a venue, symbol and hour."""
    statuses = ("traded", "quiet", "repaired", "halted", "blind", "open")
    counts = [(pl.col("status") == status).sum().cast(pl.Int32).alias(status) for status in statuses]
    return (
        minutes.with_columns(hour=pl.col("window_start").dt.truncate("1h"))
        .group_by(*_MARKET, "hour").agg(*counts, pl.col("missing_ids").sum(), pl.col("trade_count").sum())
        .sort(*_MARKET, "hour")
    )  # fmt: skip


def unknown_stretches(minutes: pl.DataFrame) -> pl.DataFrame:
    """Runs of minutes that are blind or halted, with minutes that have no row at all between two that do."""
    rows = minutes.sort(*_MARKET, "window_start").select(*_MARKET, "window_start", "window_end", "status")
    absent = (
        rows.with_columns(start=pl.col("window_end").shift(1).over(_MARKET))
        .filter(pl.col("start") < pl.col("window_start"))
        .select(*_MARKET, window_start="start", window_end="window_start", status=pl.lit("absent"))
    )
    known = pl.concat([rows.filter(pl.col("status").is_in(_UNKNOWN)), absent]).sort(*_MARKET, "window_start")
    is_new = (pl.col("window_end").shift(1) != pl.col("window_start")) | (pl.col("status").shift(1) != pl.col("status"))
    return (
        known.with_columns(run=is_new.over(_MARKET).fill_null(value=True).cum_sum())
        .group_by(*_MARKET, "run", "status", maintain_order=True)
        .agg(start=pl.col("window_start").min(), end=pl.col("window_end").max())
        .with_columns(minutes=((pl.col("end") - pl.col("start")) / _MINUTE).cast(pl.Int64), cause=_cause())
        .drop("run").sort("start", *_MARKET)
    )  # fmt: skip


def _cause() -> pl.Expr:
    return (
        pl.when(pl.col("status") == "halted").then(pl.lit("the venue was down"))
        .when(pl.col("status") == "absent").then(pl.lit("no candles were made"))
        .otherwise(pl.lit("nobody listened, or ids are missing"))
    )  # fmt: skip


def reconciled(parts: Parts, first: datetime, end: datetime) -> pl.DataFrame:
    """Our final hourly candles beside the venue's own: which fields differ. Raises StoreUnavailable, OSError."""
    ours = candles_of_all(parts, OHLC_1H, first, end).filter(pl.col("status") != "open")
    theirs = candles_of_all(parts, KLINES, first, end).filter(pl.col("interval") == "1h")
    both = ours.select(*_MARKET, "window_start", "status", "missing_ids", *_COMPARED).join(
        theirs.select(*_MARKET, "window_start", *_COMPARED), on=[*_MARKET, "window_start"], suffix="_venue"
    )
    differing = [pl.when(~pl.col(n).eq_missing(pl.col(f"{n}_venue"))).then(pl.lit(n)) for n in _COMPARED]
    return both.with_columns(
        differs=pl.concat_list(differing).list.drop_nulls(),
        volume_residual=pl.col("volume") - pl.col("volume_venue"),
        trades_residual=pl.col("trade_count") - pl.col("trade_count_venue"),
    ).sort("window_start", *_MARKET)


def summary(grid: pl.DataFrame) -> dict[str, Any]:
    """Shares of minutes by status over a whole grid."""
    statuses = ("traded", "quiet", "repaired", "halted", "blind")
    totals = grid.select(pl.col(statuses).sum()).row(0, named=True) if grid.height else dict.fromkeys(statuses, 0)
    minutes = sum(totals.values())
    proven = totals["traded"] + totals["quiet"] + totals["repaired"]
    return {**totals, "minutes": minutes, "proven_percent": round(100 * proven / minutes, 3) if minutes else None}


def minutes_between(parts: Parts, first: datetime, end: datetime) -> pl.DataFrame:
    """One-minute candles of every market. Raises StoreUnavailable, OSError."""
    return candles_of_all(parts, OHLC_1M, first, end)


def _day(instant: datetime) -> tuple[str, str, str]:
    return (f"{instant.year:04}", f"{instant.month:02}", f"{instant.day:02}")
