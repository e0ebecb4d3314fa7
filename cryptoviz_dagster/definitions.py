"""The code location: assembly, nothing else."""

import warnings
from collections.abc import Mapping

import dagster as dg

from cryptoviz.settings import Settings, load_settings
from cryptoviz_dagster.defs.forecast.definitions import forecast_definitions
from cryptoviz_dagster.defs.lake.assets import lake_assets
from cryptoviz_dagster.defs.links import with_links
from cryptoviz_dagster.defs.maintenance.definitions import with_maintenance
from cryptoviz_dagster.defs.market.definitions import market_definitions
from cryptoviz_dagster.defs.market.sensors import LongPoll
from cryptoviz_dagster.defs.serving.definitions import serving_definitions
from cryptoviz_dagster.partitions import hourly_from
from cryptoviz_dagster.resources import Lake

_UNSETTLED = (dg.BetaWarning, dg.PreviewWarning)
"""Backfill policies and partitioned checks are used knowing that their interface may change."""


def build_definitions(
    settings: Settings, *, resources: Mapping[str, object] | None = None, poll: LongPoll | None = None
) -> dg.Definitions:
    """Definitions for these settings, with resources and the sensor's poll replaced where given."""
    with warnings.catch_warnings():
        for category in _UNSETTLED:
            warnings.simplefilter("ignore", category)
        common = dg.Definitions(
            assets=lake_assets(hourly_from(settings.first_hour)),
            resources={"lake": Lake(settings.lake), **(resources or {})},
            executor=dg.in_process_executor,
        )
        parts = (
            common,
            market_definitions(settings, poll=poll),
            forecast_definitions(settings),
            serving_definitions(settings),
        )
        return with_links(with_maintenance(dg.Definitions.merge(*parts), settings), settings)


defs = build_definitions(load_settings())
