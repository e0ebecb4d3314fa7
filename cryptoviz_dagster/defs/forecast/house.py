"""How a forecast asset is declared: key and columns from its table, a range of partitions is one run."""

from collections.abc import Callable, Iterable
from typing import Any

import dagster as dg

from cryptoviz.lake.schema import Table
from cryptoviz_dagster.defs.lake.assets import column_schema

GROUP = "forecast"
OWNERS = ["team:cryptoviz"]


def forecast_asset(
    table: Table,
    *,
    partitions: dg.PartitionsDefinition[Any] | None,
    deps: Iterable[dg.AssetDep],
    kinds: set[str],
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Decorator of the function that makes a table."""
    return dg.asset(
        name=table.name,
        deps=list(deps),
        description=f"{table.doc} Key: {', '.join(table.key)}.",
        metadata={"dagster/column_schema": column_schema(table)},
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run() if partitions else None,
        group_name=GROUP,
        kinds=kinds,
        owners=OWNERS,
        code_version="1",
    )
