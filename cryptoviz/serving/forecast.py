"""The latest forecast of a market and the earlier ones: of the champion for the width of its intervals, or the best."""

from datetime import timedelta
from typing import Any

import polars as pl

from cryptoviz.lake.forecast_tables import PREDICTION_METRICS
from cryptoviz.lake.symbols import Instrument
from cryptoviz.serving.parts import Parts
from cryptoviz.serving.rows import json_row
from cryptoviz.serving.tables_by_name import Selection, rows_of
from cryptoviz.storage.frames import empty

_LOOK_BACK = timedelta(days=2)
_HISTORY = (
    "target_time", "issued_time", "horizon", "last_price", "p02_5", "p10", "p50", "predicted_price", "p90", "p97_5",
)  # fmt: skip
_PREFERRED = ("vol_harx", "garch", "ewma", "lstm")


def latest_forecast(parts: Parts, instrument: Instrument, model: str) -> dict[str, Any]:
    """Rows of the newest issue by horizon, and why there are none. Raises OSError."""
    now = parts.clock()
    wanted = Selection(
        first=now - _LOOK_BACK, end=now, limit=20_000, venue=str(instrument.venue), symbol=instrument.symbol
    )
    found = rows_of("predictions", parts.settings.lake, wanted)
    if not found.frame.height:
        return {"data": [], "model": None, "reason": found.reason}
    usable = found.frame.filter(pl.col("p10").is_not_null(), pl.col("p90").is_not_null())
    chosen = model or _best(parts, usable["model"].unique().to_list())
    mine = usable.filter(pl.col("model") == chosen)
    newest = mine.filter(pl.col("issued_time") == pl.col("issued_time").max()).sort("horizon")
    reason = "" if newest.height else "no forecast of this model has intervals yet"
    return {"data": [json_row(row) for row in newest.iter_rows(named=True)], "model": chosen, "reason": reason}


def forecast_history(
    parts: Parts, instrument: Instrument, model: str, *, horizon: int, hours: int
) -> tuple[pl.DataFrame, str]:
    """What was forecast for each hour at one horizon, beside the close that came (null while it has not), by target.

    The second value names the model: the one asked for, or the best that has intervals. Raises OSError.
    """
    now = parts.clock()
    wanted = Selection(
        first=now - timedelta(hours=hours + horizon + 1), end=now + timedelta(days=2), limit=200_000,
        venue=str(instrument.venue), symbol=instrument.symbol,
    )  # fmt: skip
    issued = rows_of("predictions", parts.settings.lake, wanted).frame
    if not issued.height:
        return pl.DataFrame(), model
    usable = issued.filter(pl.col("horizon") == horizon, pl.col("p10").is_not_null(), pl.col("p90").is_not_null())
    chosen = model or _best(parts, usable["model"].unique().to_list())
    mine = usable.filter(pl.col("model") == chosen).select(*_HISTORY)
    return mine.join(_actual(parts, wanted, chosen, horizon), on="target_time", how="left").sort("target_time"), chosen


def _actual(parts: Parts, wanted: Selection, model: str, horizon: int) -> pl.DataFrame:
    scores = rows_of("prediction_metrics", parts.settings.lake, wanted).frame
    if not scores.height:
        scores = empty(PREDICTION_METRICS)
    mine = scores.filter(pl.col("model") == model, pl.col("horizon") == horizon)
    return mine.select("target_time", "actual_price", "is_in_80", "is_in_95")


def _best(parts: Parts, models: list[str]) -> str:
    now = parts.clock()
    champions = rows_of("champions", parts.settings.lake, Selection(first=now - 30 * _LOOK_BACK, end=now, limit=100))
    if champions.frame.height:
        variance = champions.frame.filter(pl.col("task") == "variance", pl.col("champion").is_in(models))
        if variance.height:
            return str(variance.sort("day_start")["champion"][-1])
    return next((name for name in _PREFERRED if name in models), models[0] if models else "")
