"""Weights as safetensors: plain arrays by name, the same bytes for the same model."""

import hashlib

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from cryptoviz.forecasting.lstm import Weights, WrongWeights, check_weights
from cryptoviz.forecasting.regression import VolatilityModel
from cryptoviz.forecasting.variance import REGRESSORS, WEEK_HOURS

_OWN = "own/"


def encode_volatility(model: VolatilityModel) -> bytes:
    """The coefficients of a volatility model, a market each under ``own/``."""
    arrays = {_OWN + market: np.ascontiguousarray(b) for market, b in sorted(model.own.items())}
    fixed = {"horizons": np.array(model.horizons), "pooled": np.ascontiguousarray(model.pooled)}
    return save(fixed | {"rows": np.array([model.rows])} | arrays)


def decode_volatility(payload: bytes) -> VolatilityModel:
    """The model of such bytes. Raises :class:`WrongWeights` when they hold anything else."""
    arrays = _load(payload)
    if not {"horizons", "pooled", "rows"} <= set(arrays):
        raise WrongWeights(f"a volatility model has horizons, pooled and rows; found {', '.join(sorted(arrays))}")
    shape = (len(REGRESSORS) + WEEK_HOURS, len(arrays["horizons"]))
    coefficients = {name: array for name, array in arrays.items() if name not in ("horizons", "rows")}
    for name, array in coefficients.items():
        if array.shape != shape or not np.isfinite(array).all():
            raise WrongWeights(f"coefficients {name} have the shape {array.shape} or are not all finite, need {shape}")
    return VolatilityModel(
        horizons=tuple(map(int, arrays["horizons"])),
        pooled=coefficients.pop("pooled"),
        own={name.removeprefix(_OWN): array for name, array in coefficients.items()},
        rows=int(arrays["rows"][0]),
    )


def encode_lstm(weights: Weights) -> bytes:
    """The eight arrays of the LSTM. Raises :class:`WrongWeights` when they are not those."""
    check_weights(weights)
    return save({name: np.ascontiguousarray(array) for name, array in weights.items()})


def decode_lstm(payload: bytes) -> Weights:
    """The weights of such bytes. Raises :class:`WrongWeights` when they hold anything else."""
    weights = _load(payload)
    check_weights(weights)
    return weights


def fingerprint(payload: bytes) -> str:
    """SHA-256 of the bytes, in hexadecimal."""
    return hashlib.sha256(payload).hexdigest()


def _load(payload: bytes) -> dict[str, np.ndarray]:
    try:
        return load(payload)
    except SafetensorError as error:
        raise WrongWeights(f"not a safetensors file: {error}") from None
