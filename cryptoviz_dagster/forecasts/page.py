"""The page of forecasts: the latest issue as a fan, and how those before it turned out, beside last price."""

from html import escape

import numpy as np
import polars as pl

from cryptoviz.forecasting.calibration import DAY
from cryptoviz.forecasting.panel import FloatArray
from cryptoviz.forecasting.scoring import COVERAGES
from cryptoviz.lake.forecast_tables import INSIDE_COLUMNS
from cryptoviz.lake.hours import Hour
from cryptoviz_dagster.forecasts.charts import Chart, draw

FANS = 6
INTERVALS = "vol_harx"
_POINT_MODELS = ("drift", "seasonal_naive", "lstm")
_VARIANCE_MODELS = ("last_price", "ewma", "garch", "vol_harx")
_STYLE = (
    "body{font:14px sans-serif;margin:24px;color:#344054}svg{margin:6px;border:1px solid #e4e7ec}"
    "td,th{padding:2px 10px;text-align:right}"
)


def forecast_charts(latest: pl.DataFrame, metrics: pl.DataFrame) -> dict[str, str]:
    """Charts by name, as SVG: fans of the latest issue, coverage over time, skill by horizon, reliability, QLIKE."""
    scored = metrics.filter(pl.col("absolute_error").is_not_null())
    return {
        **_fans(latest.filter(pl.col("model") == INTERVALS, pl.col("predicted_price").is_not_null())),
        "coverage over time": draw(_coverage(scored)),
        "skill by horizon": draw(_skill(scored)),
        "reliability": draw(_reliability(scored)),
        "variance by horizon": draw(_variance(scored)),
    }


def forecast_page(charts: dict[str, str], performance: pl.DataFrame, hour: Hour) -> str:
    """The page as HTML that needs nothing else."""
    columns = ("venue", "symbol", "model", "horizon", "forecasts", "rmse", "last_price_rmse", "mase", "crps_bps",
               "coverage_80", "coverage_95", "qlike", "verdict")  # fmt: skip
    shown = performance.filter(pl.col("horizon").is_in([1, 6, 12, 24])).select(columns)
    head = "".join(f"<th>{name}</th>" for name in columns)
    rows = "".join(f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>" for row in shown.iter_rows())
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Forecasts, {hour.key}</title>'
        f"<style>{_STYLE}</style><h1>Forecasts, {hour.key}</h1>"
        "<p>Price errors stand beside those of last price on the same rows. Intervals are those of vol_harx.</p>"
        f"{''.join(charts.values())}<table><tr>{head}</tr>{rows}</table></html>\n"
    )


def _fans(latest: pl.DataFrame) -> dict[str, str]:
    charts = {}
    groups = latest.sort("venue", "symbol", "horizon").group_by("venue", "symbol", maintain_order=True)
    for (venue, symbol), part in list(groups)[:FANS]:
        ends = [(part[low].to_numpy(), part[high].to_numpy()) for low, high in (("p02_5", "p97_5"), ("p10", "p90"))]
        chart = Chart(
            title=f"{venue} {symbol}, issued {part['issued_time'][0]:%Y-%m-%d %H:%M}",
            x=part["horizon"].to_numpy().astype(float),
            lines={"median, 80 %, 95 %": part["p50"].to_numpy()},
            bands=ends,
            x_label="hours ahead",
        )
        charts[f"fan {venue} {symbol}"] = draw(chart)
    return charts


def _coverage(scored: pl.DataFrame) -> Chart:
    rows = scored.filter(pl.col("model") == INTERVALS).with_columns(date=pl.col("target_time").dt.date())
    days = rows.group_by("date").agg(pl.col("is_in_80").mean(), pl.col("is_in_95").mean()).sort("date")
    return Chart(
        title="share inside the interval, by day",
        x=np.arange(1 - days.height, 1, dtype=float),
        lines={name[-2:] + " %": days[name].to_numpy() for name in ("is_in_80", "is_in_95")},
        marks=(0.8, 0.95),
        x_label="days ago",
    )


def _skill(scored: pl.DataFrame) -> Chart:
    ratio = (pl.col("squared_error").sum() / pl.col("last_price_squared_error").sum()).sqrt()
    rows = (
        scored.group_by("venue", "symbol", "model", "horizon")
        .agg(ratio=ratio)
        .group_by("model", "horizon")
        .agg(pl.col("ratio").filter(pl.col("ratio").is_finite()).mean())
    )
    return Chart(
        title="RMSE over that of last price (below 1 is skill)",
        x=_horizons(),
        lines={model: _by_horizon(rows, model, "ratio") for model in _POINT_MODELS},
        marks=(1.0,),
        x_label="hours ahead",
    )


def _variance(scored: pl.DataFrame) -> Chart:
    rows = scored.group_by("model", "horizon").agg(pl.col("qlike").mean())
    return Chart(
        title="QLIKE of the variance (lower is better)",
        x=_horizons(),
        lines={model: _by_horizon(rows, model, "qlike") for model in _VARIANCE_MODELS},
        x_label="hours ahead",
    )


def _reliability(scored: pl.DataFrame) -> Chart:
    nominal = np.array(COVERAGES)
    lines = {"as promised": nominal}
    for model in ("garch", INTERVALS):
        rows = scored.filter(pl.col("model") == model)
        shares = [rows[name].cast(pl.Float64).mean() for name in INSIDE_COLUMNS]
        lines[model] = np.array([np.nan if share is None else share for share in shares], float)
    return Chart(title="share inside against coverage promised", x=nominal, lines=lines, x_label="coverage promised")


def _horizons() -> FloatArray:
    return np.arange(1, DAY + 1, dtype=float)


def _by_horizon(rows: pl.DataFrame, model: str, column: str) -> FloatArray:
    line = np.full(DAY, np.nan)
    for horizon, value in rows.filter(pl.col("model") == model).select("horizon", column).iter_rows():
        line[horizon - 1] = np.nan if value is None else value
    return line


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else escape(str(value))
