import numpy as np
import pytest

from cryptoviz.forecasting.champions import RULES, choose_champion

DAYS = 250


def losses(gain, days=DAYS, seed=1):
    """Daily losses of the default and of a challenger that is better by ``gain`` on average."""
    random = np.random.default_rng(seed)
    base = random.lognormal(0, 0.5, days)
    return base, base * (1 - gain) * np.exp(random.normal(0, 0.1, days))


def test_a_challenger_that_is_better_for_long_takes_over():
    base, better = losses(0.1)
    decision = choose_champion({"last_price": base, "lstm": better}, RULES["price"])
    assert (decision.champion, decision.challenger) == ("lstm", "lstm")
    assert decision.t > 3


@pytest.mark.parametrize(("gain", "days"), [(0.0, DAYS), (0.1, 60), (-0.1, DAYS)])
def test_without_evidence_the_simplest_stays(gain, days):
    base, other = losses(gain, days)
    decision = choose_champion({"last_price": base, "lstm": other}, RULES["price"])
    assert decision.champion == "last_price"
    assert "has not shown" in decision.reason


def test_the_strongest_of_several_is_named():
    base, good = losses(0.1)
    decision = choose_champion({"ewma": base, "garch": base * 1.01, "vol_harx": good}, RULES["variance"])
    assert (decision.champion, decision.days) == ("vol_harx", DAYS)


@pytest.mark.parametrize("given", [{}, {"lstm": np.ones(30)}, {"last_price": np.ones(3), "lstm": np.ones(3)}])
def test_with_nothing_to_compare_the_default_stays(given):
    decision = choose_champion(given, RULES["price"])
    assert (decision.champion, decision.challenger) == ("last_price", None)
