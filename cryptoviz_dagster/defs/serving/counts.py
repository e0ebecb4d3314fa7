"""Every row of PostgreSQL counted once a night: each partition has as many as the lake, and none is without a load."""

from collections.abc import Iterator, Sequence

import dagster as dg

from cryptoviz.warehouse.publications import PUBLICATIONS, Publication
from cryptoviz_dagster.defs.serving.assets import judge, publication_key
from cryptoviz_dagster.lanes import BACKGROUND
from cryptoviz_dagster.warehouse import Warehouse

CHECK = "every_row_is_the_lakes"
_DAILY = "5 4 * * *"


def count_checks(publications: Sequence[Publication] = PUBLICATIONS) -> dg.AssetChecksDefinition:
    """One check a published table, over all its partitions."""

    @dg.multi_asset_check(name="postgres_counts", specs=[_spec(one) for one in publications], can_subset=True)
    def postgres_counts(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.AssetCheckResult]:
        wanted = context.selected_asset_check_keys
        for publication in (p for p in publications if dg.AssetCheckKey(publication_key(p), CHECK) in wanted):
            yield judge(publication, CHECK, warehouse.off_counts(publication))

    return postgres_counts


def count_schedule(checks: dg.AssetChecksDefinition) -> dg.ScheduleDefinition:
    """The counts every night; the job ``postgres_counts_job`` comes with it."""
    job = dg.define_asset_job(
        "postgres_counts_job",
        selection=dg.AssetSelection.checks(checks),
        description="Counts the rows of every partition in PostgreSQL and compares them with the lake's.",
        tags=BACKGROUND,
        executor_def=dg.in_process_executor,
    )
    return dg.ScheduleDefinition(
        name="postgres_counts_nightly",
        job=job,
        cron_schedule=_DAILY,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Counts every row of PostgreSQL, see the checks of the serving group.",
    )


def _spec(publication: Publication) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        CHECK,
        asset=publication_key(publication),
        description="Each partition has as many rows as in the lake, and a load accounts for every row.",
    )
