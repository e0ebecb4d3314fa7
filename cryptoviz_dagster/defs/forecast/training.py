"""Assets of a day and a week: the training set, the volatility model with its calibration, the LSTM."""

import dagster as dg
import polars as pl

from cryptoviz.forecasting.issue import HISTORY
from cryptoviz.forecasting.lstm_training import LossNotFinite, TooFewExamples, TrainingPlan, train_on_history
from cryptoviz.forecasting.model_file import decode_volatility, encode_lstm, encode_volatility
from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import CALIBRATION, LSTM_MODEL, TRAINING_SET, VOL_MODEL
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.tables import KLINES
from cryptoviz.storage.frames import TableNotWritten, empty, replace_partition, scan_between
from cryptoviz_dagster.defs.forecast.cards import lstm_card, volatility_card
from cryptoviz_dagster.defs.forecast.notes import note
from cryptoviz_dagster.defs.forecast.partitions import ForecastCalendar, day_of, shifted
from cryptoviz_dagster.defs.table_asset import table_asset
from cryptoviz_dagster.forecasts.apart import run_apart
from cryptoviz_dagster.forecasts.done import done_days, done_weeks, history_before, history_version
from cryptoviz_dagster.forecasts.history import read_panel
from cryptoviz_dagster.forecasts.model_store import TRAINED, ModelStore
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.training_rows import TrainingHistory, training_history, training_rows
from cryptoviz_dagster.transforms.volatility_training import (
    TooLittleHistory,
    calibrate_volatility,
    calibration_rows,
    train_volatility,
)

TRAIN_DAYS, CALIBRATION_DAYS, LSTM_DAYS = 730, 365, 730
TOO_LITTLE, NOT_FINITE = "too_little_history", "loss_not_finite"


def training_assets(calendar: ForecastCalendar) -> list[dg.AssetsDefinition]:
    """The assets of training over the calendar."""
    return [_training_set(calendar), _vol_model(calendar), _calibration(calendar), _lstm_model(calendar)]


