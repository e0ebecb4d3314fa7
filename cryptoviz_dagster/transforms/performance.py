"""Scores of many forecasts together, always beside last price on the same rows, and the models to believe."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from cryptoviz.forecasting.champions import BANDS, RULES, choose_champion
from cryptoviz.forecasting.evaluation.tables import verdict
from cryptoviz.forecasting.scoring import t_statistic
from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import CHAMPIONS, INSIDE_COLUMNS, PREDICTION_PERFORMANCE

WINDOW_DAYS = 90
CHAMPION_DAYS = 365
_GROUP = ("venue", "symbol", "model", "horizon")
_LOSS = {"price": "price_loss", "variance": "qlike"}
_RIVALS = {
    "price": ("last_price", "drift", "seasonal_naive", "lstm"),
    "variance": ("ewma", "garch", "vol_harx"),
}


def performance_rows(metrics: pl.DataFrame, day: Day) -> pl.DataFrame:
    """Rows of ``prediction_performance`` from ``prediction_metrics``; forecasts without numbers do not count."""
    scored = metrics.filter(pl.col("absolute_error").is_not_null())
    rows = scored.group_by(_GROUP).agg(
        forecasts=pl.len().cast(pl.Int64),
        mse=pl.col("squared_error").mean(),
        mae=pl.col("absolute_error").mean(),
        last_price_mse=pl.col("last_price_squared_error").mean(),
        last_price_mae=pl.col("last_price_absolute_error").mean(),
        pinball_bps=pl.col("pinball_bps").mean(),
        crps_bps=pl.col("crps_bps").mean(),
        qlike=pl.col("qlike").mean(),
        **{f"coverage_{name[-2:]}": pl.col(name).mean() for name in INSIDE_COLUMNS},
    )
    step = scored.filter(pl.col("model") == "last_price", pl.col("horizon") == 1)
    one_hour = step.group_by("venue", "symbol").agg(one_hour=pl.col("absolute_error").mean())
    evidence = pl.DataFrame(list(_evidence(scored)), schema=_EVIDENCE)
    return (
        rows.join(one_hour, on=["venue", "symbol"], how="left")
        .join(evidence, on=list(_GROUP), how="left")
        .with_columns(
            pl.lit(day.start).cast(pl.Datetime("us", "UTC")).alias("day_start"),
            rmse=pl.col("mse").sqrt(),
            last_price_rmse=pl.col("last_price_mse").sqrt(),
            skill=pl.when(pl.col("last_price_mse") > 0).then(1 - pl.col("mse") / pl.col("last_price_mse")),
            mase=pl.when(pl.col("one_hour") > 0).then(pl.col("mae") / pl.col("one_hour")),
        )
        .select(PREDICTION_PERFORMANCE.column_names)
        .sort(PREDICTION_PERFORMANCE.key)
    )


_EVIDENCE = {
    "venue": pl.String, "symbol": pl.String, "model": pl.String, "horizon": pl.Int32, "t": pl.Float64,
    "verdict": pl.String,
}  # fmt: skip


def _evidence(scored: pl.DataFrame) -> Iterator[dict[str, Any]]:
    gain = (pl.col("last_price_squared_error") - pl.col("squared_error")) / pl.col("actual_price") ** 2
    for key, part in scored.sort("target_time").group_by(_GROUP, maintain_order=True):
        horizon = int(key[3])
        t = t_statistic(part.select(gain)[:, 0].to_numpy(), horizon + 24)
        said = "" if key[2] == "last_price" else verdict(t, days=part["target_time"].dt.date().n_unique())
        yield dict(zip(_GROUP, key, strict=True)) | {"t": None if np.isnan(t) else t, "verdict": said}


def champion_rows(metrics: pl.DataFrame, day: Day) -> pl.DataFrame:
    """Rows of ``champions``: for each task and band of horizons the decision, from mean losses a day over markets."""
    losses = metrics.with_columns(price_loss=pl.col("squared_error") / pl.col("actual_price") ** 2)
    rows = [_decision(losses, task, band) | {"day_start": day.start} for task in RULES for band in BANDS]
    schema = {name: _TYPES.get(name, pl.String()) for name in CHAMPIONS.column_names}
    return pl.DataFrame(rows, schema=schema)


_TYPES: dict[str, pl.DataType] = {
    "day_start": pl.Datetime("us", "UTC"),
    "gain": pl.Float64(),
    "t": pl.Float64(),
    "days": pl.Int32(),
}


def _decision(losses: pl.DataFrame, task: str, band: str) -> dict[str, Any]:
    loss = _LOSS[task]
    part = losses.filter(
        pl.col("horizon").is_in(list(BANDS[band])), pl.col("model").is_in(_RIVALS[task]), pl.col(loss).is_not_null()
    )
    days = part.group_by(pl.col("target_time").dt.date().alias("date"), "model").agg(pl.col(loss).mean())
    dates = sorted(days["date"].unique())
    at = {date: place for place, date in enumerate(dates)}
    by_model = {model: np.full(len(dates), np.nan) for model in sorted(days["model"].unique())}
    for date, model, value in days.iter_rows():
        by_model[model][at[date]] = value
    decision = asdict(choose_champion(by_model, RULES[task]))
    numbers = {name: None if np.isnan(decision[name]) else decision[name] for name in ("gain", "t")}
    return decision | numbers | {"decision": decision.pop("reason"), "task": task, "band": band}
