"""Simulation-based calibration: parameters drawn from the prior rank uniformly among their posterior draws.

Talts et al. (2018, arXiv:1804.06788); the simultaneous band for the ranks' distribution function is that of
Sailynoja, Burkner and Vehtari (2022, Statistics and Computing 32:32), its level found by simulation.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.special import bdtr

import probflow_nb as pf

TEXT = """
y ~ x + (x | g)
Intercept ~ Normal(1, 2)
x ~ Normal(0, 1)
sd(g) ~ HalfNormal(1)
sd(x | g) ~ HalfStudentT(3, 0, 0.5)
cor(g) ~ LKJ(2)
sigma ~ HalfNormal(1)
"""
SIMULATIONS = 400
RANKED = 99
GROUPS, ROWS = 8, 7


def simulate(rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, float]]:
    """Draw parameters from the priors of TEXT, effects and data from the parameters."""
    truth = {
        "Intercept": rng.normal(1, 2),
        "x": rng.normal(0, 1),
        "sd(Intercept | g)": abs(rng.normal(0, 1)),
        "sd(x | g)": abs(0.5 * rng.standard_t(3)),
        "cor(Intercept, x | g)": 2 * rng.beta(2, 2) - 1,
        "sigma": abs(rng.normal(0, 1)),
    }
    s0, s1, rho = truth["sd(Intercept | g)"], truth["sd(x | g)"], truth["cor(Intercept, x | g)"]
    covariance = np.array([[s0**2, rho * s0 * s1], [rho * s0 * s1, s1**2]])
    b = rng.multivariate_normal(np.zeros(2), covariance, size=GROUPS, method="cholesky")
    index = np.repeat(np.arange(GROUPS), ROWS)
    x = np.tile(np.linspace(-1, 2, ROWS), GROUPS)
    mu = truth["Intercept"] + truth["x"] * x + b[index, 0] + b[index, 1] * x
    frame = pd.DataFrame({"y": rng.normal(mu, truth["sigma"]), "x": x, "g": [f"g{i}" for i in index]})
    return frame, truth | {"b": b[0, 1]}


def rank(draws: np.ndarray, truth: float, rng: np.random.Generator) -> int:
    chosen = rng.choice(draws.ravel(), RANKED, replace=False)
    return int(np.sum(chosen < truth))


def least_tail(ranks: np.ndarray) -> np.ndarray:
    """Return the smallest two-sided binomial tail of the ranks' distribution function over all its points.

    ranks: (..., N) in 0..RANKED -> (...). Below each point the count of uniform ranks is binomial.
    """
    n = ranks.shape[-1]
    counts = (ranks[..., None, :] <= np.arange(RANKED)[:, None]).sum(axis=-1)
    chance = np.arange(1, RANKED + 1) / (RANKED + 1)
    below = bdtr(counts, n, chance)
    above = 1 - np.where(counts > 0, bdtr(np.maximum(counts - 1, 0), n, chance), 0.0)
    return np.minimum(1.0, 2 * np.minimum(below, above)).min(axis=-1)


@cache
def level(n: int) -> float:
    """Return what `least_tail` of n uniform ranks falls below once in a hundred times."""
    rng = np.random.default_rng(0)
    tails = [least_tail(rng.integers(0, RANKED + 1, (100, n))) for _ in range(100)]
    return float(np.quantile(np.concatenate(tails), 0.01))


@pytest.mark.parametrize(
    ("shape", "inside"), [((1, 1), True), ((1.35, 1.35), False), ((0.75, 0.75), False), ((1.25, 1), False)]
)
def test_the_band_sees_posteriors_that_are_too_wide_too_narrow_or_moved(
    shape: tuple[float, float], inside: bool
) -> None:
    unit = np.random.default_rng(1).beta(*shape, SIMULATIONS)
    ranks = np.floor(unit * (RANKED + 1)).astype(int)
    assert (least_tail(ranks) >= level(SIMULATIONS)) == inside


@pytest.mark.slow
def test_exact_is_calibrated() -> None:
    rng = np.random.default_rng(2024)
    ranks: dict[str, list[int]] = {}
    for seed in range(SIMULATIONS):
        frame, truth = simulate(rng)
        fit = pf.lme(TEXT, frame, engine=pf.Exact(draws=2000), seed=seed)
        effect = fit.draws["b[g]"][:, :, 0, 1]
        for name, value in truth.items():
            draws = effect if name == "b" else fit.draws[name]
            ranks.setdefault(name, []).append(rank(np.asarray(draws), value, rng))
    tails = {name: float(least_tail(np.array(found))) for name, found in ranks.items()}
    outside = {name: tail for name, tail in tails.items() if tail < level(SIMULATIONS)}
    assert outside == {}
