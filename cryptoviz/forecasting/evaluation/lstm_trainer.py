"""The LSTM of a walk: trained anew at each fit, with the number of the fit as its seed."""

from collections.abc import Callable
from dataclasses import dataclass

from cryptoviz.forecasting.features import Features
from cryptoviz.forecasting.lstm import Weights
from cryptoviz.forecasting.lstm_training import TrainingPlan, train_on_history
from cryptoviz.forecasting.panel import FloatArray


@dataclass(frozen=True, slots=True)
class QuarterlyTrainer:
    """A trainer that tells what it does."""

    say: Callable[[str], None]

    def __call__(self, features: Features, returns: FloatArray, rows: range, number: int) -> Weights:
        """Weights from origins in ``rows``."""
        network = train_on_history(features, returns, rows=rows, plan=TrainingPlan(seed=number))
        best = min(network.validation_losses)
        self.say(f"lstm {number + 1}: {network.examples} windows, {len(network.losses)} epochs, loss {best:.4f}")
        return network.weights
