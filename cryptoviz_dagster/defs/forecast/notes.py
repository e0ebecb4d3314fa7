"""What every materialization of forecasts tells beside its numbers: where its rows lie and what they are made of."""

from collections.abc import Mapping

import dagster as dg

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import Table
from cryptoviz_dagster.defs.forecast.lineage import forecast_lineage
from cryptoviz_dagster.resources import Lake


def note(
    context: dg.AssetExecutionContext,
    lake: Lake,
    table: Table,
    span: Hour | Day,
    values: Mapping[str, str | float | dg.MetadataValue],
) -> None:
    """Metadata of the materialization of one partition."""
    lineage = dg.MetadataValue.column_lineage(forecast_lineage(table))
    told = {**values, "dagster/column_lineage": lineage, "dagster/uri": lake.uri(table, span)}
    context.add_asset_metadata(told, partition_key=span.key)
