"""Published tables as assets: for each partition, PostgreSQL is made equal to the lake."""

from collections.abc import Iterator, Sequence

import dagster as dg

from cryptoviz.warehouse.load import Outcome
from cryptoviz.warehouse.publications import PUBLICATIONS, Publication, Span
from cryptoviz_dagster.defs.lake.assets import column_schema
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.warehouse import Warehouse

GROUP = "serving"


def publication_key(publication: Publication) -> dg.AssetKey:
    """Asset key of a published table."""
    return dg.AssetKey(["postgres", publication.name])


def publication_assets(
    *, hours: dg.PartitionsDefinition, days: dg.PartitionsDefinition, publications: Sequence[Publication] = PUBLICATIONS
) -> list[dg.AssetsDefinition]:
    """One asset a published table, those of hours and those of days each computed together."""
    hourly = [p for p in publications if not p.is_daily]
    daily = [p for p in publications if p.is_daily]
    return [_tables("publish_hours", hourly, hours), _tables("publish_days", daily, days)]


def _tables(name: str, publications: Sequence[Publication], partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=name,
        specs=[_spec(publication) for publication in publications],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
    )
    def publish(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[None]]:
        lacking = warehouse.lacking(now=lake.now())
        for publication in publications:
            key, spans = publication_key(publication), lacking.get(publication.name, {})
            due = [span for partition in context.partition_keys if (span := publication.span(partition)) in spans]
            if key in context.selected_asset_keys and due:
                yield dg.MaterializeResult(asset_key=key, metadata=_publish(context, publication, due, lake, warehouse))

    return publish


def _publish(
    context: dg.AssetExecutionContext, publication: Publication, spans: Sequence[Span], lake: Lake, warehouse: Warehouse
) -> dict[str, int]:
    """Load these partitions; metadata of the load."""
    counts = dict.fromkeys(Outcome, 0)
    total = 0
    for span in spans:
        outcome, rows = warehouse.publish(publication, span, now=lake.now())
        counts[outcome] += 1
        total += rows
        context.log.info("%s %s: %s, %d rows", publication.name, span.key, outcome, rows)
    return {"dagster/partition_row_count": total, **{f"partitions_{name}": count for name, count in counts.items()}}


def _spec(publication: Publication) -> dg.AssetSpec:
    table = publication.table
    kept = f" Kept for {publication.keep.days} days." if publication.keep else ""
    return dg.AssetSpec(
        key=publication_key(publication),
        deps=[table.name],
        skippable=True,
        description=f"{table.doc} Published to crypto.{table.name}, each partition in one transaction.{kept}",
        group_name=GROUP,
        kinds={"postgres"},
        owners=["team:cryptoviz"],
        metadata={"dagster/column_schema": column_schema(table)},
    )
