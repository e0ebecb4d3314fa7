"""Checks of scores and verdicts, by their partitions and blocking: a wrong score would choose the wrong model."""

from itertools import pairwise

import dagster as dg
import polars as pl

from cryptoviz.forecasting.champions import BANDS, RULES
from cryptoviz.forecasting.issue import STEPS
from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import (
    CHAMPIONS,
    INSIDE_COLUMNS,
    PREDICTION_METRICS,
    PREDICTION_PERFORMANCE,
    PREDICTIONS,
)
from cryptoviz.lake.hours import Hour
from cryptoviz_dagster.defs.forecast.partitions import ForecastCalendar
from cryptoviz_dagster.defs.judging import judge, judge_days
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.predictions import NO_TARGET

_ERRORS = ("absolute_error", "squared_error", "last_price_absolute_error", "last_price_squared_error")
_LOSSES = (*_ERRORS, "pinball_bps", "crps_bps", "realised_variance")
_SHARES = ("coverage_50", "coverage_80", "coverage_90", "coverage_95")
_ROUNDING = 1e-9


def score_checks(partitions: dg.PartitionsDefinition, calendar: ForecastCalendar) -> list[dg.AssetChecksDefinition]:
    """The checks of scores of hours, days and weeks."""

    @dg.asset_check(asset=PREDICTION_METRICS.name, blocking=True, partitions_def=partitions)
    def every_due_forecast_is_scored_as_issued(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """One score for each forecast whose target is the hour's close, with the price that was issued."""
        return judge(context, lambda hour: not_as_issued(lake, hour))

    @dg.asset_check(asset=PREDICTION_METRICS.name, blocking=True, partitions_def=partitions)
    def scores_follow_from_prices(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """Errors are those of the prices beside them and of the hour's candle; losses finite, intervals nested."""
        return judge(context, lambda hour: wrong_scores(lake.rows(PREDICTION_METRICS, hour), lake.rows(OHLC_1H, hour)))

    @dg.asset_check(asset=PREDICTION_PERFORMANCE.name, blocking=True, partitions_def=calendar.days())
    def averages_are_possible(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """Roots of their squares, mean errors no larger, shares from 0 to 1 and nested, last price without skill."""
        return judge_days(context, lambda day: _texts(impossible_averages(lake.rows(PREDICTION_PERFORMANCE, day))))

    @dg.asset_check(asset=CHAMPIONS.name, blocking=True, partitions_def=calendar.weeks())
    def every_task_has_one_champion(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """One model for each task and band of horizons, with a reason, and never its own challenger."""
        return judge_days(context, lambda week: champions_off(lake.rows(CHAMPIONS, week), week))

    return [
        every_due_forecast_is_scored_as_issued,
        scores_follow_from_prices,
        averages_are_possible,
        every_task_has_one_champion,
    ]


def not_as_issued(lake: Lake, hour: Hour) -> list[str]:
    """Forecasts that are due and not scored, scored with other prices, or scored without having been issued."""
    said = [*PREDICTIONS.key, "issued_time", "predicted_price", "last_price", "version"]
    issued = lake.rows_between(PREDICTIONS, hour.next(-len(STEPS)), hour.next(-1)).collect()
    due = issued.filter(pl.col("target_time") == hour.end).select(said)
    scored = lake.rows(PREDICTION_METRICS, hour).select(said)
    if due.sort(said).equals(scored.sort(said)):
        return []
    sides = ((due, scored, "due"), (scored, due, "scored"))
    apart = [
        f"{side}: {row}"
        for one, other, side in sides
        for row in _texts(one.join(other, on=said, how="anti", nulls_equal=True).sort(said))
    ]
    return apart or [f"{scored.height} scores for {due.height} forecasts"]


def wrong_scores(metrics: pl.DataFrame, candles: pl.DataFrame) -> list[str]:
    """Rows whose numbers contradict each other or the candle."""
    closes = candles.select("venue", "symbol", pl.col("close").cast(pl.Float64))
    rows = metrics.join(closes, on=["venue", "symbol"], how="left")
    error = (pl.col("predicted_price") - pl.col("actual_price")).abs()
    of_last = (pl.col("last_price") - pl.col("actual_price")).abs()
    inside = [pl.col(name).cast(pl.Int8) for name in INSIDE_COLUMNS]
    facts = {
        "actual_price": pl.col("actual_price").eq_missing(pl.col("close")),
        "status": (pl.col("status") == NO_TARGET) == pl.col("actual_price").is_null(),
        "absolute_error": pl.col("absolute_error").eq_missing(error),
        "squared_error": _near("squared_error", error**2),
        "last_price_absolute_error": pl.col("last_price_absolute_error").eq_missing(of_last),
        "last_price_squared_error": _near("last_price_squared_error", of_last**2),
        "losses": pl.all_horizontal((pl.col(n).is_finite() & (pl.col(n) >= 0)).fill_null(value=True) for n in _LOSSES),
        "qlike": pl.col("qlike").is_finite().fill_null(value=True),
        "intervals": pl.all_horizontal((narrow <= wide).fill_null(value=True) for narrow, wide in pairwise(inside)),
    }
    return [f"{name}: {row}" for name, fact in facts.items() for row in _texts(rows.filter(~fact).select(_SHOWN))]


_SHOWN = [*PREDICTION_METRICS.key, "predicted_price", "actual_price", "absolute_error", "status"]


def impossible_averages(performance: pl.DataFrame) -> pl.DataFrame:
    """Rows that no set of scores can have."""
    share = [pl.col(name) for name in _SHARES]
    possible = pl.all_horizontal(
        pl.col("forecasts") > 0,
        _near("rmse", pl.col("mse").sqrt()),
        _near("last_price_rmse", pl.col("last_price_mse").sqrt()),
        pl.col("mae") <= pl.col("rmse") * (1 + _ROUNDING),
        *(one.is_between(0, 1).fill_null(value=True) for one in share),
        *((low <= high).fill_null(value=True) for low, high in pairwise(share)),
        (pl.col("model") != "last_price") | (pl.col("mse") == pl.col("last_price_mse")),
        (pl.col("skill") <= 1).fill_null(value=True),
    ).fill_null(value=False)
    return performance.filter(~possible).select(*PREDICTION_PERFORMANCE.key, "forecasts", "rmse", "mae", "skill")


def champions_off(champions: pl.DataFrame, week: Day) -> list[str]:
    """Tasks and bands without exactly one champion, and champions that cannot be."""
    wanted = {(task, band) for task in RULES for band in BANDS}
    found = champions.select("task", "band").rows()
    named = pl.col("champion").str.len_chars() > 0
    possible = named & pl.col("champion").ne_missing(pl.col("challenger")) & (pl.col("decision").str.len_chars() > 0)
    wrong = champions.filter(~(possible & (pl.col("day_start") == week.start)).fill_null(value=False))
    once = [] if sorted(found) == sorted(wanted) else [f"decisions for {sorted(found)}, wanted {sorted(wanted)}"]
    return once + _texts(wrong.drop("t"))


def _near(name: str, value: pl.Expr) -> pl.Expr:
    found = pl.col(name)
    both_missing = found.is_null() & value.is_null()
    return both_missing | ((found - value).abs() <= _ROUNDING * value.abs()).fill_null(value=False)


def _texts(rows: pl.DataFrame) -> list[str]:
    return list(map(str, rows.iter_rows(named=True)))
