"""What a materialization of candles says of itself: counts, bounds, a few rows, a picture."""

from datetime import datetime

import dagster as dg
import polars as pl

from cryptoviz.lake.hours import Hour
from cryptoviz_dagster.defs.market.picture import hour_picture

_PREVIEW = ("venue", "symbol", "window_start", "open", "high", "low", "close", "volume", "trade_count", "status")
_PREVIEW_ROWS = 7


def describe(
    candles: pl.DataFrame, hour: Hour, *, version: str, with_picture: bool = False
) -> dict[str, dg.MetadataValue]:
    """Metadata of one hour of candles. ``version`` names exactly the trades they stand on."""
    count = pl.col("status").value_counts()
    statuses = {row["status"]: row["count"] for row in candles.select(count).to_series().to_list()}
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/partition_row_count": dg.MetadataValue.int(candles.height),
        "cryptoviz/source_version": dg.MetadataValue.text(version),
        "symbols": dg.MetadataValue.int(candles.select("venue", "symbol").n_unique()),
        "trades": dg.MetadataValue.int(int(candles["trade_count"].sum() or 0)),
        "state": dg.MetadataValue.text(_state(statuses)),
        **{f"windows_{status}": dg.MetadataValue.int(n) for status, n in sorted(statuses.items())},
        "first": dg.MetadataValue.text(str(candles["window_start"].min() or hour.start)),
        "last": dg.MetadataValue.text(str(candles["window_end"].max() or hour.end)),
    }
    if candles.height:
        metadata["preview"] = dg.MetadataValue.md(_table(candles))
        if with_picture:
            metadata["picture"] = dg.MetadataValue.md(f"![{hour.key}]({hour_picture(candles, hour)})")
    return metadata


def _state(statuses: dict[str, int]) -> str:
    if not statuses:
        return "no trades in the lake for this hour"
    if "open" in statuses:
        return "provisional: the hour is in progress"
    return "final, not every window is proven" if "blind" in statuses else "final, every window is proven"


def _table(candles: pl.DataFrame) -> str:
    rows = candles.select(_PREVIEW).tail(_PREVIEW_ROWS)
    lines = ["| " + " | ".join(_PREVIEW) + " |", "|" + "---|" * len(_PREVIEW)]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in rows.iter_rows()]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%H:%M")
    text = str(value) if value is not None else "-"
    return text.rstrip("0").rstrip(".") if "." in text else text
