import numpy as np
import pytest

from cryptoviz.forecasting.calibration import GAUSSIAN, calibrate, interval_quantiles, track, trailing_level
from cryptoviz.forecasting.scoring import COVERAGES, QUANTILES

DAYS = 900
EIGHTY, NINETY_FIVE = COVERAGES.index(0.8), COVERAGES.index(0.95)


def share_inside(scores, widths, place, first_day=200):
    in_force = np.repeat(widths[:-1, :, :, place], 24, axis=0)
    return np.nanmean((scores <= in_force)[first_day * 24 :])


@pytest.mark.parametrize("tail", [1e9, 3])
def test_coverage_is_as_promised_whatever_the_tails(tail):
    scores = np.abs(np.random.default_rng(2).standard_t(tail, (DAYS * 24, 2, 1)))
    widths = track(scores, (1,))
    assert abs(share_inside(scores, widths, EIGHTY) - 0.8) < 0.005
    assert abs(share_inside(scores, widths, NINETY_FIVE) - 0.95) < 0.005


def test_coverage_comes_back_when_the_scale_is_wrong_by_a_half():
    scores = np.abs(np.random.default_rng(3).normal(0, 1, (DAYS * 24, 1, 1)))
    scores[400 * 24 :] *= 1.5
    widths = track(scores, (1,))
    assert abs(share_inside(scores, widths, EIGHTY, first_day=450) - 0.8) < 0.01


def test_feedback_that_comes_a_day_late_still_gives_coverage():
    random = np.random.default_rng(4)
    hourly = random.normal(0, 1, DAYS * 24 + 24)
    scores = np.abs(np.lib.stride_tricks.sliding_window_view(hourly, 24).sum(axis=1))[1:, None, None] / 24**0.5
    widths = track(scores, (24,))
    assert abs(share_inside(scores, widths, EIGHTY) - 0.8) < 0.02


def test_widths_of_a_day_do_not_know_scores_that_mature_in_it_or_later():
    scores = np.abs(np.random.default_rng(5).normal(0, 1, (200 * 24, 1, 2)))
    other = scores.copy()
    other[150 * 24 - 1 :, :, 0] = 99
    other[150 * 24 - 24 :, :, 1] = 99
    np.testing.assert_array_equal(track(scores, (1, 24))[:151], track(other, (1, 24))[:151])
    assert (track(other, (1, 24))[151] > track(scores, (1, 24))[151]).all()


def test_a_score_is_held_against_the_width_that_was_in_force_at_its_issue():
    scores = np.ones((92 * 24, 1, 1))
    scores[90 * 24 : 91 * 24] = 2.0
    before, after = track(scores, (1,))[90:92, 0, 0, 1]
    scores[91 * 24 :] = (before + after) / 2  # outside the width of the day before, inside the one of their day
    assert track(scores, (1,))[92, 0, 0, 1] < after


def test_scores_that_are_absent_move_nothing():
    scores = np.abs(np.random.default_rng(6).normal(0, 1, (120 * 24, 1, 1)))
    scores[100 * 24 :] = np.nan
    widths = track(scores, (1,))
    np.testing.assert_array_equal(widths[102], widths[-1])


def test_without_any_score_widths_are_gaussian_and_the_level_is_one():
    nothing = np.full((48, 2, 3), np.nan)
    found = calibrate(nothing, nothing, (1, 6, 24))
    np.testing.assert_array_equal(found.widths[1, 2], GAUSSIAN)
    assert (found.level == 1).all()
    assert not found.scores.any()


def test_a_market_with_few_scores_borrows_from_all():
    scores = np.abs(np.random.default_rng(7).normal(0, 2, (100 * 24, 2, 1)))
    scores[: 99 * 24, 1] = np.nan
    found = calibrate(scores, scores**2, (1,))
    np.testing.assert_allclose(found.widths[1, 0, EIGHTY], 2 * GAUSSIAN[EIGHTY], rtol=0.1)
    np.testing.assert_allclose(found.level[1], found.level[0], rtol=0.1)


def test_the_level_is_the_mean_of_what_had_matured_in_a_year():
    ratios = np.ones((500 * 24, 1, 1))
    ratios[: 100 * 24] = 3
    level = trailing_level(ratios, (24,))
    assert np.isnan(level[23, 0, 0])
    assert level[50 * 24, 0, 0] == 3
    assert level[-1, 0, 0] == 1


def test_quantiles_are_the_ends_of_the_intervals():
    quantiles = interval_quantiles(np.array([1.0, 2.0, 3.0, 4.0]))
    assert dict(zip(QUANTILES, quantiles.tolist(), strict=True)) == {
        0.025: -4, 0.05: -3, 0.1: -2, 0.25: -1, 0.5: 0, 0.75: 1, 0.9: 2, 0.95: 3, 0.975: 4,
    }  # fmt: skip
