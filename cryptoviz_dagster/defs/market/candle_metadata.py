"""What a materialization of candles says of itself: counts, bounds, a few rows, a picture."""

from datetime import datetime

import dagster as dg
import polars as pl

from cryptoviz.lake.candle_tables import Interval
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz_dagster.defs.market.candle_lineage import candle_lineage
from cryptoviz_dagster.defs.market.picture import hour_picture
from cryptoviz_dagster.transforms.revisions import Revised

_PREVIEW = ("venue", "symbol", "window_start", "open", "high", "low", "close", "volume", "trade_count", "status")
_PREVIEW_ROWS = 7
_SHOWN_CHANGES = 50
_VERSIONS = ("source_version", "quotes_version")


def describe(
    interval: Interval, revised: Revised, span: Hour | Day, *, with_picture: bool = False
) -> dict[str, dg.MetadataValue]:
    """Metadata of one hour or day of candles: what they stand on, how many, from when to when, what changed."""
    candles = revised.candles
    count = pl.col("status").value_counts()
    statuses = {row["status"]: row["count"] for row in candles.select(count).to_series().to_list()}
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/partition_row_count": dg.MetadataValue.int(candles.height),
        "dagster/column_lineage": dg.MetadataValue.column_lineage(candle_lineage(interval)),
        **{f"cryptoviz/{name}": dg.MetadataValue.text(_only(candles, name)) for name in _VERSIONS},
        "symbols": dg.MetadataValue.int(candles.select("venue", "symbol").n_unique()),
        "trades": dg.MetadataValue.int(int(candles["trade_count"].sum() or 0)),
        "state": dg.MetadataValue.text(_state(statuses)),
        **{f"windows_{status}": dg.MetadataValue.int(n) for status, n in sorted(statuses.items())},
        "first": dg.MetadataValue.text(str(candles["window_start"].min() or span.start)),
        "last": dg.MetadataValue.text(str(candles["window_end"].max() or span.end)),
    }
    if revised.changes:
        metadata["cause"] = dg.MetadataValue.text(str(revised.cause))
        metadata["blast_radius"] = dg.MetadataValue.json(list(revised.changes[:_SHOWN_CHANGES]))
        metadata["candles_changed"] = dg.MetadataValue.int(revised.changed)
    if candles.height:
        metadata["preview"] = dg.MetadataValue.md(_table(candles))
        if with_picture and isinstance(span, Hour):
            metadata["picture"] = dg.MetadataValue.md(f"![{span.key}]({hour_picture(candles, span)})")
    return metadata


def _only(candles: pl.DataFrame, name: str) -> str:
    """What every row of an hour says; of a day, whose windows differ, how many say something else."""
    values = candles[name].unique().to_list()
    return HourVersion().digest if not values else values[0] if len(values) == 1 else f"{len(values)} versions"


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
