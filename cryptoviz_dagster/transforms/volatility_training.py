"""The volatility model of a day and its calibration, from the training set alone."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from cryptoviz.forecasting.calibration import DAY, Calibration, calibrate
from cryptoviz.forecasting.issue import STEPS, Widths
from cryptoviz.forecasting.panel import FloatArray, forward_sum
from cryptoviz.forecasting.regression import VolatilityModel, fit_volatility, normal_equations
from cryptoviz.forecasting.variance import log_variance_ahead
from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import CALIBRATION, WIDTH_COLUMNS
from cryptoviz.lake.hours import Hour
from cryptoviz_dagster.transforms.training_rows import TrainingHistory

LEAST_ROWS = 500
"""Rows without which the volatility regression would repeat its prior."""
MODEL = "vol_harx"


class TooLittleHistory(ValueError):
    """Fewer complete rows than a model needs."""


def train_volatility(history: TrainingHistory) -> VolatilityModel:
    """The model of all rows whose targets are in the history. Raises :class:`TooLittleHistory`."""
    targets = log_variance_ahead(history.inputs.variance, STEPS)
    sums = {
        market: normal_equations(history.inputs.values[:, column], history.inputs.week_hours, targets[:, column])
        for column, market in enumerate(history.markets)
    }
    rows = sum(one.rows for one in sums.values())
    if rows < LEAST_ROWS:
        raise TooLittleHistory(f"{rows} complete rows, the volatility model needs {LEAST_ROWS}")
    return fit_volatility(sums, STEPS)


def calibrate_volatility(history: TrainingHistory, models: Mapping[Day, VolatilityModel]) -> Calibration:
    """Calibration at the end of a history of whole days, from what the model of each day before would have said.

    ``models`` is keyed by the day through whose end each was trained: hours of a day are scored with the model of the
    day before, as they were issued; hours without one have no score.
    """
    shape = (*history.close.shape, len(STEPS))
    variance = np.full(shape, np.nan)
    for start in range(0, len(history.hours), DAY):
        model = models.get(_day(history, start).next(-1))
        if model is not None:
            variance[start : start + DAY] = _forecast(model, history, start)
    came = np.stack([forward_sum(history.inputs.returns, step) for step in STEPS], axis=-1)
    realised = np.stack([forward_sum(history.inputs.returns**2, step) for step in STEPS], axis=-1)
    return calibrate(np.abs(came) / np.sqrt(variance), realised / variance, STEPS)


def _forecast(model: VolatilityModel, history: TrainingHistory, start: int) -> FloatArray:
    part, inputs = slice(start, start + DAY), history.inputs
    forecasts = [
        model.log_variance(inputs.values[part, column], inputs.week_hours[part], market)
        for column, market in enumerate(history.markets)
    ]
    return np.exp(np.stack(forecasts, axis=1))


def _day(history: TrainingHistory, row: int) -> Day:
    return Day.containing(Hour.from_number(int(history.hours[row])).start)


def calibration_rows(calibration: Calibration, markets: tuple[str, ...], day: Day) -> pl.DataFrame:
    """Rows of the table ``calibration``."""
    names = [market.split(":", 1) for market in markets for _ in STEPS]
    widths = calibration.widths.reshape(-1, len(WIDTH_COLUMNS))
    return (
        pl.DataFrame(
            {
                "venue": pl.Series([venue for venue, _ in names], dtype=pl.String),
                "symbol": pl.Series([symbol for _, symbol in names], dtype=pl.String),
                "horizon": pl.Series(list(STEPS) * len(markets), dtype=pl.Int32),
                "level": calibration.level.ravel(),
                **{name: widths[:, place] for place, name in enumerate(WIDTH_COLUMNS)},
                "scores": pl.Series(calibration.scores.ravel(), dtype=pl.Int64),
            }
        )
        .with_columns(pl.lit(day.start).cast(pl.Datetime("us", "UTC")).alias("day_start"), pl.lit(MODEL).alias("model"))
        .select(CALIBRATION.column_names)
    )


def widths_of(rows: pl.DataFrame) -> dict[str, Widths]:
    """Calibration of each market from its rows; markets of which nothing was scored are left out."""
    found = {}
    for (venue, symbol), part in rows.sort("horizon").group_by("venue", "symbol", maintain_order=True):
        if part.height == len(STEPS) and bool((part["scores"] > 0).any()):
            widths, level = part.select(WIDTH_COLUMNS).to_numpy(), part["level"].to_numpy()
            found[f"{venue}:{symbol}"] = Widths(widths=widths, level=level)
    return found
