"""Power-scaling against conjugate posteriors, the distance against its integral, sensitivities against ArviZ's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from probflow_nb.posterior.power_scaling import SENSITIVE, diagnosis, distance, power_scaled, sensitivity

S, N, MEAN, TAU = 4000, 6, 3.0, 2.0


def posterior(alpha: float = 1.0, beta: float = 1.0) -> tuple[float, float]:
    """Return mean and sd under a Normal(0, 2) prior to the power alpha and six rows of mean 3 to the power beta."""
    precision = beta * N + alpha / TAU**2
    return beta * N * MEAN / precision, 1 / math.sqrt(precision)


@pytest.fixture(scope="module")
def draws() -> np.ndarray:
    rng = np.random.default_rng(12)
    mean, sd = posterior()
    x = mean + sd * rng.standard_normal(S)
    return np.stack([x, rng.standard_normal(S) * 0.7 + 0.3 * x], axis=1)


def log_prior(x: np.ndarray) -> np.ndarray:
    return -0.5 * x**2 / TAU**2


def log_likelihood(x: np.ndarray) -> np.ndarray:
    return -0.5 * N * (x - MEAN) ** 2


@pytest.mark.parametrize("alpha", [0.5, 0.8, 1.25, 2.0, 4.0])
def test_a_scaled_prior_is_the_conjugate_posterior(draws: np.ndarray, alpha: float) -> None:
    scaled = power_scaled(log_prior(draws[:, 0]), alpha)
    mean, sd = posterior(alpha)
    assert scaled.khat < 0.5
    assert scaled.mean(draws)[0] == pytest.approx(mean, abs=4 * sd / math.sqrt(S))
    assert scaled.sd(draws)[0] == pytest.approx(sd, rel=0.04)


@pytest.mark.parametrize("beta", [0.8, 1.25])
def test_a_scaled_likelihood_is_the_conjugate_posterior(draws: np.ndarray, beta: float) -> None:
    scaled = power_scaled(log_likelihood(draws[:, 0]), beta)
    mean, sd = posterior(1.0, beta)
    assert scaled.mean(draws)[0] == pytest.approx(mean, abs=4 * sd / math.sqrt(S))
    assert scaled.sd(draws)[0] == pytest.approx(sd, rel=0.04)


def test_sensitivities_of_arviz(draws: np.ndarray) -> None:
    # ArviZ 0.8 (arviz_stats.psense) on the same draws.
    of_prior, khat = sensitivity(draws, log_prior(draws[:, 0]))
    assert of_prior == pytest.approx([0.046833, 0.007144], rel=2e-4)
    of_likelihood, _ = sensitivity(draws, log_likelihood(draws[:, 0]))
    assert of_likelihood == pytest.approx([0.104338, 0.007022], rel=2e-4)
    assert khat < 0.5


def test_the_distance_is_its_integral() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=60_000)
    weights = np.exp(0.8 * x - 0.32)
    found = distance(x, weights / weights.sum())

    def one_sided(sign: float) -> float:
        # Weighed so, Normal(0, 1) is Normal(0.8, 1); over the draws' own range.
        span = np.sort(sign * x)[[0, -1]]
        P, Q = (lambda t: stats.norm.cdf(t)), (lambda t: stats.norm.cdf(t, 0.8 * sign))

        def term(t: float) -> float:
            p, q = P(t), Q(t)
            return p * math.log2(2 * p / (p + q)) + q * math.log2(2 * q / (p + q))

        total = integrate.quad(term, *span, limit=200)[0]
        return math.sqrt(total / integrate.quad(lambda t: P(t) + Q(t), *span, limit=200)[0])

    assert found == pytest.approx(max(one_sided(1.0), one_sided(-1.0)), rel=0.02)


def test_the_same_draws_are_no_distance_apart(draws: np.ndarray) -> None:
    even = np.full(S, 1 / S)
    assert distance(draws[:, 0], even) == pytest.approx(0.0, abs=1e-6)
    assert distance(np.full(S, 3.0), even) == 0.0


def test_a_flat_prior_has_no_power(draws: np.ndarray) -> None:
    found, khat = sensitivity(draws, np.full(S, -2.5))
    assert found == pytest.approx([0.0, 0.0], abs=1e-6)
    assert khat == -math.inf


@pytest.mark.parametrize(
    ("prior", "likelihood", "words"),
    [
        (0.0, 0.2, "the data decide"),
        (0.01, 0.01, "neither moves it"),
        (0.3, 0.2, "prior and data disagree, or the prior is informative"),
        (SENSITIVE, 0.01, "the prior decides, the data say little"),
    ],
)
def test_diagnosis(prior: float, likelihood: float, words: str) -> None:
    assert diagnosis(prior, likelihood) == words
