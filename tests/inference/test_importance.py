"""Adaptive importance sampling on densities whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from probflow_nb.inference import importance
from probflow_nb.inference.importance import Proposal
from probflow_nb.model.marginal import Evaluation


def evaluated(log_density: np.ndarray) -> Evaluation:
    S = len(log_density)
    return Evaluation(log_density, np.zeros((S, 0)), np.zeros((S, 0, 0)))


def sampled(log_target, proposal: Proposal, rounds: int, size: int, seed: int = 0) -> importance.Cloud:
    cloud = None
    for i in range(rounds):
        x = proposal.sample(np.random.default_rng([seed, i]), size)
        points = evaluated(log_target(x))
        first = cloud is None
        cloud = importance.begin(proposal, x, points) if first else importance.extend(cloud, proposal, x, points)
        proposal = importance.refit(cloud)
    return cloud


def test_the_proposal_density_is_that_of_its_draws() -> None:
    proposal = Proposal(np.array([1.0]), np.array([[0.5]]))
    grid = np.linspace(-400, 400, 2_000_001)[:, None]
    density = np.exp(proposal.log_density(grid))
    assert np.trapezoid(density, grid[:, 0]) == pytest.approx(1.0, abs=1e-4)
    x = proposal.sample(np.random.default_rng(1), 200_000)[:, 0]
    for q in (0.0, 0.5, 1.5, 3.0):
        below = np.trapezoid(density[grid[:, 0] <= q], grid[grid[:, 0] <= q, 0])
        assert np.mean(x <= q) == pytest.approx(below, abs=0.005)


def test_adapts_to_a_skewed_target_from_a_poor_start() -> None:
    # log of a Gamma(3) variable beside a normal: long left tail.
    def log_target(x):
        return stats.gamma(3).logpdf(np.exp(x[:, 0])) + x[:, 0] + stats.norm(5, 0.2).logpdf(x[:, 1])

    cloud = sampled(log_target, Proposal(np.array([2.0, 4.0]), np.eye(2)), 5, 3000)
    smooth, khat, ess = cloud.quality()
    weights = np.exp(smooth)
    assert khat < 0.5
    assert ess > 0.5 * len(weights)
    h = np.exp(cloud.x[:, 0])
    assert weights @ h == pytest.approx(3.0, abs=4 * math.sqrt(3 / ess))
    assert weights @ (h - 3) ** 2 == pytest.approx(3.0, rel=0.15)
    value, error = importance.log_evidence(cloud)
    assert abs(value) < 4 * error < 0.1


def test_refinement_heals_a_second_mode() -> None:
    def log_target(x):
        return np.logaddexp(
            math.log(0.7) + stats.norm(0, 1).logpdf(x[:, 0]), math.log(0.3) + stats.norm(9, 0.5).logpdf(x[:, 0])
        )

    cloud = sampled(log_target, Proposal(np.zeros(1), np.eye(1)), 1, 2000)
    for i in range(8):
        proposal = importance.refine(cloud)
        x = proposal.sample(np.random.default_rng([7, i]), 500)
        cloud = importance.extend(cloud, proposal, x, evaluated(log_target(x)))
    weights = np.exp(cloud.quality()[0])
    assert weights @ (cloud.x[:, 0] > 5) == pytest.approx(0.3, abs=0.03)


def test_resampling_copies_in_proportion_to_the_weights() -> None:
    weights = np.array([0.5, 0.25, 0.125, 0.125])
    picked = importance.resample(np.log(weights), 800, np.random.default_rng(0))
    counts = np.bincount(picked, minlength=4)
    assert np.abs(counts - 800 * weights).max() <= 1
