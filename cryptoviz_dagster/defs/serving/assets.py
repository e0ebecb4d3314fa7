"""Published tables as assets: a run makes PostgreSQL equal to the lake, partition by partition.

The assets have no partitions of Dagster's own: a first run over a long history would announce each of them for every
table before it begins. Which partition is loaded from what stands in PostgreSQL, beside the rows.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg
import psycopg

from cryptoviz.warehouse.load import Outcome
from cryptoviz.warehouse.publications import PUBLICATIONS, Publication, Span
from cryptoviz_dagster.defs.lake.assets import column_schema
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.warehouse import Warehouse

GROUP = "serving"
LOADED_CHECK = "loaded_rows_are_the_lakes"
_SHOWN = 20
_BUDGET_S = 120.0
"""A run ends after so long and leaves the rest to the next, so that news never waits behind history."""


class PartitionsRefused(dg.Failure):
    """PostgreSQL would not take some partitions; all others were loaded."""

    def __init__(self, refused: Sequence[str]) -> None:
        super().__init__(description=f"{len(refused)} refused, the first: {refused[0]}", allow_retries=False)


def publication_key(publication: Publication) -> dg.AssetKey:
    """Asset key of a published table."""
    return dg.AssetKey(["postgres", publication.name])


def publication_assets(
    publications: Sequence[Publication] = PUBLICATIONS, *, budget_s: float = _BUDGET_S
) -> dg.AssetsDefinition:
    """One asset a published table, all computed together, each with a check of what was loaded."""

    @dg.multi_asset(
        name="publish",
        specs=[_spec(publication) for publication in publications],
        check_specs=[_check_spec(publication) for publication in publications],
        can_subset=True,
    )
    def publish(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        selected = [p for p in publications if publication_key(p) in context.selected_asset_keys]
        due = newest_first(selected, warehouse.lacking(now=lake.now()))
        tallies, refused = _load(context, due, lake, warehouse, deadline=time.monotonic() + budget_s)
        for publication in selected:
            tally = tallies.get(publication.name)
            if tally and tally.partitions:
                yield dg.MaterializeResult(asset_key=publication_key(publication), metadata=tally.metadata())
                if _check_key(publication) in context.selected_asset_check_keys:
                    yield judge(publication, LOADED_CHECK, warehouse.off_counts(publication, only=tally.spans))
        if refused:
            raise PartitionsRefused(refused)

    return publish


def _load(
    context: dg.AssetExecutionContext,
    due: Sequence[tuple[Span, Publication]],
    lake: Lake,
    warehouse: Warehouse,
    *,
    deadline: float,
) -> "tuple[dict[str, Tally], list[str]]":
    """Load partitions until the deadline; what was done by table, and what PostgreSQL refused."""
    tallies: dict[str, Tally] = {}
    refused: list[str] = []
    with warehouse.loader() as loader:
        for span, publication in due:
            if time.monotonic() > deadline:
                break
            try:
                outcome, rows = loader.load(publication, span, now=lake.now())
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                refused.append(f"{publication.name} {span.key}: {error}")
                continue
            context.log.debug("%s %s: %s, %d rows", publication.name, span.key, outcome, rows)
            tallies.setdefault(publication.name, Tally()).add(span, outcome, rows)
    return tallies, refused


def judge(publication: Publication, check: str, off: Sequence[str]) -> dg.AssetCheckResult:
    """Verdict on the rows of one table, with the partitions that are off."""
    return dg.AssetCheckResult(
        asset_key=publication_key(publication),
        check_name=check,
        passed=not off,
        description=f"{len(off)} partitions differ, the first: {off[0]}" if off else None,
        metadata={"problems": len(off), "which": dg.MetadataValue.json(list(off[:_SHOWN]))},
    )


def newest_first(
    publications: Sequence[Publication], lacking: Mapping[str, Mapping[Span, str]]
) -> list[tuple[Span, Publication]]:
    """Partitions to load: those that ended last come first, of whatever table."""
    due = [(span, publication) for publication in publications for span in lacking.get(publication.name, {})]
    return sorted(due, key=lambda one: (one[0].end, one[1].name), reverse=True)


@dataclass(slots=True)
class Tally:
    """What a run did to one table."""

    spans: set[Span] = field(default_factory=set)
    superseded: int = 0
    rows: int = 0
    newest: str = ""

    def add(self, span: Span, outcome: Outcome, rows: int) -> None:
        """Count one partition."""
        if outcome is Outcome.LOADED:
            self.spans.add(span)
        self.superseded += outcome is Outcome.SUPERSEDED
        self.rows += rows if outcome is Outcome.LOADED else 0
        self.newest = max(self.newest, span.key)

    @property
    def partitions(self) -> int:
        """Partitions that were loaded."""
        return len(self.spans)

    def metadata(self) -> dict[str, dg.MetadataValue]:
        """The same as Dagster shows it."""
        return {
            "partitions": dg.MetadataValue.int(self.partitions),
            "partitions_superseded": dg.MetadataValue.int(self.superseded),
            "rows": dg.MetadataValue.int(self.rows),
            "newest_partition": dg.MetadataValue.text(self.newest),
        }


def _check_key(publication: Publication) -> dg.AssetCheckKey:
    return dg.AssetCheckKey(publication_key(publication), LOADED_CHECK)


def _check_spec(publication: Publication) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        LOADED_CHECK,
        asset=publication_key(publication),
        description="Each partition that was loaded has as many rows as the files it was loaded from.",
    )


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
