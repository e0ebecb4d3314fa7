"""How an asset that is a table of the contract is declared: one house style for all of them."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

import dagster as dg

from cryptoviz.lake.schema import Table
from cryptoviz_dagster.defs.lake.assets import column_schema

OWNERS = ["team:cryptoviz"]


def table_asset(
    table: Table,
    partitions: dg.PartitionsDefinition[str],
    *,
    deps: Sequence[str | dg.AssetDep],
    group: str,
    kinds: AbstractSet[str] = frozenset({"polars", "delta", "s3"}),
    about: str = "",
    condition: dg.AutomationCondition[dg.AssetKey | dg.AssetCheckKey] | None = None,
    code_version: str = "1",
) -> Callable[[Callable[..., object]], dg.AssetsDefinition]:
    """Decorator of the function that materializes a table; a range of partitions is one run."""
    return dg.asset(
        name=table.name,
        deps=deps,
        description=f"{table.doc} Key: {', '.join(table.key)}. {about}".rstrip(),
        metadata={"dagster/column_schema": column_schema(table)},
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        automation_condition=condition,
        group_name=group,
        kinds=kinds,
        owners=OWNERS,
        code_version=code_version,
    )
