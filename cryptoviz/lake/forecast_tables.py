"""Tables of forecasts: what models learn from, the models, what they issue, and how it turned out.

Prices of the lake are exact; here they are inputs and outputs of models, so numbers are floats and null where there is
none: never NaN.
"""

from cryptoviz.lake.schema import DAY_COLUMNS, MARKET, Column, Owner, Table, Type

_DAY = Column("day_start", Type.TIMESTAMP, "Start of the day (or week) that it is made for")
_MODEL = Column("model", Type.STRING, "last_price, drift, seasonal_naive, ewma, garch, vol_harx or lstm")
_VERSION = Column("version", Type.STRING, "Partition key and start of the hash of the weights; builtin without any")
_HORIZON = Column("horizon", Type.INT32, "Hours from issue to target")

REGRESSOR_COLUMNS = (
    "log_variance_1h", "log_variance_3h", "log_variance_6h", "log_variance_24h", "log_variance_72h",
    "log_variance_168h", "log_variance_720h", "fall", "move", "fall_24h", "volume_1h", "volume_24h", "market_1h",
    "market_24h", "calm_6h", "calm_24h", "calm_72h", "calm_168h", "calm_720h", "leader_1h",
    "leader_24h", "leader_720h",
)  # fmt: skip
"""Regressors of the volatility model besides the constant and the hour of the week."""
SEQUENCE_COLUMNS = ("ret", "mid", "high", "low", "spread", "volatility", "volume", "liquidity")
"""Features of the LSTM, in its order."""
QUANTILE_COLUMNS = ("p02_5", "p05", "p10", "p25", "p50", "p75", "p90", "p95", "p97_5")
WIDTH_COLUMNS = ("width_50", "width_80", "width_90", "width_95")
INSIDE_COLUMNS = ("is_in_50", "is_in_80", "is_in_90", "is_in_95")


def _number(name: str, doc: str) -> Column:
    return Column(name, Type.FLOAT64, doc, nullable=True)


TRAINING_SET = Table(
    name="training_set",
    doc="One row for each venue, symbol and hour that has a candle: what models read, known at the close of the hour.",
    columns=(
        *MARKET,
        Column("window_start", Type.TIMESTAMP, "Start of the hour"),
        _number("close", "Price at its close, in quote units"),
        _number("log_return", "ln of its close over the close before"),
        _number("variance", "Garman-Klass variance of the hour"),
        _number("scale", "Trailing hourly volatility that scales the sequence features"),
        *(_number(name, "Regressor of the volatility model") for name in REGRESSOR_COLUMNS),
        *(_number(f"sequence_{name}", "Feature of the LSTM, in units of the scale") for name in SEQUENCE_COLUMNS),
    ),
    key=("venue", "symbol", "window_start"),
    time_column="window_start",
    owner=Owner.DAGSTER,
    statistics=("window_start",),
    partition_columns=DAY_COLUMNS,
)


def _models(name: str, doc: str) -> Table:
    return Table(
        name=name,
        doc=doc,
        columns=(
            _DAY,
            _VERSION,
            Column("status", Type.STRING, "trained, or why not: too_little_history, loss_not_finite"),
            Column("trained_through", Type.TIMESTAMP, "Nothing later was read"),
            Column("examples", Type.INT64, "Rows or windows it was fitted to"),
            Column("sha256", Type.STRING, "Hash of the weights", nullable=True),
            Column("path", Type.STRING, "The weights under the root of the lake, as safetensors", nullable=True),
            Column("card", Type.STRING, "The model card, as JSON"),
        ),
        key=("day_start",),
        time_column="day_start",
        owner=Owner.DAGSTER,
        statistics=("day_start", "status"),
        partition_columns=DAY_COLUMNS,
    )


VOL_MODEL = _models("vol_model", "One row for each day: the volatility regression trained through its end.")
LSTM_MODEL = _models("lstm_model", "One row for each week, on its first day: the LSTM trained through its end.")

CALIBRATION = Table(
    name="calibration",
    doc="One row for each day, venue, symbol and horizon: widths of intervals from scores that were known by then.",
    columns=(
        *MARKET,
        _DAY,
        Column("model", Type.STRING, "The model whose scale the widths multiply: vol_harx"),
        _HORIZON,
        _number("level", "Mean of realised over forecast variance; 1 without scores"),
        *(_number(name, "Half-width of the central interval, in units of the scale") for name in WIDTH_COLUMNS),
        Column("scores", Type.INT64, "Scores of this market that it stands on"),
    ),
    key=("venue", "symbol", "model", "horizon"),
    time_column="day_start",
    owner=Owner.DAGSTER,
    statistics=("day_start",),
    partition_columns=DAY_COLUMNS,
)

_ISSUE = (
    *MARKET,
    _MODEL,
    _VERSION,
    Column("window_start", Type.TIMESTAMP, "Start of the last hour that was read"),
    Column("issued_time", Type.TIMESTAMP, "Close of that hour, from which the horizon counts"),
    _HORIZON,
    Column("target_time", Type.TIMESTAMP, "The close that is forecast"),
    _number("last_price", "Close of the last hour that was read"),
    _number("predicted_price", "Median of the forecast, in quote units"),
    _number("volatility", "Standard deviation of the log return to the target"),
    *(_number(name, f"Quantile {name[1:].replace('_', '.').lstrip('0')} %") for name in QUANTILE_COLUMNS),
    Column("status", Type.STRING, "issued, cold, uncalibrated, model_missing or not_enough_history"),
)

