"""Which columns of which tables the columns of forecasts are made of."""

from collections.abc import Mapping, Sequence

import dagster as dg

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.forecast_tables import (
    CALIBRATION,
    CHAMPIONS,
    FUTURE_PREDICTIONS,
    INSIDE_COLUMNS,
    LSTM_MODEL,
    PREDICTION_METRICS,
    PREDICTION_PERFORMANCE,
    PREDICTIONS,
    QUANTILE_COLUMNS,
    REGRESSOR_COLUMNS,
    SEQUENCE_COLUMNS,
    TRAINING_SET,
    VOL_MODEL,
    WIDTH_COLUMNS,
)
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import KLINES

_Origins = Sequence[tuple[str, str]]
_BAR = ("open", "high", "low", "close", "volume")
_ERRORS = ("absolute_error", "squared_error")
_SCORES = ("pinball_bps", "crps_bps", "qlike")


def _candles(*columns: str) -> _Origins:
    return [(table.name, column) for table in (OHLC_1H, KLINES) for column in columns]


def _of(table: Table, *columns: str) -> _Origins:
    return [(table.name, column) for column in columns]


_ISSUED: _Origins = [(OHLC_1H.name, "close"), (LSTM_MODEL.name, "path")]
_WIDTH: _Origins = [
    *_of(OHLC_1H, *_BAR),
    (VOL_MODEL.name, "path"),
    *_of(CALIBRATION, "level", *WIDTH_COLUMNS),
]
_ORIGINS: Mapping[str, Mapping[str, _Origins]] = {
    TRAINING_SET.name: {
        "close": _candles("close"),
        "log_return": _candles("close"),
        "variance": _candles("open", "high", "low", "close"),
        "scale": _candles("close"),
        **{name: _candles(*_BAR) for name in (*REGRESSOR_COLUMNS, *(f"sequence_{n}" for n in SEQUENCE_COLUMNS))},
    },
    VOL_MODEL.name: {"path": _of(TRAINING_SET, *REGRESSOR_COLUMNS, "variance")},
    LSTM_MODEL.name: {"path": _of(TRAINING_SET, *(f"sequence_{n}" for n in SEQUENCE_COLUMNS), "log_return", "scale")},
    CALIBRATION.name: {
        name: [(VOL_MODEL.name, "path"), *_of(TRAINING_SET, *REGRESSOR_COLUMNS, "log_return")]
        for name in ("level", *WIDTH_COLUMNS, "scores")
    },
    PREDICTIONS.name: {
        "last_price": _of(OHLC_1H, "close"),
        "predicted_price": _ISSUED,
        "version": [(VOL_MODEL.name, "version"), (LSTM_MODEL.name, "version")],
        "volatility": _WIDTH,
        **dict.fromkeys(QUANTILE_COLUMNS, _WIDTH),
        "status": [(VOL_MODEL.name, "status"), (LSTM_MODEL.name, "status"), *_of(OHLC_1H, "close")],
    },
    FUTURE_PREDICTIONS.name: {name: _of(PREDICTIONS, name) for name in FUTURE_PREDICTIONS.column_names},
    PREDICTION_METRICS.name: {
        **{
            name: _of(PREDICTIONS, name)
            for name in ("model", "version", "issued_time", "horizon", "predicted_price", "last_price", "status")
        },
        "actual_price": _of(OHLC_1H, "close"),
        "realised_variance": _of(OHLC_1H, "close"),
        **{name: [*_of(PREDICTIONS, "predicted_price"), *_of(OHLC_1H, "close")] for name in _ERRORS},
        **{f"last_price_{name}": [*_of(PREDICTIONS, "last_price"), *_of(OHLC_1H, "close")] for name in _ERRORS},
        **{
            name: [*_of(PREDICTIONS, *QUANTILE_COLUMNS), *_of(OHLC_1H, "close")]
            for name in ("pinball_bps", "crps_bps", *INSIDE_COLUMNS)
        },
        "qlike": [*_of(PREDICTIONS, "volatility"), *_of(OHLC_1H, "close")],
    },
    PREDICTION_PERFORMANCE.name: {
        "forecasts": _of(PREDICTION_METRICS, "absolute_error"),
        **{name: _of(PREDICTION_METRICS, "squared_error") for name in ("mse", "rmse")},
        "mae": _of(PREDICTION_METRICS, "absolute_error"),
        **{f"last_price_{name}": _of(PREDICTION_METRICS, "last_price_squared_error") for name in ("mse", "rmse")},
        "last_price_mae": _of(PREDICTION_METRICS, "last_price_absolute_error"),
        **{
            name: _of(PREDICTION_METRICS, "squared_error", "last_price_squared_error")
            for name in ("skill", "t", "verdict")
        },
        "mase": _of(PREDICTION_METRICS, "absolute_error"),
        **{name: _of(PREDICTION_METRICS, name) for name in _SCORES},
        **{f"coverage_{name[-2:]}": _of(PREDICTION_METRICS, name) for name in INSIDE_COLUMNS},
    },
    CHAMPIONS.name: {
        name: _of(PREDICTION_METRICS, "squared_error", "actual_price", "qlike", "model")
        for name in ("champion", "challenger", "gain", "t", "days", "decision")
    },
}
"""Of each table the columns that its columns are made of. Others are keys or facts about the row."""


def forecast_lineage(table: Table) -> dg.TableColumnLineage:
    """Where the columns of a table of forecasts come from."""
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(asset_key=asset, column_name=column) for asset, column in origins]
            for name, origins in _ORIGINS[table.name].items()
        }
    )
