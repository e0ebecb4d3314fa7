"""The LSTM at prediction: two layers and a dense one as matrix products. It needs no training framework.

Weights are eight arrays in Keras layout, gates in the order input, forget, cell, output. The output is the log return
over each horizon in units of the hourly scale times √h.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from cryptoviz.forecasting.features import FEATURES, HORIZONS, SEQUENCE, Float32Array

UNITS = (50, 25)
"""Cells of the two layers."""
WEIGHTS = (
    "lstm_1/kernel", "lstm_1/recurrent", "lstm_1/bias", "lstm_2/kernel", "lstm_2/recurrent", "lstm_2/bias",
    "dense/kernel", "dense/bias",
)  # fmt: skip
_BATCH = 4096

Weights = Mapping[str, npt.NDArray[np.float32]]


class WrongWeights(ValueError):
    """The arrays are not those of this network, or not all of them are finite."""


def check_weights(weights: Weights) -> None:
    """Raise :class:`WrongWeights` unless these are the arrays of the network, all finite."""
    first, second = UNITS
    shapes = {
        "lstm_1/kernel": (len(FEATURES), 4 * first),
        "lstm_1/recurrent": (first, 4 * first),
        "lstm_1/bias": (4 * first,),
        "lstm_2/kernel": (first, 4 * second),
        "lstm_2/recurrent": (second, 4 * second),
        "lstm_2/bias": (4 * second,),
        "dense/kernel": (second, HORIZONS),
        "dense/bias": (HORIZONS,),
    }
    found = {name: tuple(array.shape) for name, array in weights.items()}
    if found != shapes:
        raise WrongWeights(f"weights have shapes {found}, the network needs {shapes}")
    broken = [name for name, array in weights.items() if not np.isfinite(array).all()]
    if broken:
        raise WrongWeights(f"weights {', '.join(broken)} hold values that are not finite")


def predict_scaled(weights: Weights, windows: Float32Array) -> Float32Array:
    """Scaled returns, shape (n, 24), of windows of shape (n, 12, 8); NaN where a window holds one."""
    if windows.shape[1:] != (SEQUENCE, len(FEATURES)):
        raise ValueError(f"windows have the shape {windows.shape}, the network reads (n, {SEQUENCE}, {len(FEATURES)})")
    arrays = [weights[name] for name in WEIGHTS]
    parts = [_forward(arrays, windows[at : at + _BATCH]) for at in range(0, len(windows), _BATCH)]
    return np.concatenate(parts) if parts else np.empty((0, HORIZONS), np.float32)


def _forward(arrays: list[Float32Array], windows: Float32Array) -> Float32Array:
    steps = np.ascontiguousarray(windows.transpose(1, 0, 2))
    hidden = _layer(_layer(steps, *arrays[:3]), *arrays[3:6])
    scaled: Float32Array = hidden[-1] @ arrays[6] + arrays[7]
    return scaled


def _layer(steps: Float32Array, kernel: Float32Array, recurrent: Float32Array, bias: Float32Array) -> Float32Array:
    units = recurrent.shape[0]
    state = np.zeros((steps.shape[1], units), np.float32)
    cell, outputs = np.zeros_like(state), np.empty((*steps.shape[:2], units), np.float32)
    for step, inputs in enumerate(steps @ kernel + bias):
        gates = inputs + state @ recurrent
        into, forget, out = (_sigmoid(gates[:, i * units : (i + 1) * units]) for i in (0, 1, 3))
        cell = forget * cell + into * np.tanh(gates[:, 2 * units : 3 * units])
        state = out * np.tanh(cell)
        outputs[step] = state
    return outputs


def _sigmoid(values: Float32Array) -> Float32Array:
    gate: Float32Array = np.float32(0.5) * (np.tanh(np.float32(0.5) * values) + np.float32(1))
    return gate
