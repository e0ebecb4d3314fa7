"""Training of the LSTM with Keras on JAX. The only module that imports a training framework, and only when it trains.

The seed, the rows and their order decide the weights to the last bit on one machine.
"""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from cryptoviz.forecasting.features import (
    FEATURES,
    HORIZONS,
    SEQUENCE,
    Features,
    Float32Array,
    input_windows,
    scaled_targets,
)
from cryptoviz.forecasting.lstm import UNITS, WEIGHTS, Weights, predict_scaled
from cryptoviz.forecasting.panel import BoolArray, FloatArray

_CLIP_TARGET = 6.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingPlan:
    """How the network is trained. ``examples`` bounds the windows drawn; the last ``validation`` share judges."""

    seed: int = 0
    epochs: int = 12
    patience: int = 3
    batch: int = 512
    examples: int = 60_000
    dropout: float = 0.2
    learning_rate: float = 1e-3
    validation: float = 0.1
    least_examples: int = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedNetwork:
    """Weights with what the card says of them: losses after each epoch on both parts, and how many windows."""

    weights: Weights
    losses: tuple[float, ...]
    validation_losses: tuple[float, ...]
    examples: int


class TooFewExamples(ValueError):
    """There is not enough history to train on."""


class LossNotFinite(ValueError):
    """The loss became NaN or infinite; the weights of such a training are worth nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Examples:
    """Windows of shape (n, 12, 8) and scaled returns (n, 24), in order of time."""

    windows: Float32Array
    targets: Float32Array


def gather_examples(features: Features, returns: FloatArray, *, rows: range, most: int, seed: int) -> Examples:
    """Examples with origins in ``rows``: at most ``most``, drawn without replacement, in order of time.

    Only those whose window and all 24 targets are known; targets are clipped at ±6.
    """
    first = max(rows.start, SEQUENCE - 1)
    targets = scaled_targets(returns, features.sigma)[first : rows.stop]
    whole = _ends_whole_window(features)[first : rows.stop] & np.isfinite(targets).all(axis=-1)
    origins, markets = np.nonzero(whole)
    if len(origins) > most:
        chosen = np.sort(np.random.default_rng(seed).choice(len(origins), most, replace=False))
        origins, markets = origins[chosen], markets[chosen]
    return Examples(
        windows=input_windows(features, origins + first, markets),
        targets=np.clip(targets[origins, markets], -_CLIP_TARGET, _CLIP_TARGET),
    )


def _ends_whole_window(features: Features) -> BoolArray:
    known = np.cumsum(np.isfinite(features.values[..., 0]), axis=0)
    before = np.concatenate([np.zeros((SEQUENCE, known.shape[1]), known.dtype), known[:-SEQUENCE]])[: len(known)]
    ends: BoolArray = known - before == SEQUENCE
    return ends


def train_on_history(features: Features, returns: FloatArray, *, rows: range, plan: TrainingPlan) -> TrainedNetwork:
    """Train on origins in ``rows``; the last part of them, after a purge of 24 hours, chooses the epoch.

    The caller ends ``rows`` 24 hours before what the network is to forecast. Raises :class:`TooFewExamples` and
    :class:`LossNotFinite`.
    """
    judged = max(1, int(len(rows) * plan.validation))
    border = rows.stop - judged
    fit_rows, judge_rows = range(rows.start, max(rows.start, border - HORIZONS)), range(border, rows.stop)
    fit = gather_examples(features, returns, rows=fit_rows, most=plan.examples, seed=plan.seed)
    judge = gather_examples(features, returns, rows=judge_rows, most=plan.examples // 4, seed=plan.seed)
    if len(fit.windows) < plan.least_examples or not len(judge.windows):
        raise TooFewExamples(f"{len(fit.windows)} complete windows, training needs {plan.least_examples}")
    return train(fit, judge, plan)


def train(fit: Examples, judge: Examples, plan: TrainingPlan) -> TrainedNetwork:
    """Train on ``fit``, stop and choose by the loss on ``judge``. Raises :class:`LossNotFinite`."""
    keras: Any = _keras()
    keras.utils.set_random_seed(plan.seed)
    network = _network(keras, plan)
    stop = keras.callbacks.EarlyStopping("val_loss", patience=plan.patience, restore_best_weights=True)
    history = network.fit(
        fit.windows,
        fit.targets,
        validation_data=(judge.windows, judge.targets),
        epochs=plan.epochs,
        batch_size=plan.batch,
        shuffle=True,
        callbacks=[stop, keras.callbacks.TerminateOnNaN()],
        verbose=0,
    ).history
    losses, judged = tuple(history["loss"]), tuple(history.get("val_loss", ()))
    if not judged or not np.isfinite([*losses, *judged]).all():
        raise LossNotFinite(f"loss {losses} and validation loss {judged} after {len(losses)} epochs")
    arrays = [np.asarray(array, np.float32) for array in network.get_weights()]
    weights = dict(zip(WEIGHTS, arrays, strict=True))
    return TrainedNetwork(
        weights=_damped(weights, judge), losses=losses, validation_losses=judged, examples=len(fit.windows)
    )


def _damped(weights: Weights, judge: Examples) -> Weights:
    """The last layer times the slope of truth on forecast, between 0 and 1: what finds nothing says little."""
    forecast = predict_scaled(weights, judge.windows)
    power = float((forecast**2).sum())
    slope = np.float32(np.clip(float((forecast * judge.targets).sum()) / power, 0.0, 1.0)) if power else np.float32(0)
    return {name: array * slope if name.startswith("dense/") else array for name, array in weights.items()}


def _network(keras: Any, plan: TrainingPlan) -> Any:
    layers = keras.layers
    first, second = UNITS
    network = keras.Sequential(
        [
            layers.Input((SEQUENCE, len(FEATURES))),
            layers.LSTM(first, return_sequences=True),
            layers.Dropout(plan.dropout),
            layers.LSTM(second),
            layers.Dropout(plan.dropout),
            layers.Dense(HORIZONS),
        ]
    )
    network.compile(optimizer=keras.optimizers.Adam(plan.learning_rate, clipnorm=1.0), loss="mse")
    return network


def _keras() -> Any:
    """Keras on JAX. Its backend is chosen by the environment, at the first import."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras  # type: ignore[import-untyped]  # noqa: PLC0415 - the one place

    return keras
