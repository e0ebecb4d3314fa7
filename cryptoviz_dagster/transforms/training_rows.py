"""The training set as rows and back: what models read, known at the close of each hour."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from cryptoviz.forecasting.features import Features, build_features
from cryptoviz.forecasting.panel import FloatArray, IntArray, Panel
from cryptoviz.forecasting.variance import REGRESSORS, VarianceInputs, hours_of_week, variance_inputs
from cryptoviz.lake.forecast_tables import REGRESSOR_COLUMNS, SEQUENCE_COLUMNS, TRAINING_SET
from cryptoviz.lake.hours import Hour

_HOUR_US = 3_600_000_000
_SEQUENCE = tuple(f"sequence_{name}" for name in SEQUENCE_COLUMNS)
_SINGLE = ("close", "log_return", "variance", "scale")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingHistory:
    """Consecutive hours of the training set as arrays, the inputs of every model."""

    hours: IntArray
    markets: tuple[str, ...]
    close: FloatArray
    inputs: VarianceInputs
    features: Features


def training_rows(panel: Panel, *, first: int, last: int) -> pl.DataFrame:
    """Rows of ``training_set`` for the hours `[first, last)` of a panel that begins a look-back earlier."""
    inputs, features = variance_inputs(panel), build_features(panel)
    begin, end = (min(max(panel.row_of(hour), 0), len(panel.hours)) for hour in (first, last))
    hours, columns = (axis.ravel() for axis in np.nonzero(panel.is_bar[begin:end]))
    rows = hours + begin
    numbers = {
        "close": panel.close[rows, columns],
        "log_return": inputs.returns[rows, columns],
        "variance": inputs.variance[rows, columns],
        "scale": features.sigma[rows, columns],
        **{name: inputs.values[rows, columns, 1 + i] for i, name in enumerate(REGRESSOR_COLUMNS)},
        **{name: features.values[rows, columns, i] for i, name in enumerate(_SEQUENCE)},
    }
    names = [panel.markets[column].split(":", 1) for column in columns]
    starts = pl.Series((panel.hours[rows] * _HOUR_US).astype(np.int64)).cast(pl.Datetime("us", "UTC"))
    frame = pl.DataFrame(
        {
            "venue": pl.Series([venue for venue, _ in names], dtype=pl.String),
            "symbol": pl.Series([symbol for _, symbol in names], dtype=pl.String),
            "window_start": starts,
            **numbers,
        }
    )
    return frame.with_columns(pl.col(list(numbers)).fill_nan(None)).select(TRAINING_SET.column_names)


def training_history(rows: pl.DataFrame, *, first: Hour, last: Hour) -> TrainingHistory:
    """Arrays of the hours `[first, last)`; an hour without a row is NaN throughout."""
    begin, count = first.number, max(last.number - first.number, 0)
    keys = rows.select(pl.concat_str("venue", "symbol", separator=":"))[:, 0]
    markets = tuple(sorted(keys.unique()))
    place = {market: column for column, market in enumerate(markets)}
    hours = rows["window_start"].dt.epoch("us").to_numpy() // _HOUR_US - begin
    at = (hours.astype(np.int64), np.array([place[market] for market in keys], np.int64))

    def grid(names: tuple[str, ...]) -> FloatArray:
        values = np.full((count, len(markets), len(names)), np.nan)
        values[at] = rows.select(pl.col(names).fill_null(float("nan"))).to_numpy()
        return values

    single = grid(_SINGLE)
    regressors = np.concatenate([np.ones((count, len(markets), 1)), grid(REGRESSOR_COLUMNS)], axis=-1)
    assert regressors.shape[-1] == len(REGRESSORS)  # noqa: S101 - the contract spells the names out
    numbers = np.arange(begin, begin + count, dtype=np.int64)
    inputs = VarianceInputs(regressors, hours_of_week(numbers + 1), single[..., 2], single[..., 1])
    return TrainingHistory(
        hours=numbers, markets=markets, close=single[..., 0], inputs=inputs,
        features=Features(grid(_SEQUENCE), single[..., 3]),
    )  # fmt: skip
