"""Forecasts as one part of the code location: assembly, nothing else."""

from collections.abc import Mapping

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from cryptoviz.lake.forecast_tables import (
    CALIBRATION,
    CHAMPIONS,
    FUTURE_PREDICTIONS,
    LSTM_MODEL,
    PREDICTION_METRICS,
    PREDICTION_PERFORMANCE,
    PREDICTIONS,
    TRAINING_SET,
    VOL_MODEL,
)
from cryptoviz.settings import Settings
from cryptoviz_dagster.defs.forecast.evaluation import evaluation_assets
from cryptoviz_dagster.defs.forecast.hourly import hourly_assets
from cryptoviz_dagster.defs.forecast.issue_checks import issue_checks
from cryptoviz_dagster.defs.forecast.model_checks import model_checks
from cryptoviz_dagster.defs.forecast.partitions import ForecastCalendar
from cryptoviz_dagster.defs.forecast.score_checks import score_checks
from cryptoviz_dagster.defs.forecast.scores import score_assets
from cryptoviz_dagster.defs.forecast.sensors import ForecastJobs, forecast_sensor
from cryptoviz_dagster.defs.forecast.training import training_assets
from cryptoviz_dagster.lanes import BACKGROUND, FOLLOWING
from cryptoviz_dagster.partitions import hourly_from

_RUN_LIMIT_S = 1800


def forecast_definitions(settings: Settings) -> dg.Definitions:
    """Assets, checks, jobs and sensor of forecasts. Uses the resource ``lake``."""
    calendar = ForecastCalendar(settings.first_hour, settings.backfill_klines)
    partitions = hourly_from(settings.first_hour)
    jobs = ForecastJobs(
        day=_job(
            "forecast_day",
            "Training set, volatility model, calibration and scores of days that are over.",
            (TRAINING_SET.name, VOL_MODEL.name, CALIBRATION.name, PREDICTION_PERFORMANCE.name),
        ),
        week=_job(
            "forecast_week", "The LSTM and the champions of a week.", (LSTM_MODEL.name, CHAMPIONS.name), BACKGROUND
        ),
        hour=_job(
            "forecast_hour",
            "Forecasts issued at the close of an hour, and scores of those whose target it was.",
            (PREDICTIONS.name, FUTURE_PREDICTIONS.name, PREDICTION_METRICS.name, "forecast_evaluation"),
        ),
    )
    return dg.Definitions(
        assets=[
            *training_assets(calendar),
            *hourly_assets(calendar, partitions),
            *score_assets(calendar),
            *evaluation_assets(partitions),
        ],
        asset_checks=[*issue_checks(partitions), *model_checks(calendar), *score_checks(partitions, calendar)],
        jobs=[jobs.day, jobs.week, jobs.hour],
        sensors=[forecast_sensor(jobs, calendar)],
    )


def _job(
    name: str, description: str, assets: tuple[str, ...], lane: Mapping[str, str] = FOLLOWING
) -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*assets),
        description=description,
        tags={**lane, "dagster/max_runtime": str(_RUN_LIMIT_S)},
        executor_def=dg.in_process_executor,
    )
