"""Stacking weights against a grid over the simplex, another optimiser, and the conditions of the optimum."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.optimize import minimize

from probflow_nb.posterior.loo import difference
from probflow_nb.posterior.stacking import stacking_weights


def score(elpd: np.ndarray, weights: np.ndarray) -> float:
    return float(np.logaddexp.reduce(elpd + np.log(np.maximum(weights, 1e-300)), axis=1).mean())


@pytest.mark.parametrize("spread", [0.02, 0.3, 1.0, 4.0])
def test_no_point_of_a_fine_grid_predicts_better(spread: float) -> None:
    rng = np.random.default_rng(5)
    elpd = rng.normal(-2.0, spread, (60, 3)) + rng.normal(0, 0.1, 3)
    found = stacking_weights(elpd)
    grid = [np.array([i, j, 100 - i - j]) / 100 for i, j in product(range(101), repeat=2) if i + j <= 100]
    scores = [score(elpd, w) for w in grid]
    assert score(elpd, found) >= max(scores)
    assert np.abs(found - grid[int(np.argmax(scores))]).max() < 0.02
    assert found.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(("n", "K", "spread"), [(20, 10, 0.1), (300, 6, 1.0), (2000, 4, 30.0)])
def test_another_optimiser_finds_the_same_weights(n: int, K: int, spread: float) -> None:
    elpd = np.random.default_rng(n).normal(-1.0, spread, (n, K))
    found = stacking_weights(elpd)
    density = np.exp(elpd - elpd.max(axis=1, keepdims=True))
    other = minimize(
        lambda w: -np.log(density @ w).mean(),
        np.full(K, 1.0 / K),
        bounds=[(0, 1)] * K,
        constraints=[{"type": "eq", "fun": lambda w: w.sum() - 1.0}],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    np.testing.assert_allclose(found, other.x, atol=1e-5)
    # A model in use gains as much as the mixture loses, one out of use less (Karush, Kuhn and Tucker).
    gain = (density / (density @ found)[:, None]).mean(axis=0)
    assert gain.max() < 1.0 + 1e-8
    np.testing.assert_allclose(gain[found > 1e-6], 1.0, atol=1e-6)


def test_models_that_predict_alike_share_their_weight() -> None:
    elpd = np.random.default_rng(2).normal(size=(40, 1))
    np.testing.assert_allclose(stacking_weights(np.hstack([elpd, elpd, elpd - 0.3])), [0.5, 0.5, 0.0], atol=1e-6)


def test_rows_that_some_or_all_models_forbid() -> None:
    inf = np.inf
    np.testing.assert_allclose(stacking_weights(np.array([[0.0, -inf], [-inf, 0.0], [-inf, -inf]])), [0.5, 0.5])
    np.testing.assert_allclose(stacking_weights(np.array([[0.0, -inf], [-1.0, 0.0], [-1.0, 0.0]])).sum(), 1.0)
    for bad in (np.nan, inf):
        assert np.isnan(stacking_weights(np.array([[0.0, bad], [1.0, 0.0]]))).all()


def test_the_error_of_a_difference_is_of_the_differences() -> None:
    rng = np.random.default_rng(1)
    hard = rng.normal(0.0, 10.0, 50)
    a, b = hard + rng.normal(size=50), hard + rng.normal(size=50)
    total, error = difference(a, b)
    assert total == pytest.approx((a - b).sum())
    assert error == pytest.approx(np.sqrt(50) * (a - b).std(ddof=1))
    assert np.isnan(difference(a[:1], b[:1])[1])
    assert difference(np.array([0.0, -np.inf]), np.zeros(2))[0] == -np.inf
