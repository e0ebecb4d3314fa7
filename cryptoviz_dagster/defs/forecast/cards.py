"""Model cards: what a model is, what it read, how it was fitted, and what may be expected of it."""

from datetime import datetime
from importlib.metadata import version
from typing import Any

from cryptoviz.forecasting.features import FEATURES, HORIZONS, SEQUENCE
from cryptoviz.forecasting.lstm import UNITS
from cryptoviz.forecasting.lstm_training import TrainedNetwork, TrainingPlan
from cryptoviz.forecasting.regression import VolatilityModel
from cryptoviz.forecasting.variance import REGRESSORS
from cryptoviz_dagster.transforms.training_rows import TrainingHistory


def volatility_card(model: VolatilityModel, history: TrainingHistory, *, through: datetime) -> dict[str, Any]:
    """Card of a volatility model."""
    return {
        "model": "vol_harx",
        "what": "Ridge regression of log Garman-Klass variance over 1 to 24 hours, for all markets and for each",
        "intended_use": "Width of the intervals around last price; not a forecast of direction",
        "skill": "volatility and intervals; none in the price",
        "regressors": list(REGRESSORS),
        "rows": model.rows,
        "numpy": version("numpy"),
        **_read(history, through),
    }


def lstm_card(
    network: TrainedNetwork, plan: TrainingPlan, history: TrainingHistory, *, through: datetime
) -> dict[str, Any]:
    """Card of an LSTM."""
    return {
        "model": "lstm",
        "what": f"{SEQUENCE} hours x {len(FEATURES)} features to {HORIZONS} log returns over their volatility",
        "layers": [f"lstm {units}" for units in UNITS] + [f"dense {HORIZONS}"],
        "intended_use": "A challenger of last price, issued and scored beside it",
        "skill": "no measurable skill over last price unless prediction_performance says otherwise",
        "features": list(FEATURES),
        "seed": plan.seed,
        "dropout": plan.dropout,
        "learning_rate": plan.learning_rate,
        "examples": network.examples,
        "loss": list(network.losses),
        "validation_loss": list(network.validation_losses),
        "keras": version("keras"),
        "jax": version("jax"),
        **_read(history, through),
    }


def _read(history: TrainingHistory, through: datetime) -> dict[str, Any]:
    return {"markets": list(history.markets), "hours": len(history.hours), "trained_through": through.isoformat()}
