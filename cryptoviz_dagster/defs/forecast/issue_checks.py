"""Checks of what is issued, by hour and blocking: a number that cannot be reaches neither scores nor readers."""

from itertools import pairwise

import dagster as dg
import polars as pl

from cryptoviz.forecasting.issue import STEPS, Status
from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.forecast_tables import FUTURE_PREDICTIONS, LSTM_MODEL, PREDICTIONS, QUANTILE_COLUMNS, VOL_MODEL
from cryptoviz.lake.hours import Hour
from cryptoviz.storage.frames import TableNotWritten, scan
from cryptoviz_dagster.defs.judging import judge
from cryptoviz_dagster.forecasts.choice import lstm_week, volatility_day
from cryptoviz_dagster.forecasts.model_store import TRAINED, ModelStore
from cryptoviz_dagster.resources import Lake

MODELS = ("last_price", "drift", "seasonal_naive", "ewma", "garch", "vol_harx", "lstm")
"""Every model is issued for every market in every hour, with numbers or with the reason why there are none."""
ABSENT = (Status.MODEL_MISSING, Status.NOT_ENOUGH_HISTORY)
_FORECAST = ("predicted_price", "volatility", *QUANTILE_COLUMNS)
_EXPECTED_TO_LACK = "too_little_history"
_ROUNDING = 1e-9


