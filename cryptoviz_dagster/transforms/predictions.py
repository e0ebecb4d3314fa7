"""Forecasts as rows of the tables: issued ones, and how each turned out when its hour was sealed."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from cryptoviz.forecasting.issue import STEPS, Forecast, Issue
from cryptoviz.forecasting.panel import FloatArray, Panel, log_returns
from cryptoviz.forecasting.scoring import COVERAGES, QUANTILES, crps, is_inside, pinball, qlike
from cryptoviz.lake.forecast_tables import INSIDE_COLUMNS, PREDICTION_METRICS, PREDICTIONS, QUANTILE_COLUMNS
from cryptoviz.lake.hours import Hour

NO_TARGET = "no_target"
_BPS = 1e4


def prediction_rows(issue: Issue, hour: Hour) -> pl.DataFrame:
    """Rows of the table ``predictions`` for forecasts issued at the close of an hour."""
    frames = [_rows(issue, forecast, hour) for forecast in issue.forecasts]
    rows = pl.concat(frames) if frames else pl.DataFrame(schema=dict.fromkeys(PREDICTIONS.column_names, pl.Null))
    return rows.select(PREDICTIONS.column_names).sort(PREDICTIONS.key)


def _rows(issue: Issue, forecast: Forecast, hour: Hour) -> pl.DataFrame:
    count, steps = len(issue.markets), len(STEPS)
    last = np.repeat(issue.close, steps)
    numbers = {
        "last_price": last,
        "predicted_price": last * np.exp(forecast.mean.ravel()),
        "volatility": forecast.volatility.ravel(),
        **{name: last * np.exp(forecast.quantiles[..., place].ravel()) for place, name in enumerate(QUANTILE_COLUMNS)},
    }
    venues, symbols = zip(*(market.split(":", 1) for market in issue.markets), strict=True)
    frame = pl.DataFrame(
        {
            "venue": np.repeat(venues, steps).tolist(),
            "symbol": np.repeat(symbols, steps).tolist(),
            "horizon": pl.Series(np.tile(STEPS, count), dtype=pl.Int32),
            "status": np.repeat([str(status) for status in forecast.status], steps).tolist(),
            **numbers,
        }
    )
    return frame.with_columns(
        pl.col(list(numbers)).fill_nan(None),
        model=pl.lit(forecast.model),
        version=pl.lit(forecast.version),
        window_start=_instant(hour.start),
        issued_time=_instant(hour.end),
        target_time=_instant(hour.end) + pl.duration(hours=pl.col("horizon")),
    )


def score_predictions(predictions: pl.DataFrame, panel: Panel, hour: Hour) -> pl.DataFrame:
    """Rows of ``prediction_metrics``: forecasts whose target is the close of ``hour``, against what it was.

    The panel covers the 24 hours up to ``hour``, this one included; without a close the row says ``no_target``.
    """
    due = predictions.filter(pl.col("target_time") == hour.end).sort(PREDICTIONS.key)
    place = {market: column for column, market in enumerate(panel.markets)}
    columns = np.array([place.get(f"{v}:{s}", -1) for v, s in due.select("venue", "symbol").iter_rows()], np.int64)
    truth = _Truth.at(panel, columns, due["horizon"].to_numpy())
    last, predicted = _floats(due, "last_price"), _floats(due, "predicted_price")
    volatility = _floats(due, "volatility")
    quantiles = np.log(np.stack([_floats(due, name) for name in QUANTILE_COLUMNS], axis=-1) / last[:, None])
    actual_return = np.log(truth.close / last)
    losses = np.stack([pinball(actual_return, quantiles[:, i], q) for i, q in enumerate(QUANTILES)], axis=-1)
    numbers = {
        "actual_price": truth.close,
        "absolute_error": np.abs(predicted - truth.close),
        "squared_error": (predicted - truth.close) ** 2,
        "last_price_absolute_error": np.abs(last - truth.close),
        "last_price_squared_error": (last - truth.close) ** 2,
        "pinball_bps": _BPS * losses.mean(axis=-1),
        "crps_bps": _BPS * crps(actual_return, quantiles),
        "realised_variance": truth.variance,
        "qlike": qlike(truth.variance, volatility**2),
    }
    rows = due.with_columns(
        *(pl.Series(name, values).fill_nan(None) for name, values in numbers.items()),
        *(pl.Series(name, values) for name, values in _inside(actual_return, quantiles).items()),
        window_start=_instant(hour.start),
    )
    no_target = pl.col("actual_price").is_null()
    return rows.with_columns(status=pl.when(no_target).then(pl.lit(NO_TARGET)).otherwise(pl.col("status"))).select(
        PREDICTION_METRICS.column_names
    )


class _Truth:
    """What came, for each row: the close of the hour and the variance since issue."""

    def __init__(self, close: FloatArray, variance: FloatArray) -> None:
        self.close, self.variance = close, variance

    @classmethod
    def at(cls, panel: Panel, columns: np.ndarray, horizons: np.ndarray) -> "_Truth":
        square = log_returns(panel)[::-1] ** 2
        sums = np.concatenate([np.full((1, square.shape[1]), np.nan), np.cumsum(square, axis=0)])
        close = np.append(panel.close[-1:].ravel(), np.nan)
        sums = np.concatenate([sums, np.full((len(sums), 1), np.nan)], axis=1)
        return cls(close[columns], sums[np.minimum(horizons, len(sums) - 1), columns])


def _inside(truth: FloatArray, quantiles: FloatArray) -> Mapping[str, list[bool | None]]:
    found = {}
    for name, coverage in zip(INSIDE_COLUMNS, COVERAGES, strict=True):
        low, high = (QUANTILES.index(round(level, 6)) for level in ((1 - coverage) / 2, (1 + coverage) / 2))
        inside = is_inside(truth, quantiles[:, low], quantiles[:, high])
        found[name] = [None if np.isnan(one) else bool(one) for one in inside]
    return found


def _floats(frame: pl.DataFrame, name: str) -> FloatArray:
    return frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _instant(time: object) -> pl.Expr:
    return pl.lit(time).cast(pl.Datetime("us", "UTC"))
