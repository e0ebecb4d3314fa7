"""What a materialization of metrics says of itself: rows, columns without a value, a few rows, their lineage."""

from collections.abc import Mapping, Sequence

import dagster as dg
import polars as pl

from cryptoviz.lake.metric_tables import HOURLY_CORRELATIONS, HOURLY_METRICS, HOURLY_QUOTES, MARKET_OVERVIEW
from cryptoviz.lake.schema import Table
from cryptoviz_dagster.defs.market.metric_lineage import lineage

_ROWS = 8
_PREVIEWS: Mapping[str, tuple[str, bool, Sequence[str]]] = {
    HOURLY_METRICS.name: (
        "mover_rank",
        False,
        ("venue", "symbol", "last_price", "price_change_percent_24h", "rsi_14", "volatility_regime", "hours", "reason"),
    ),
    HOURLY_CORRELATIONS.name: (
        "correlation",
        True,
        ("venue", "symbol", "other_symbol", "window_hours", "correlation", "hours"),
    ),
    MARKET_OVERVIEW.name: (
        "window_start",
        True,
        ("asset", "quote", "window_start", "source", "price", "age_s", "consensus_price", "residual_bps"),
    ),
    HOURLY_QUOTES.name: (
        "samples",
        True,
        ("venue", "symbol", "samples", "stale_samples", "last_price", "mean_price", "market_cap", "change_24h"),
    ),
}
"""Of each table the column its preview is sorted by, whether downwards, and the columns it shows."""


def describe(table: Table, rows: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    """Metadata of one hour of a table of metrics."""
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/partition_row_count": dg.MetadataValue.int(rows.height),
        "dagster/column_lineage": dg.MetadataValue.column_lineage(lineage(table)),
    }
    if rows.height:
        metadata["null_columns"] = dg.MetadataValue.json(
            [n for n in rows.columns if rows[n].null_count() == rows.height]
        )
        metadata["preview"] = dg.MetadataValue.md(_preview(table, rows))
    return metadata


def _preview(table: Table, rows: pl.DataFrame) -> str:
    by, descending, names = _PREVIEWS[table.name]
    chosen = rows.sort([by, *table.key], descending=[descending, *[False] * len(table.key)], nulls_last=True).head(
        _ROWS
    )
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in chosen.select(names).iter_rows()]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text