PREDICTIONS = Table(
    name="predictions",
    doc="Forecasts: one row for each hour of issue, venue, symbol, model and step of 24.",
    columns=_ISSUE,
    key=("venue", "symbol", "model", "horizon"),
    time_column="window_start",
    owner=Owner.DAGSTER,
    statistics=("window_start",),
)

FUTURE_PREDICTIONS = Table(
    name="future_predictions",
    doc="The latest issue of the forecasts alone.",
    columns=_ISSUE,
    key=("venue", "symbol", "model", "horizon"),
    time_column="window_start",
    owner=Owner.DAGSTER,
    statistics=("window_start",),
)

PREDICTION_METRICS = Table(
    name="prediction_metrics",
    doc="One row for each forecast whose target is the close of the hour: how it turned out, beside last price.",
    columns=(
        *MARKET,
        _MODEL,
        _VERSION,
        Column("window_start", Type.TIMESTAMP, "Start of the hour whose close was forecast"),
        Column("target_time", Type.TIMESTAMP, "Close of that hour"),
        Column("issued_time", Type.TIMESTAMP, "When the forecast was issued"),
        _HORIZON,
        _number("predicted_price", "Median of the forecast"),
        _number("actual_price", "What the close was"),
        _number("last_price", "Close at issue: what the simplest forecast said"),
        _number("absolute_error", "|predicted - actual|, in quote units"),
        _number("squared_error", "Its square"),
        _number("last_price_absolute_error", "|last - actual| on the same row"),
        _number("last_price_squared_error", "Its square"),
        _number("pinball_bps", "Mean pinball loss of the quantiles, in basis points of log return"),
        _number("crps_bps", "Continuous ranked probability score from the quantiles, in basis points"),
        _number("realised_variance", "Sum of squared hourly log returns from issue to target"),
        _number("qlike", "Loss of the forecast variance against the realised one"),
        *(
            Column(name, Type.BOOL, f"Whether the central {name[-2:]} % interval held it", nullable=True)
            for name in INSIDE_COLUMNS
        ),
        Column("status", Type.STRING, "Status of the forecast; no_target where the hour has no close"),
    ),
    key=("venue", "symbol", "model", "horizon"),
    time_column="window_start",
    owner=Owner.DAGSTER,
    statistics=("window_start",),
)

PREDICTION_PERFORMANCE = Table(
    name="prediction_performance",
    doc="One row for each day, venue, symbol, model and horizon: scores of the 90 days up to it, beside last price.",
    columns=(
        *MARKET,
        _DAY,
        _MODEL,
        _HORIZON,
        Column("forecasts", Type.INT64, "Forecasts that were scored"),
        _number("mse", "Mean squared error of the price"),
        _number("rmse", "Its root, in quote units"),
        _number("mae", "Mean absolute error"),
        _number("last_price_mse", "The same of last price on the same rows"),
        _number("last_price_rmse", "Its root"),
        _number("last_price_mae", "Mean absolute error of last price"),
        _number("skill", "1 - mse / last_price_mse"),
        _number("mase", "mae over the mean absolute error of last price one hour ahead"),
        _number("pinball_bps", "Mean pinball loss, in basis points"),
        _number("crps_bps", "Mean CRPS, in basis points"),
        _number("qlike", "Mean QLIKE of the variance"),
        *(_number(f"coverage_{n}", f"Share inside the {n} % interval") for n in (50, 80, 90, 95)),
        _number("t", "t statistic of the squared errors saved against last price, HAC over horizon + 24 hours"),
        Column("verdict", Type.STRING, "What may be said of the price forecast"),
    ),
    key=("venue", "symbol", "model", "horizon"),
    time_column="day_start",
    owner=Owner.DAGSTER,
    statistics=("day_start",),
    partition_columns=DAY_COLUMNS,
)

CHAMPIONS = Table(
    name="champions",
    doc="One row for each week, on its first day, task and band of horizons: the model to believe, and why.",
    columns=(
        _DAY,
        Column("task", Type.STRING, "price or variance"),
        Column("band", Type.STRING, "Horizons, in hours: 1-6, 7-12 or 13-24"),
        Column("champion", Type.STRING, "The model to believe"),
        Column("challenger", Type.STRING, "The best of the others", nullable=True),
        _number("gain", "Share of the champion's loss that the challenger saves"),
        _number("t", "t statistic of that gain over days"),
        Column("days", Type.INT32, "Days of evidence"),
        Column("decision", Type.STRING, "Why"),
    ),
    key=("task", "band"),
    time_column="day_start",
    owner=Owner.DAGSTER,
    statistics=("day_start",),
    partition_columns=DAY_COLUMNS,
)

FORECAST_TABLES = (
    TRAINING_SET, VOL_MODEL, LSTM_MODEL, CALIBRATION, PREDICTIONS, FUTURE_PREDICTIONS, PREDICTION_METRICS,
    PREDICTION_PERFORMANCE, CHAMPIONS,
)  # fmt: skip