def issue_checks(partitions: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks of ``predictions`` and ``future_predictions``. A run over a range checks each of its hours."""

    @dg.asset_check(asset=PREDICTIONS.name, blocking=True, partitions_def=partitions)
    def quantiles_are_finite_and_in_order(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """Numbers exactly where the status says so: finite, positive, quantiles ascending around the median."""
        return judge(context, lambda hour: _texts(impossible_forecasts(lake.rows(PREDICTIONS, hour))))

    @dg.asset_check(asset=PREDICTIONS.name, blocking=True, partitions_def=partitions)
    def nothing_later_was_read(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """Issued at the close of the hour, from its candle, with models of the day and week before."""
        return judge(context, lambda hour: out_of_time(lake.rows(PREDICTIONS, hour), lake.rows(OHLC_1H, hour), hour))

    @dg.asset_check(asset=PREDICTIONS.name, blocking=True, partitions_def=partitions)
    def every_market_has_every_step(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """Each market that has a close has 24 steps of each model, and no other market has any."""
        return judge(context, lambda hour: steps_off(lake.rows(PREDICTIONS, hour), lake.rows(OHLC_1H, hour)))

    @dg.asset_check(asset=FUTURE_PREDICTIONS.name, blocking=True, partitions_def=partitions)
    def shows_one_whole_issue(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        """All rows of one hour's issue, of this hour or a later one, and nothing else."""
        return judge(context, lambda hour: not_the_issue(lake, hour))

    return [
        quantiles_are_finite_and_in_order,
        nothing_later_was_read,
        every_market_has_every_step,
        shows_one_whole_issue,
        _models_check(partitions),
    ]


def _models_check(partitions: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=PREDICTIONS.name, partitions_def=partitions)
    def models_are_there(context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
        """The models that the hour is to use were trained, unless there was too little history to learn from."""
        return judge(
            context,
            lambda hour: missing_models(lake, hour),
            severity=dg.AssetCheckSeverity.WARN,
            excuse_of=lambda hour: excuse_of_models(lake, hour),
        )

    return models_are_there


def impossible_forecasts(predictions: pl.DataFrame) -> pl.DataFrame:
    """Rows whose numbers cannot be, or are there without a forecast."""
    quantiles = [pl.col(name) for name in QUANTILE_COLUMNS]
    ascending = [low <= high for low, high in pairwise(quantiles)]
    median = pl.col("predicted_price")
    possible = pl.all_horizontal(
        *(pl.col(name).is_finite() & (pl.col(name) > 0) for name in ("last_price", "predicted_price")),
        *(quantile.is_finite() & (quantile > 0) for quantile in quantiles),
        *ascending,
        pl.col("volatility").is_finite() & (pl.col("volatility") >= 0),
        (pl.col("p50") - median).abs() <= _ROUNDING * median,
    ).fill_null(value=False)
    absent = pl.all_horizontal(pl.col(name).is_null() for name in _FORECAST)
    is_right = pl.when(pl.col("status").is_in(ABSENT)).then(absent).otherwise(possible)
    return predictions.filter(~is_right).select(*PREDICTIONS.key, "status", *_FORECAST)


def out_of_time(predictions: pl.DataFrame, candles: pl.DataFrame, hour: Hour) -> list[str]:
    """Rows with other times than those of the hour, another last price than its close, or a later model."""
    closes = candles.select("venue", "symbol", pl.col("close").cast(pl.Float64))
    rows = predictions.join(closes, on=["venue", "symbol"], how="left")
    day, week = volatility_day(hour).key, lstm_week(hour).key
    version = pl.col("version")
    of_its_time = (
        pl.when(pl.col("model") == "vol_harx").then((version == "") | version.str.starts_with(f"{day}+"))
        .when(pl.col("model") == "lstm").then((version == "") | version.str.starts_with(f"{week}+"))
        .otherwise(version == "builtin")
    )  # fmt: skip
    facts = {
        "issued_time": pl.col("issued_time") == hour.end,
        "window_start": pl.col("window_start") == hour.start,
        "target_time": pl.col("target_time") == pl.lit(hour.end) + pl.duration(hours=pl.col("horizon")),
        "last_price": pl.col("last_price") == pl.col("close"),
        "version": of_its_time,
    }
    return [
        f"{name}: {row}"
        for name, fact in facts.items()
        for row in _texts(rows.filter(~fact.fill_null(value=False)).select(*PREDICTIONS.key, name))
    ]


def steps_off(predictions: pl.DataFrame, candles: pl.DataFrame) -> list[str]:
    """Market, model and step that are missing, doubled or of a market without a close."""
    markets = candles.filter(pl.col("close").is_not_null()).select("venue", "symbol").unique()
    steps = pl.DataFrame({"horizon": STEPS}, schema={"horizon": pl.Int32})
    due = markets.join(pl.DataFrame({"model": MODELS}), how="cross").join(steps, how="cross").with_columns(wanted=1)
    there = predictions.group_by(PREDICTIONS.key).agg(found=pl.len())
    both = due.join(there, on=PREDICTIONS.key, how="full", coalesce=True)
    wrong = both.filter(pl.col("found").ne_missing(1) | pl.col("wanted").is_null()).sort(PREDICTIONS.key)
    return _texts(wrong.select(*PREDICTIONS.key, pl.col("found").fill_null(0)))


def not_the_issue(lake: Lake, hour: Hour) -> list[str]:
    """How ``future_predictions`` differs from one issue of an hour that is not before ``hour``."""
    try:
        shown = scan(FUTURE_PREDICTIONS, lake.location).select(FUTURE_PREDICTIONS.column_names).collect()
    except TableNotWritten:
        shown = lake.rows(FUTURE_PREDICTIONS, hour)
    starts = shown["window_start"].unique().sort().to_list()
    if not starts:
        return [f"nothing is shown, {hour.key} was issued"] if lake.rows(PREDICTIONS, hour).height else []
    if len(starts) > 1 or starts[0] < hour.start:
        return [f"hours {[Hour(start).key for start in starts]} are shown"]
    issued = lake.rows(PREDICTIONS, Hour(starts[0])).sort(PREDICTIONS.key)
    return [] if shown.sort(PREDICTIONS.key).equals(issued) else [f"not the rows of {Hour(starts[0]).key}"]


def missing_models(lake: Lake, hour: Hour) -> list[str]:
    """Models of the hour that are not there, and why."""
    return [f"{name}: {why}" for name, why in _model_states(lake, hour).items() if why != TRAINED]


def excuse_of_models(lake: Lake, hour: Hour) -> str:
    """Why models may be missing; empty when one of them should be there."""
    states = set(_model_states(lake, hour).values()) - {TRAINED}
    return "too early: there was too little history to learn from" if states <= {_EXPECTED_TO_LACK} else ""


def _model_states(lake: Lake, hour: Hour) -> dict[str, str]:
    wanted = {VOL_MODEL: volatility_day(hour), LSTM_MODEL: lstm_week(hour)}
    found = {table: ModelStore(lake, table).find(day) for table, day in wanted.items()}
    return {
        f"{table.name} {wanted[table].key}": model.status if model else "nobody has tried"
        for table, model in found.items()
    }


def _texts(rows: pl.DataFrame) -> list[str]:
    return list(map(str, rows.iter_rows(named=True)))
