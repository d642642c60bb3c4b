"""Exact against brute force: one grouping factor, both scales on a fine grid, beta integrated out by hand.

Nothing here comes from the package: the covariance of y is written out as an n x n matrix, its likelihood
is that of a multivariate normal, and the two scales are summed over. In log sd and log sigma the integrand
is smooth and dies off on every side, so plain sums converge faster than any power of the spacing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import gammaln, ndtr

import probflow_nb as pf

LOG_2PI = np.log(2 * np.pi)
Density = Callable[[np.ndarray], np.ndarray]


def log_half_normal(scale: float) -> Density:
    return lambda x: np.log(2 / scale) - 0.5 * (x / scale) ** 2 - 0.5 * LOG_2PI


def log_half_student_t(df: float, scale: float) -> Density:
    constant = np.log(2 / scale) + gammaln((df + 1) / 2) - gammaln(df / 2) - 0.5 * np.log(df * np.pi)
    return lambda x: constant - (df + 1) / 2 * np.log1p((x / scale) ** 2 / df)


@dataclass(frozen=True, eq=False)
class Integral:
    """A posterior on a grid: probabilities (A, B) of (sd, sigma), and beta | sd, sigma ~ Normal(m, v)."""

    tau: np.ndarray
    sigma: np.ndarray
    mass: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    log_evidence: float

    def beta(self) -> dict[str, float]:
        first = np.sum(self.mass * self.mean)
        second = np.sum(self.mass * (self.variance + (self.mean - first) ** 2))
        sd = np.sqrt(second)

        def quantile(p: float) -> float:
            scaled = np.sqrt(self.variance)
            return brentq(
                lambda x: np.sum(self.mass * ndtr((x - self.mean) / scaled)) - p,
                first - 60 * sd,
                first + 60 * sd,
            )

        return {"mean": first, "sd": sd, "q2.5": quantile(0.025), "q97.5": quantile(0.975)}

    def scale(self, axis: int) -> dict[str, float]:
        x = np.log(self.tau if axis == 0 else self.sigma)
        mass = self.mass.sum(axis=1 - axis)
        first = np.sum(mass * np.exp(x))
        sd = np.sqrt(np.sum(mass * (np.exp(x) - first) ** 2))
        distribution = CubicSpline(x, mass / (x[1] - x[0])).antiderivative()

        def quantile(p: float) -> float:
            return float(np.exp(brentq(lambda at: distribution(at) - p * distribution(x[-1]), x[0], x[-1])))

        return {"mean": first, "sd": sd, "q2.5": quantile(0.025), "q97.5": quantile(0.975)}


def log_likelihood_parts(
    y: np.ndarray, group: np.ndarray, tau: np.ndarray, sigma: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Return log det V, 1'V^-1 1, 1'V^-1 y and y'V^-1 y of dense V = sigma^2 I + tau^2 ZZ', each (A, B)."""
    same = (group[:, None] == group[None, :]).astype(float)
    right = np.stack([np.ones_like(y), y], axis=1)
    out = np.empty((4, len(tau), len(sigma)))
    for a, t in enumerate(tau):
        V = sigma[:, None, None] ** 2 * np.eye(len(y)) + t**2 * same
        out[0, a] = np.linalg.slogdet(V)[1]
        gram = right.T @ np.linalg.solve(V, np.broadcast_to(right, (len(sigma), *right.shape)))
        out[1:, a] = gram[:, 0, 0], gram[:, 0, 1], gram[:, 1, 1]
    return tuple(out)


def integrate(
    y: np.ndarray,
    group: np.ndarray,
    beta_prior: tuple[float, float],
    tau_prior: Density,
    sigma_prior: Density,
    spacing: float = 0.06,
) -> Integral:
    """Integrate the posterior of a one-way model over log sd and log sigma."""
    m0, s0 = beta_prior
    spread = np.log(np.std(y))
    tau = np.exp(np.arange(spread - 14, spread + 6, spacing))
    sigma = np.exp(np.arange(spread - 1.8, spread + 1.8, spacing / 3))
    log_det, a, b, c = log_likelihood_parts(y - m0, group, tau, sigma)
    # With d = y - m0 and beta - m0 ~ Normal(0, s0^2): precision a + 1/s0^2; Sylvester for the determinant.
    precision = a + 1 / s0**2
    log_marginal = -0.5 * (len(y) * LOG_2PI + log_det + np.log(s0**2 * precision) + c - b**2 / precision)
    log_joint = log_marginal + (tau_prior(tau) + np.log(tau))[:, None] + sigma_prior(sigma) + np.log(sigma)
    top = log_joint.max()
    mass = np.exp(log_joint - top)
    assert max(mass[0].max(), mass[-1].max(), mass[:, 0].max(), mass[:, -1].max()) < 1e-5
    cell = spacing**2 / 3
    evidence = top + np.log(mass.sum() * cell)
    return Integral(tau, sigma, mass / mass.sum(), m0 + b / precision, 1 / precision, float(evidence))


