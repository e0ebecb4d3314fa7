import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cryptoviz.forecasting.features import FEATURES, SEQUENCE, build_features
from cryptoviz.forecasting.lstm import WEIGHTS, WrongWeights, check_weights, predict_scaled
from cryptoviz.forecasting.lstm_training import (
    Examples,
    LossNotFinite,
    TooFewExamples,
    TrainingPlan,
    gather_examples,
    train,
    train_on_history,
)
from cryptoviz.forecasting.model_file import decode_lstm, encode_lstm
from cryptoviz.forecasting.panel import log_returns

CHECKOUT = Path(__file__).parents[4]
# Keras reads its own variables by a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
QUICK = TrainingPlan(epochs=2, least_examples=50, examples=1500)


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras")


@pytest.fixture
def history(make_panel):
    panel = make_panel(700)
    return build_features(panel), log_returns(panel)


def some_weights(seed=1):
    random = np.random.default_rng(seed)
    shapes = [(8, 200), (50, 200), (200,), (50, 100), (25, 100), (100,), (25, 24), (24,)]
    return {n: random.normal(0, 0.3, s).astype(np.float32) for n, s in zip(WEIGHTS, shapes, strict=True)}


def test_the_forward_pass_is_that_of_keras(keras):
    weights = some_weights()
    layers = keras.layers
    network = keras.Sequential(
        [
            layers.Input((SEQUENCE, len(FEATURES))),
            layers.LSTM(50, return_sequences=True),
            layers.Dropout(0.2),
            layers.LSTM(25),
            layers.Dropout(0.2),
            layers.Dense(24),
        ]
    )
    network.set_weights(list(weights.values()))
    windows = np.random.default_rng(2).normal(0, 2, (500, SEQUENCE, len(FEATURES))).astype(np.float32)
    np.testing.assert_allclose(predict_scaled(weights, windows), network.predict(windows, verbose=0), atol=1e-5)


@pytest.mark.slow
def test_the_same_seed_and_rows_give_the_same_bytes(keras, history):
    first, second = (train_on_history(*history, rows=range(600), plan=QUICK) for _ in range(2))
    assert encode_lstm(first.weights) == encode_lstm(second.weights)
    assert first.losses == second.losses
    other = train_on_history(*history, rows=range(600), plan=TrainingPlan(epochs=2, least_examples=50, seed=1))
    assert encode_lstm(other.weights) != encode_lstm(first.weights)


@pytest.mark.slow
def test_training_reads_no_target_beyond_its_rows(keras, history):
    features, returns = history
    later = returns.copy()
    later[600 + 24 :] = 9
    weights = [train_on_history(features, r, rows=range(600), plan=QUICK).weights for r in (returns, later)]
    assert encode_lstm(weights[0]) == encode_lstm(weights[1])


@pytest.mark.slow
def test_a_loss_that_is_not_finite_gives_no_weights(keras, history):
    features, returns = history
    examples = gather_examples(features, returns, rows=range(600), most=500, seed=0)
    broken = Examples(windows=examples.windows, targets=np.full_like(examples.targets, np.nan))
    with pytest.raises(LossNotFinite, match="nan"):
        train(broken, examples, QUICK)


def test_too_little_history_is_said_before_anything_is_trained(history):
    with pytest.raises(TooFewExamples, match="training needs 2000"):
        train_on_history(*history, rows=range(100), plan=TrainingPlan())


def test_examples_are_whole_windows_in_order_of_time_and_at_most_so_many(history):
    features, returns = history
    features.values[300] = np.nan
    examples = gather_examples(features, returns, rows=range(700), most=10_000, seed=0)
    assert np.isfinite(examples.windows).all()
    assert np.isfinite(examples.targets).all()
    few = gather_examples(features, returns, rows=range(700), most=100, seed=0)
    assert len(few.windows) == 100
    assert len(examples.windows) > 800


def test_weights_survive_their_file():
    weights = some_weights()
    again = decode_lstm(encode_lstm(weights))
    assert all((again[name] == weights[name]).all() for name in WEIGHTS)


def test_weights_of_another_shape_or_that_are_not_finite_are_refused():
    weights = some_weights()
    with pytest.raises(WrongWeights, match="shapes"):
        check_weights({**weights, "dense/bias": np.zeros(3, np.float32)})
    weights["dense/kernel"][0, 0] = np.inf
    with pytest.raises(WrongWeights, match="dense/kernel"):
        decode_lstm(encode_lstm(weights))


def test_a_window_with_a_hole_has_no_forecast():
    windows = np.zeros((2, SEQUENCE, len(FEATURES)), np.float32)
    windows[1, 3, 2] = np.nan
    found = predict_scaled(some_weights(), windows)
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


def test_windows_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(n, 12, 8\)"):
        predict_scaled(some_weights(), np.zeros((1, 11, 8), np.float32))


def test_issuing_forecasts_imports_no_training_framework():
    code = (
        "import sys, cryptoviz.forecasting.issue, cryptoviz.forecasting.lstm_training;"
        "import cryptoviz_dagster.defs.forecast.definitions;"
        "print(sorted({'keras', 'jax', 'tensorflow', 'torch', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(CHECKOUT)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
