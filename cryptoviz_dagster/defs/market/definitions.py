"""The market as one part of the code location: assembly, nothing else."""

import dagster as dg

from cryptoviz.lake.candle_tables import OHLC, OHLC_1M
from cryptoviz.lake.metric_tables import HOURLY_CORRELATIONS, HOURLY_METRICS, HOURLY_QUOTES, MARKET_OVERVIEW
from cryptoviz.settings import Settings
from cryptoviz_dagster.defs.market.assets import HOURLY_ROLL_UPS, candle_assets
from cryptoviz_dagster.defs.market.checks import candle_checks
from cryptoviz_dagster.defs.market.follower_sensor import follower_sensor
from cryptoviz_dagster.defs.market.listing_checks import listing_checks
from cryptoviz_dagster.defs.market.metric_checks import metric_checks
from cryptoviz_dagster.defs.market.metric_sensor import history_sensor, metrics_job
from cryptoviz_dagster.defs.market.metrics import metric_assets
from cryptoviz_dagster.defs.market.records import record_specs
from cryptoviz_dagster.defs.market.repeat_checks import repeat_checks
from cryptoviz_dagster.defs.market.sensors import LongPoll, hour_sensor, roll_up_sensor
from cryptoviz_dagster.partitions import daily_from, hourly_from
from cryptoviz_dagster.staleness import Patience

_RUN_LIMIT_S = 900
_CHAIN = (
    OHLC_1M,
    *(OHLC[interval] for interval in HOURLY_ROLL_UPS),
    HOURLY_METRICS,
    HOURLY_CORRELATIONS,
    MARKET_OVERVIEW,
    HOURLY_QUOTES,
)


def market_definitions(settings: Settings, *, poll: LongPoll | None = None) -> dg.Definitions:
    """Candles, their checks, the job of an hour and what asks for it. Uses the resource ``lake``."""
    first = settings.first_hour
    hours, days = hourly_from(first), daily_from(first)
    hour_job = dg.define_asset_job(
        "hour",
        selection=dg.AssetSelection.assets(*(table.name for table in _CHAIN)),
        description="Candles and metrics of one or more hours and their checks.",
        tags={"dagster/max_runtime": str(_RUN_LIMIT_S)},
        executor_def=dg.in_process_executor,
    )
    metrics = metrics_job()
    patience = Patience(refresh=settings.open_hour_refresh)
    return dg.Definitions(
        assets=[*candle_assets(hours, days), *record_specs(hours, days), *metric_assets(hours)],
        asset_checks=[*candle_checks(hours), *listing_checks(hours), *repeat_checks(hours), *metric_checks(hours)],
        jobs=[hour_job, metrics],
        sensors=[
            hour_sensor(hour_job, first=first, patience=patience, poll=poll),
            follower_sensor(hour_job, first=first),
            history_sensor(metrics, hour_job=hour_job.name),
            roll_up_sensor(),
        ],
    )