CASES = {
    "Dyestuff": (
        """
        Yield ~ 1 + (1 | Batch)
        Intercept ~ Normal(1500, 200)
        sd(Batch) ~ HalfNormal(100)
        sigma ~ HalfStudentT(3, 0, 50)
        """,
        (1500.0, 200.0),
        log_half_normal(100.0),
        log_half_student_t(3.0, 50.0),
    ),
    "Dyestuff2": (
        """
        Yield ~ 1 + (1 | Batch)
        Intercept ~ Normal(5, 5)
        sd(Batch) ~ HalfStudentT(3, 0, 4)
        sigma ~ HalfNormal(5)
        """,
        (5.0, 5.0),
        log_half_student_t(3.0, 4.0),
        log_half_normal(5.0),
    ),
}
ROWS = ("Intercept", "sd(Intercept | Batch)", "sigma")


def rows(name: str) -> tuple[np.ndarray, np.ndarray]:
    frame = getattr(pf.datasets, name)()
    return frame["Yield"].to_numpy(float), frame["Batch"].astype(str).to_numpy()


def test_the_likelihood_is_the_published_one() -> None:
    # The ML deviance of Dyestuff at theta = tau / sigma = 0.713, beta and sigma profiled out (Bates et al.).
    y, group = rows("Dyestuff")
    log_det, a, b, c = (float(part[0, 0]) for part in log_likelihood_parts(y, group, np.array([0.713]), np.ones(1)))
    n = len(y)
    deviance = log_det + n * (1 + np.log(2 * np.pi * (c - b**2 / a) / n))
    assert deviance == pytest.approx(327.34216280954615, abs=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_the_grid_is_fine_enough(name: str) -> None:
    _, *priors = CASES[name]
    coarse = integrate(*rows(name), *priors, spacing=0.12)
    fine = integrate(*rows(name), *priors, spacing=0.08)
    assert coarse.log_evidence == pytest.approx(fine.log_evidence, abs=1e-4)
    for axis in (0, 1):
        for figure, value in fine.scale(axis).items():
            assert coarse.scale(axis)[figure] == pytest.approx(value, abs=1e-3 * fine.scale(axis)["sd"])


@dataclass(frozen=True, eq=False)
class Pool:
    """The fits of many seeds: figures of each, (seeds,), and of all their draws together."""

    draws: dict[str, np.ndarray]
    evidence: np.ndarray
    claimed_error: np.ndarray

    def figures(self, row: str) -> dict[str, tuple[float, float]]:
        """Return mean, sd and quantiles of all draws, each with the error that the seeds' spread shows."""
        draws = self.draws[row]
        ways = {
            "mean": lambda x: x.mean(axis=-1),
            "sd": lambda x: x.std(axis=-1),
            "q2.5": lambda x: np.quantile(x, 0.025, axis=-1),
            "q97.5": lambda x: np.quantile(x, 0.975, axis=-1),
        }
        root = np.sqrt(len(draws))
        return {name: (float(way(draws.ravel())), float(way(draws).std() / root)) for name, way in ways.items()}


@pytest.fixture(scope="module", params=list(CASES))
def both(request: pytest.FixtureRequest) -> tuple[Pool, Integral]:
    text, *priors = CASES[request.param]
    data = getattr(pf.datasets, request.param)()
    fits = [pf.lme(text, data, engine=pf.Exact(draws=40_000), seed=seed) for seed in range(20)]
    pool = Pool(
        {row: np.stack([fit.draws[row].ravel() for fit in fits]) for row in ROWS},
        np.array([fit.log_evidence.value for fit in fits]),
        np.array([fit.log_evidence.error for fit in fits]),
    )
    return pool, integrate(*rows(request.param), *priors)


@pytest.mark.parametrize("row", ROWS)
def test_the_posterior_is_exact(both: tuple[Pool, Integral], row: str) -> None:
    pool, truth = both
    expected = truth.beta() if row == "Intercept" else truth.scale(int(row == "sigma"))
    for figure, (value, error) in pool.figures(row).items():
        assert error < 0.01 * expected["sd"], figure
        assert value == pytest.approx(expected[figure], abs=0.02 * expected["sd"]), figure


def test_the_evidence_is_exact(both: tuple[Pool, Integral]) -> None:
    pool, truth = both
    assert np.abs(pool.evidence - truth.log_evidence).max() < 0.01
    assert pool.claimed_error.max() < 0.005
    # What a fit says of its own error must agree with the spread over 20 seeds, known to a sixth.
    spread = np.sqrt(np.mean((pool.evidence - truth.log_evidence) ** 2))
    assert 0.5 < np.mean(pool.claimed_error) / spread < 2.0
