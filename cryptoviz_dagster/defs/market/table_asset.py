"""How an asset that is a table of the contract is declared: one house style for all of them."""

from collections.abc import Callable, Sequence

import dagster as dg

from cryptoviz.lake.schema import Table
from cryptoviz_dagster.defs.lake.assets import column_schema


def table_asset(
    table: Table,
    partitions: dg.PartitionsDefinition,
    *,
    deps: Sequence[str],
    about: str,
    condition: dg.AutomationCondition[dg.AssetKey | dg.AssetCheckKey] | None = None,
    code_version: str = "1",
) -> Callable[[Callable[..., object]], dg.AssetsDefinition]:
    """Decorator of the function that materializes a table; a range of partitions is one run."""
    return dg.asset(
        name=table.name,
        deps=deps,
        description=f"{table.doc} Key: {', '.join(table.key)}. {about}",
        metadata={"dagster/column_schema": column_schema(table)},
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        automation_condition=condition,
        group_name="market",
        kinds={"polars", "delta", "s3"},
        owners=["team:cryptoviz"],
        code_version=code_version,
    )