def _training_set(calendar: ForecastCalendar) -> dg.AssetsDefinition:
    @table_asset(
        TRAINING_SET,
        calendar.days(),
        deps=[
            dg.AssetDep(OHLC_1H.name, partition_mapping=shifted(0, 0)),
            dg.AssetDep(KLINES.name, partition_mapping=shifted(0, 0)),
        ],
        group="forecast",
        kinds={"polars", "numpy", "delta"},
    )
    def training_set(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult[None]:
        for key in context.partition_keys:
            day = day_of(key)
            first, last = Hour(day.start), Hour(day.end)
            panel = read_panel(lake, begins=calendar.begins, first=first.next(-HISTORY), last=last.next(-1))
            rows = training_rows(panel, first=first.number, last=last.number)
            replace_partition(TRAINING_SET, lake.location, day, rows, {})
            note(
                context,
                lake,
                TRAINING_SET,
                day,
                {
                    "dagster/partition_row_count": rows.height,
                    "markets": rows.select("venue", "symbol").n_unique(),
                    "complete_rows": rows.drop_nulls().height,
                },
            )
        return dg.MaterializeResult()

    return training_set


def _vol_model(calendar: ForecastCalendar) -> dg.AssetsDefinition:
    @table_asset(
        VOL_MODEL,
        calendar.days(),
        deps=[dg.AssetDep(TRAINING_SET.name, partition_mapping=shifted(1 - TRAIN_DAYS, 0))],
        group="forecast",
        kinds={"numpy", "safetensors", "delta"},
    )
    def vol_model(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult[None]:
        store = ModelStore(lake, VOL_MODEL)
        for key in context.partition_keys:
            day = day_of(key)
            history = read_history(lake, day, days=TRAIN_DAYS)
            try:
                model = train_volatility(history)
            except TooLittleHistory as error:
                store.say_missing(day, TOO_LITTLE, through=day.end, reason=str(error))
                note(context, lake, VOL_MODEL, day, {"status": TOO_LITTLE, "reason": str(error)})
                continue
            card = volatility_card(model, history, through=day.end)
            version = store.save(day, encode_volatility(model), through=day.end, examples=model.rows, card=card)
            note(
                context,
                lake,
                VOL_MODEL,
                day,
                {"status": TRAINED, "version": version, "rows": model.rows, "card": dg.MetadataValue.json(card)},
            )
        return dg.MaterializeResult()

    return vol_model


def _calibration(calendar: ForecastCalendar) -> dg.AssetsDefinition:
    @table_asset(
        CALIBRATION,
        calendar.days(),
        deps=[
            dg.AssetDep(TRAINING_SET.name, partition_mapping=shifted(1 - CALIBRATION_DAYS, 0)),
            dg.AssetDep(VOL_MODEL.name, partition_mapping=shifted(-CALIBRATION_DAYS, -1)),
        ],
        group="forecast",
        kinds={"numpy", "delta"},
    )
    def calibration(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult[None]:
        store, days = ModelStore(lake, VOL_MODEL), list(map(day_of, context.partition_keys))
        tried_with = history_version(history_before(lake, calendar.begins))
        for day in days:
            history = read_history(lake, day, days=CALIBRATION_DAYS)
            stored = store.between(day.next(-CALIBRATION_DAYS), day.next(-1))
            models = {m.day: store.load(m, decode_volatility) for m in stored if m.status == TRAINED}
            found = calibrate_volatility(history, models)
            rows = calibration_rows(found, history.markets, day)
            replace_partition(CALIBRATION, lake.location, day, rows, {})
            note(
                context,
                lake,
                CALIBRATION,
                day,
                {
                    "dagster/partition_row_count": rows.height,
                    "scores": int(rows["scores"].sum()),
                    "days_scored": len(models),
                    "width_80": _middle(rows, "width_80"),
                    "width_95": _middle(rows, "width_95"),
                    "level": _middle(rows, "level"),
                },
            )
        done_days(lake).remember(CALIBRATION, days, tried_with)
        return dg.MaterializeResult()

    return calibration


def _lstm_model(calendar: ForecastCalendar) -> dg.AssetsDefinition:
    @table_asset(
        LSTM_MODEL,
        calendar.weeks(),
        deps=[dg.AssetDep(TRAINING_SET.name, partition_mapping=shifted(0, 0))],
        group="forecast",
        kinds={"keras", "jax", "safetensors"},
    )
    def lstm_model(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult[None]:
        store, plan = ModelStore(lake, LSTM_MODEL), TrainingPlan()
        tried_with = history_version(history_before(lake, calendar.begins))
        for key in context.partition_keys:
            week = day_of(key)
            last = week.next(6)
            history = read_history(lake, last, days=LSTM_DAYS)
            rows = range(max(len(history.hours) - 24, 0))
            try:
                network = run_apart(train_on_history, history.features, history.inputs.returns, rows=rows, plan=plan)
            except (TooFewExamples, LossNotFinite) as error:
                status = NOT_FINITE if isinstance(error, LossNotFinite) else TOO_LITTLE
                store.say_missing(week, status, through=last.end, reason=str(error))
                note(context, lake, LSTM_MODEL, week, {"status": status, "reason": str(error)})
                continue
            card = lstm_card(network, plan, history, through=last.end)
            version = store.save(
                week, encode_lstm(network.weights), through=last.end, examples=network.examples, card=card
            )
            told: dict[str, str | float | dg.MetadataValue] = {
                "status": TRAINED,
                "version": version,
                "examples": network.examples,
                "loss": network.losses[-1],
                "validation_loss": min(network.validation_losses),
                "card": dg.MetadataValue.json(card),
            }
            note(context, lake, LSTM_MODEL, week, told)
        done_weeks(lake).remember(LSTM_MODEL, list(map(day_of, context.partition_keys)), tried_with)
        return dg.MaterializeResult()

    return lstm_model


def read_history(lake: Lake, last: Day, *, days: int) -> TrainingHistory:
    """The training set of so many days up to ``last``; it begins with the first day that has rows."""
    first = last.next(1 - days)
    try:
        rows = scan_between(TRAINING_SET, lake.location, first, last).collect()
    except TableNotWritten:
        rows = empty(TRAINING_SET)
    earliest = rows["window_start"].min()
    begin = first.start if earliest is None else Day.containing(earliest).start  # type: ignore[arg-type]  # a column of times
    return training_history(rows, first=Hour(begin), last=Hour(last.end))


def _middle(rows: pl.DataFrame, column: str) -> float:
    value = rows[column].median()
    return float(value) if isinstance(value, float) else 0.0
