"""Importance weights: Pareto smoothing against ArviZ, weighted figures against known truths."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from probflow_nb.posterior import diagnostics, pareto

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    az = pytest.importorskip("arviz")


@pytest.mark.parametrize("size", [21, 25, 100, 1000, 4000])
@pytest.mark.parametrize("shape", [0.1, 0.5, 0.9, 1.5])
def test_smoothing_agrees_with_arviz(size: int, shape: float) -> None:
    logs = np.log(np.random.default_rng(size).pareto(1 / shape, size))
    smooth, khat = pareto.pareto_smooth(logs + 1234.5)
    expected, expected_khat = az.psislw(logs.copy())
    assert khat == pytest.approx(float(expected_khat), rel=1e-9)
    np.testing.assert_allclose(smooth, expected, atol=1e-9)
    assert np.exp(smooth).sum() == pytest.approx(1.0)


@pytest.mark.parametrize(("shape", "tolerance"), [(-0.4, 0.05), (0.0, 0.05), (0.3, 0.06), (0.8, 0.08)])
def test_the_fit_finds_the_shape_of_a_pareto_tail(shape: float, tolerance: float) -> None:
    uniform = np.random.default_rng(3).uniform(size=4000)
    draws = np.sort(2.0 * (-np.log(uniform) if shape == 0 else np.expm1(-shape * np.log(uniform)) / shape))
    k, sigma = pareto.fit_generalized_pareto(draws)
    assert k == pytest.approx(shape, abs=tolerance)
    assert sigma == pytest.approx(2.0, rel=0.08)


def test_khat_orders_proposals_by_their_width() -> None:
    # For a normal target of sd 1 and a normal proposal of sd s < 1 the tail's shape is 1 - s^2, to which a
    # finite sample comes slowly from below; for s > 1 the weights are bounded.
    rng = np.random.default_rng(5)
    found = []
    for s in (1.2, 0.9, 0.6, 0.4):
        x = s * rng.standard_normal(10_000)
        found.append(pareto.khat_of(-(x**2) / 2 + x**2 / (2 * s**2)))
    assert found == sorted(found)
    assert found[0] < 0.0
    assert 0.5 < found[-1] < 0.84


CASES = {
    "all equal": (np.zeros(1000), -np.inf),
    "all equal to rounding": (1e-14 * np.random.default_rng(0).standard_normal(1000), -np.inf),
    "few and equal": (np.zeros(10), -np.inf),
    "ties at the top": (np.r_[np.full(900, -3.0), np.zeros(100)], -np.inf),
    "few draws": (np.random.default_rng(0).standard_normal(20), np.inf),
    "one draw": (np.zeros(1), np.inf),
    "no draw": (np.zeros(0), np.inf),
    "one finite": (np.r_[0.0, np.full(999, -np.inf)], np.inf),
    "one dominates": (np.r_[0.0, np.full(999, -800.0)], np.inf),
    "none finite": (np.full(100, -np.inf), np.inf),
    "a NaN": (np.r_[np.nan, np.zeros(99)], np.inf),
    "plus infinity": (np.r_[np.inf, np.zeros(99)], np.inf),
}


@pytest.mark.parametrize("name", CASES)
def test_weights_without_a_tail_to_fit(name: str) -> None:
    logs, expected = CASES[name]
    smooth, khat = pareto.pareto_smooth(logs)
    assert khat == expected
    if len(logs) and np.isfinite(logs.max()):
        np.testing.assert_allclose(np.exp(smooth), diagnostics.normalized_weights(logs), rtol=1e-12)
    else:
        assert np.isnan(smooth).all()


@pytest.mark.parametrize("spread", [1e-9, 1.0, 50.0, 300.0, 2000.0])
def test_any_spread_of_weights_gives_weights_that_sum_to_one(spread: float) -> None:
    logs = spread * np.random.default_rng(2).standard_normal(500)
    smooth, khat = pareto.pareto_smooth(logs)
    assert np.exp(smooth).sum() == pytest.approx(1.0)
    assert not np.isnan(khat)
    assert (khat > 0.7) == (spread > 10)


def test_draws_outside_the_support_keep_weight_zero_and_do_not_move_khat() -> None:
    logs = np.random.default_rng(4).standard_normal(1000)
    holed = logs.copy()
    holed[np.argsort(logs)[:300]] = -np.inf
    smooth, khat = pareto.pareto_smooth(holed)
    assert (np.exp(smooth[np.isneginf(holed)]) == 0).all()
    assert khat == pytest.approx(pareto.khat_of(logs), rel=1e-12)


def test_the_given_log_weights_are_left_alone() -> None:
    logs = np.random.default_rng(6).standard_normal(200)
    kept = logs.copy()
    pareto.pareto_smooth(logs)
    np.testing.assert_array_equal(logs, kept)


def test_smoothing_makes_heavy_estimates_better() -> None:
    # The mean of 1 under weights of known expectation 1: smoothing must not lose to raw weights.
    raw, smoothed = [], []
    for seed in range(300):
        x = 0.6 * np.random.default_rng(seed).standard_normal(400)
        logs = -(x**2) / 2 + x**2 / (2 * 0.36) + np.log(0.6)
        raw.append(diagnostics.weighted_mean(x**2, np.exp(logs)) - 1)
        smoothed.append(diagnostics.weighted_mean(x**2, np.exp(pareto.pareto_smooth(logs)[0])) - 1)
    assert np.mean(np.square(smoothed)) < np.mean(np.square(raw)) * 1.02


def test_expectation_khat_sees_a_heavy_quantity() -> None:
    rng = np.random.default_rng(8)
    x = rng.standard_normal(5000)
    table = np.stack([x, rng.standard_cauchy(5000), np.full(5000, 2.0)], axis=1)
    light, heavy, constant = pareto.expectation_khat(table, np.zeros(5000))
    assert light < 0.3
    assert heavy == pytest.approx(1.0, abs=0.15)
    assert constant == -np.inf
    weights_own = pareto.khat_of(np.log(rng.pareto(1.0, 5000)))
    assert weights_own > 0.7


def test_expectation_khat_is_at_least_that_of_the_weights() -> None:
    rng = np.random.default_rng(9)
    logs = np.log(rng.pareto(1.25, 3000))
    answer = pareto.expectation_khat(rng.standard_normal((3000, 2, 2)), logs)
    assert answer.shape == (2, 2)
    assert (answer >= pareto.khat_of(logs)).all()


def test_importance_ess_by_hand() -> None:
    assert diagnostics.importance_ess(np.full(50, -7.0)) == pytest.approx(50)
    assert diagnostics.importance_ess(np.log([0.5, 0.5, 1e-300])) == pytest.approx(2)
    assert diagnostics.importance_ess(np.r_[0.0, np.full(9, -np.inf)]) == pytest.approx(1)
    assert np.isnan(diagnostics.importance_ess(np.array([0.0, np.nan])))


def test_equal_weights_give_plain_figures() -> None:
    x = np.random.default_rng(10).standard_normal((999, 3))
    w = np.full(999, 0.2)
    np.testing.assert_allclose(diagnostics.weighted_mean(x, w), x.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(diagnostics.weighted_sd(x, w), x.std(axis=0))
    np.testing.assert_allclose(diagnostics.weighted_ess(x, w), 999)
    np.testing.assert_allclose(diagnostics.weighted_tail_ess(x, w), 999)
    np.testing.assert_allclose(diagnostics.weighted_mcse(x, w), x.std(axis=0) / np.sqrt(999))
    probabilities = np.array([0.025, 0.5, 0.975])
    np.testing.assert_allclose(
        diagnostics.weighted_quantile(x, w, probabilities),
        np.quantile(x, probabilities, axis=0, method="hazen"),
    )


def test_a_weight_of_two_is_two_draws() -> None:
    x = np.random.default_rng(11).standard_normal(400)
    w = np.random.default_rng(12).integers(0, 4, 400)
    repeated = np.repeat(x, w)
    assert diagnostics.weighted_mean(x, w) == pytest.approx(repeated.mean())
    assert diagnostics.weighted_sd(x, w) == pytest.approx(repeated.std())
    for p in (0.1, 0.5, 0.9):
        near = np.quantile(repeated, [p - 0.01, p + 0.01])
        assert near[0] <= diagnostics.weighted_quantile(x, w, p) <= near[1]


def test_weighted_mcse_covers_the_error_of_the_mean() -> None:
    errors, claims, counts = [], [], []
    for seed in range(400):
        x = 1.5 * np.random.default_rng(seed).standard_t(5, 500)
        logs = -(x**2) / 2 + 3 * np.log1p((x / 1.5) ** 2 / 5)
        w = np.exp(logs)
        errors.append(float(diagnostics.weighted_mean(x, w)))
        claims.append(float(diagnostics.weighted_mcse(x, w)))
        counts.append(float(diagnostics.weighted_ess(x, w)))
    assert np.mean(claims) == pytest.approx(np.std(errors), rel=0.1)
    # The target's sd is 1, so the mean of N_eff draws errs by 1 / sqrt(N_eff).
    assert 1 / np.sqrt(np.mean(counts)) == pytest.approx(np.std(errors), rel=0.1)


def test_weighted_tail_ess_is_the_smaller_tail() -> None:
    rng = np.random.default_rng(13)
    x = rng.normal(0.7, 1.0, 4000)
    w = np.exp(-(x**2) / 2 + (x - 0.7) ** 2 / 2)
    low, high = diagnostics.weighted_quantile(x, w, np.array([0.05, 0.95]))
    parts = [float(diagnostics.weighted_ess(x <= q, w)) for q in (low, high)]
    assert diagnostics.weighted_tail_ess(x, w) == pytest.approx(min(parts))
    # Draws come from the right of the target: its left tail is the one less visited.
    assert parts[0] < parts[1]


def test_weighted_ess_of_a_constant_is_the_number_of_draws() -> None:
    w = np.random.default_rng(14).uniform(size=300)
    assert diagnostics.weighted_ess(np.full(300, 0.1), w) == 300
    assert diagnostics.weighted_ess(np.zeros(300), w) == 300


def test_weighted_quantile_skips_draws_of_no_weight_and_keeps_nan_apart() -> None:
    x = np.array([[1.0, 1.0], [np.nan, 2.0], [3.0, np.nan]])
    answer = diagnostics.weighted_quantile(x, np.array([1.0, 0.0, 1.0]), 0.5)
    assert answer[0] == 2.0
    assert np.isnan(answer[1])
