"""Checks of what forecasts are made with, by day and week and blocking: rows to learn from, models, widths."""

import json
import math
from itertools import pairwise

import dagster as dg
import polars as pl

from cryptoviz.forecasting.issue import STEPS
from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import CALIBRATION, LSTM_MODEL, TRAINING_SET, VOL_MODEL, WIDTH_COLUMNS
from cryptoviz.lake.schema import Table, Type
from cryptoviz_dagster.defs.forecast.partitions import ForecastCalendar
from cryptoviz_dagster.defs.judging import judge_days
from cryptoviz_dagster.forecasts.model_store import TRAINED, BrokenModel, ModelStore
from cryptoviz_dagster.resources import Lake

_DAYS = {VOL_MODEL.name: 1, LSTM_MODEL.name: 7}
"""Days that a partition of a model's table stands for."""
_LOSSES = ("loss", "validation_loss")


def model_checks(calendar: ForecastCalendar) -> list[dg.AssetChecksDefinition]:
    """The checks of the training set, the models and their calibration."""

    @dg.asset_check(asset=TRAINING_SET.name, blocking=True, partitions_def=calendar.days())
    def features_are_finite(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """Every number is finite or null, every row an hour of the day."""
        return judge_days(context, lambda day: unusable_rows(lake.rows(TRAINING_SET, day), day))

    @dg.asset_check(asset=CALIBRATION.name, blocking=True, partitions_def=calendar.days())
    def widths_ascend_with_coverage(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """24 horizons a market; widths finite, none below zero, ascending with coverage; the level above zero."""
        return judge_days(context, lambda day: unusable_widths(lake.rows(CALIBRATION, day)))

    return [
        features_are_finite,
        widths_ascend_with_coverage,
        _model_check(VOL_MODEL, calendar.days()),
        _model_check(LSTM_MODEL, calendar.weeks()),
    ]


def _model_check(table: Table, partitions: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=table.name, blocking=True, partitions_def=partitions)
    def model_is_what_its_row_says(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """One row: trained on nothing later, weights of its hash, finite losses; or why there is no model."""
        return judge_days(context, lambda day: untrue_model(lake, table, day))

    return model_is_what_its_row_says


def unusable_rows(rows: pl.DataFrame, day: Day) -> list[str]:
    """Rows with a number that is not finite, and rows of another day."""
    names = [column.name for column in TRAINING_SET.columns if column.type is Type.FLOAT64]
    finite = pl.all_horizontal(pl.col(name).is_finite().fill_null(value=True) for name in names)
    inside = pl.col("window_start").is_between(day.start, day.end, closed="left")
    return _texts(rows.filter(~(finite & inside)).select(*TRAINING_SET.key, "close", "variance", "scale"))


def unusable_widths(calibration: pl.DataFrame) -> list[str]:
    """Rows whose widths cannot scale an interval, and markets without exactly the 24 horizons."""
    widths = [pl.col(name) for name in WIDTH_COLUMNS]
    usable = pl.all_horizontal(
        *(width.is_finite() & (width >= 0) for width in widths),
        *(narrow <= wide for narrow, wide in pairwise(widths)),
        pl.col("level").is_finite() & (pl.col("level") > 0),
    ).fill_null(value=False)
    wrong = calibration.filter(~usable).select(*CALIBRATION.key, *WIDTH_COLUMNS, "level")
    steps = calibration.group_by("venue", "symbol").agg(pl.col("horizon").sort()).sort("venue", "symbol")
    return _texts(wrong) + [f"{v} {s}: horizons {found}" for v, s, found in steps.iter_rows() if found != list(STEPS)]


def untrue_model(lake: Lake, table: Table, day: Day) -> list[str]:
    """What a model's row says and is not so."""
    rows = lake.rows(table, day)
    if rows.height != 1:
        return [f"{rows.height} rows for {day.key}"]
    row, store = rows.row(0, named=True), ModelStore(lake, table)
    through = day.next(_DAYS[table.name]).start
    wrong = [f"trained through {row['trained_through']}"] if row["trained_through"] != through else []
    if row["status"] != TRAINED:
        return wrong + ([f"{row['status']}, yet version {row['version']}"] if row["version"] or row["path"] else [])
    if row["version"] != f"{day.key}+{row['sha256'][:12]}":
        wrong.append(f"version {row['version']} of the hash {row['sha256']}")
    found = store.find(day)
    try:
        store.weights(found) if found else None
    except BrokenModel as error:
        wrong.append(str(error))
    return wrong + _losses_off(json.loads(row["card"]))


def _losses_off(card: dict[str, object]) -> list[str]:
    losses = {name: card.get(name, []) for name in _LOSSES}
    return [
        f"{name}: {values}"
        for name, values in losses.items()
        if not isinstance(values, list) or not all(isinstance(v, float) and math.isfinite(v) for v in values)
    ]


def _texts(rows: pl.DataFrame) -> list[str]:
    return list(map(str, rows.iter_rows(named=True)))
