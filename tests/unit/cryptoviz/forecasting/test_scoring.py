import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.forecasting.scoring import crps, is_inside, level_weights, pinball, qlike, skill, t_statistic

POSITIVE = st.floats(1e-6, 1e3)


@given(POSITIVE, POSITIVE)
def test_qlike_is_never_negative_and_zero_for_the_truth(realised, forecast):
    assert qlike(np.array([realised]), np.array([forecast]))[0] >= -1e-12
    assert abs(qlike(np.array([realised]), np.array([realised]))[0]) < 1e-12


def test_the_pinball_loss_is_least_at_the_quantile():
    truth = np.random.default_rng(1).normal(0, 1, 50_000)
    losses = {q: pinball(truth, np.array(q), 0.9).mean() for q in (1.0, 1.28, 1.6)}
    assert min(losses, key=losses.get) == 1.28


def test_crps_of_a_normal_forecast_is_near_its_closed_form():
    widths = np.array([-1.95996, -1.64485, -1.28155, -0.67449, 0, 0.67449, 1.28155, 1.64485, 1.95996])
    truth = np.random.default_rng(2).normal(0, 1, 100_000)
    found = crps(truth, np.broadcast_to(widths, (len(truth), 9))).mean()
    assert abs(found - 1 / math.sqrt(math.pi)) < 0.02
    assert abs(level_weights().sum() - 1) < 1e-12


def test_what_is_unknown_is_neither_inside_nor_outside():
    found = is_inside(np.array([1.0, 3.0, np.nan]), np.zeros(3), np.full(3, 2.0))
    assert found[:2].tolist() == [1, 0]
    assert np.isnan(found[2])


def test_skill_is_the_share_of_the_loss_saved():
    assert skill(75, 100) == 0.25
    assert skill(110, 100) == pytest.approx(-0.1)
    assert math.isnan(skill(1, 0))


def test_the_t_statistic_of_noise_is_small_and_of_a_gain_is_large():
    noise = np.random.default_rng(3).normal(0, 1, 5000)
    assert abs(t_statistic(noise, 5)) < 3
    assert t_statistic(noise + 0.2, 5) > 8


def test_overlapping_gains_do_not_count_as_independent():
    noise = np.random.default_rng(4).normal(0, 1, 5000)
    overlapping = np.convolve(noise + 0.05, np.ones(24) / 24, mode="valid")
    assert t_statistic(overlapping, 48) < t_statistic(overlapping, 0) / 2


@pytest.mark.parametrize("gains", [np.zeros(50), np.ones(5), np.full(50, np.nan)])
def test_without_variation_or_values_there_is_no_t_statistic(gains):
    assert math.isnan(t_statistic(gains, 3))
