"""The code location: assembly, nothing else."""

import warnings
from collections.abc import Mapping

import dagster as dg

from cryptoviz.lake.candle_tables import OHLC, OHLC_1M
from cryptoviz.settings import Settings, load_settings
from cryptoviz_dagster.defs.lake.assets import lake_assets
from cryptoviz_dagster.defs.market.assets import HOURLY_ROLL_UPS, candle_assets, record_specs
from cryptoviz_dagster.defs.market.checks import candle_checks
from cryptoviz_dagster.defs.market.sensors import LongPoll, hour_sensor
from cryptoviz_dagster.partitions import daily_from, hourly_from
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.staleness import Patience

_RUN_LIMIT_S = 900
_ROLL_UP_INTERVAL_S = 30
_UNSETTLED = (dg.BetaWarning, dg.PreviewWarning)
"""Backfill policies and partitioned checks are used knowing that their interface may change."""


def build_definitions(
    settings: Settings, *, resources: Mapping[str, object] | None = None, poll: LongPoll | None = None
) -> dg.Definitions:
    """Definitions for these settings, with resources and the sensor's poll replaced where given."""
    first = settings.first_hour
    hours, days = hourly_from(first), daily_from(first)
    hour_job = dg.define_asset_job(
        "hour",
        selection=dg.AssetSelection.assets(OHLC_1M.name, *(OHLC[interval].name for interval in HOURLY_ROLL_UPS)),
        description="Candles of one or more hours and their checks.",
        tags={"dagster/max_runtime": str(_RUN_LIMIT_S)},
        executor_def=dg.in_process_executor,
    )
    patience = Patience(refresh=settings.open_hour_refresh)
    with warnings.catch_warnings():
        for category in _UNSETTLED:
            warnings.simplefilter("ignore", category)
        return dg.Definitions(
            assets=[*lake_assets(hours), *candle_assets(hours, days), *record_specs(hours, days)],
            asset_checks=candle_checks(hours),
            jobs=[hour_job],
            sensors=[hour_sensor(hour_job, first=first, patience=patience, poll=poll), _roll_up_sensor()],
            resources={"lake": Lake(settings.lake), **(resources or {})},
            executor=dg.in_process_executor,
        )


def _roll_up_sensor() -> dg.AutomationConditionSensorDefinition:
    return dg.AutomationConditionSensorDefinition(
        "roll_ups",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=_ROLL_UP_INTERVAL_S,
        emit_backfills=False,
        description="Folds a day's candles whenever one of its hours has new ones.",
    )


defs = build_definitions(load_settings())
