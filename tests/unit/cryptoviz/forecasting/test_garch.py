import numpy as np

from cryptoviz.forecasting.garch import Garch, filter_variance, fit_garch, variance_ahead

ONE = Garch(alpha=np.array([0.1]), beta=np.array([0.85]), level=np.array([4e-5]))


def simulated(hours, garch, seed=1):
    random, variance, returns = np.random.default_rng(seed), garch.level.copy(), []
    for _ in range(hours):
        returns.append(random.normal(0, np.sqrt(variance)))
        variance = garch.level * (1 - garch.alpha - garch.beta) + garch.alpha * returns[-1] ** 2 + garch.beta * variance
    return np.array(returns)


def test_parameters_of_a_simulated_series_are_found_near_the_truth():
    found = fit_garch(simulated(20_000, ONE))
    assert 0.05 <= found.alpha[0] <= 0.15
    assert 0.9 <= (found.alpha + found.beta)[0] <= 0.98
    np.testing.assert_allclose(found.level, ONE.level, rtol=0.15)


def test_the_variance_ahead_is_the_sum_of_its_steps():
    following, total = np.array([9e-5]), 0.0
    step = following
    for _ in range(24):
        total += step
        step = ONE.level + 0.95 * (step - ONE.level)
    np.testing.assert_allclose(variance_ahead(following, ONE, (1, 24))[0], [9e-5, total[0]])


def test_hours_without_a_return_leave_the_variance_as_it_is():
    returns = np.array([[0.02], [np.nan], [np.nan]])
    path = filter_variance(returns, ONE)
    assert path[0, 0] == path[2, 0] != ONE.level[0]


def test_a_market_without_returns_has_no_variance():
    returns = np.full((50, 2), np.nan)
    returns[:, 1] = 0.01
    garch = fit_garch(returns)
    path = filter_variance(returns, garch)
    assert np.isnan(path[:, 0]).all()
    assert np.isfinite(path[:, 1]).all()
