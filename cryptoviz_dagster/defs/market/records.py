"""What publishing candles leaves behind, as assets: the record of publications, and what was superseded."""

from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl

from cryptoviz.lake.candle_tables import CANDLE_PUBLICATIONS, CANDLE_REVISIONS, OHLC
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import Table
from cryptoviz_dagster.defs.lake.assets import column_schema
from cryptoviz_dagster.defs.table_asset import OWNERS
from cryptoviz_dagster.transforms.revisions import Revised


def record_specs(hours: dg.PartitionsDefinition, days: dg.PartitionsDefinition) -> list[dg.AssetSpec]:
    """The two tables as assets of their own; the candle assets write them and say so by :func:`record_events`."""
    return [_spec(CANDLE_REVISIONS, hours), _spec(CANDLE_PUBLICATIONS, days)]


def record_events(spans: Sequence[Hour | Day], revised: Sequence[Revised]) -> Iterator[dg.AssetMaterialization]:
    """One event for each day with a record of a publication, and for each hour with a superseded candle."""
    news: dict[Day, int] = {}
    for span, one in zip(spans, revised, strict=True):
        if one.is_news:
            day = Day.containing(span.start)
            news[day] = news.get(day, 0) + one.changed
    for day, changed in sorted(news.items(), key=lambda item: item[0].date):
        yield _event(CANDLE_PUBLICATIONS, day, {"candles_changed": changed})
    superseded = [one.superseded.select("window_start") for one in revised if one.superseded.height]
    if superseded:
        counts = pl.concat(superseded).group_by(pl.col("window_start").dt.truncate("1h")).len().sort("window_start")
        for start, count in counts.iter_rows():
            yield _event(CANDLE_REVISIONS, Hour(start), {"candles_superseded": count})


def _event(table: Table, span: Hour | Day, metadata: dict[str, int]) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(table.name, partition=span.key, metadata=metadata)


def _spec(table: Table, partitions: dg.PartitionsDefinition) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=table.name,
        description=f"{table.doc} Key: {', '.join(table.key)}.",
        deps=[other.name for other in OHLC.values()],
        group_name="quality",
        kinds={"polars", "delta", "s3"},
        owners=OWNERS,
        partitions_def=partitions,
        metadata={"dagster/column_schema": column_schema(table)},
    )
