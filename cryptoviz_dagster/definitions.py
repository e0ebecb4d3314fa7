"""The code location: assembly, nothing else."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from cryptoviz.lake.tables import OHLC_1H, OHLC_1M
from cryptoviz.settings import Settings, load_settings
from cryptoviz_dagster.defs.lake.assets import lake_assets
from cryptoviz_dagster.defs.market.assets import candle_assets
from cryptoviz_dagster.defs.market.checks import candle_checks
from cryptoviz_dagster.defs.market.sensors import hour_sensor
from cryptoviz_dagster.partitions import hourly_from
from cryptoviz_dagster.resources import Lake

_RUN_LIMIT_S = 900


def build_definitions(settings: Settings, *, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Definitions for these settings, with resources replaced where given."""
    partitions = hourly_from(settings.first_hour)
    hour_job = dg.define_asset_job(
        "hour",
        selection=dg.AssetSelection.assets(OHLC_1M.name, OHLC_1H.name),
        description="Candles of one or more hours and their checks.",
        tags={"dagster/max_runtime": str(_RUN_LIMIT_S)},
        executor_def=dg.in_process_executor,
    )
    return dg.Definitions(
        assets=[*lake_assets(partitions), *candle_assets(partitions)],
        asset_checks=candle_checks(partitions),
        jobs=[hour_job],
        sensors=[hour_sensor(hour_job, first=settings.first_hour, refresh=settings.open_hour_refresh)],
        resources={"lake": Lake(settings.lake), **(resources or {})},
        executor=dg.in_process_executor,
    )


defs = build_definitions(load_settings())
