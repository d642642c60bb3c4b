"""Point of families with further parameters: the deviance and its minimum against brute force, group by group."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import expit

import probflow_nb as pf

GRID = np.linspace(-9.0, 9.0, 1501)


def inflated(log_p, y, zero):
    return np.where(y == 0, np.logaddexp(np.log(zero), np.log1p(-zero) + log_p), np.log1p(-zero) + log_p)


def negative_binomial(y, eta, shape):
    return stats.nbinom.logpmf(y, shape, shape / (shape + np.exp(eta)))


def ordinal(y, eta, low, high):
    cuts = np.array([-np.inf, low, high, np.inf])
    return np.log(expit(cuts[y] - eta) - expit(cuts[y - 1] - eta))


# The log density of each family by scipy, with its further parameters in the order shown.
LOG_LIK = {
    "gamma": lambda y, eta, shape: stats.gamma.logpdf(y, shape, scale=np.exp(eta) / shape),
    "beta": lambda y, eta, phi: stats.beta.logpdf(y, expit(eta) * phi, expit(-eta) * phi),
    "student_t": lambda y, eta, sigma, df: stats.t.logpdf(y, df, eta, sigma),
    "log_normal": lambda y, eta, sigma: stats.lognorm.logpdf(y, sigma, scale=np.exp(eta)),
    "negative_binomial": negative_binomial,
    "zero_inflated_poisson": lambda y, eta, zero: inflated(stats.poisson.logpmf(y, np.exp(eta)), y, zero),
    "zero_inflated_negative_binomial": lambda y, eta, shape, zero: inflated(negative_binomial(y, eta, shape), y, zero),
    "gaussian": lambda y, eta, sigma: stats.norm.logpdf(y, np.exp(eta), sigma),
    "ordinal": ordinal,
}
LINKED = {"gaussian": "Gaussian(link = log)"}


def sample(family, seed=7):
    """Return the frame of 20 groups of 5, and y as the log densities above take it."""
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(20), 5), rng.standard_normal(100)
    eta = 0.4 + 0.5 * x + 0.7 * rng.standard_normal(20)[g]
    mu, p = np.exp(eta), expit(eta)
    frame = {"x": x, "g": np.char.add("g", g.astype(str))}
    made = {
        "gamma": lambda: rng.gamma(3.0, mu / 3.0),
        "beta": lambda: rng.beta(6.0 * p, 6.0 * (1.0 - p)),
        "student_t": lambda: eta + 0.4 * rng.standard_t(2.5, 100),
        "log_normal": lambda: np.exp(eta + 0.4 * rng.standard_normal(100)),
        "negative_binomial": lambda: rng.negative_binomial(1.5, 1.5 / (1.5 + mu)),
        "zero_inflated_poisson": lambda: rng.poisson(2 * mu) * (rng.random(100) > 0.25),
        "zero_inflated_negative_binomial": lambda: (
            rng.negative_binomial(2.0, 1.0 / (1.0 + mu)) * (rng.random(100) > 0.2)
        ),
        "gaussian": lambda: mu + 0.5 * rng.standard_normal(100),
        "ordinal": lambda: 1 + np.digitize(eta + rng.logistic(size=100), [-0.5, 1.0]),
    }[family]()
    if family != "ordinal":
        return {**frame, "y": made}, made
    import pandas as pd

    words = np.array(["low", "mid", "high"])[made - 1]
    ordered = pd.Categorical(words, categories=["low", "mid", "high"], ordered=True)
    return pd.DataFrame({**frame, "y": ordered}), made


def by_group(family, y, frame, estimate):
    """Return for each group log p(y_j | u) - u^2 / 2 as a function of u, estimates in the order shown."""
    x, g = np.asarray(frame["x"]), np.asarray(frame["g"])
    intercept, slope, sd, *further = ([0.0] if family == "ordinal" else []) + list(estimate)
    for level in np.unique(g):
        rows = g == level

        def inside(u, rows=rows):
            eta = (intercept + slope * x[rows])[:, None] + sd * np.atleast_1d(u)
            return LOG_LIK[family](y[rows][:, None], eta, *further).sum(axis=0) - 0.5 * np.atleast_1d(u) ** 2

        yield inside


def brute(family, y, frame, estimate):
    """Return the deviance by a fine grid of every effect."""
    total = 0.0
    for inside in by_group(family, y, frame, estimate):
        value = inside(GRID)
        top = value.max()
        total += top + np.log(np.exp(value - top).sum() * (GRID[1] - GRID[0]) / np.sqrt(2 * np.pi))
    return -2.0 * total


def brute_laplace(family, y, frame, estimate):
    """Return the deviance by the height and the curvature of every effect's density at its mode."""
    total, h = 0.0, 1e-3
    for inside in by_group(family, y, frame, estimate):
        start = GRID[int(np.argmax(inside(GRID)))]
        ends, exact = (start - 0.1, start + 0.1), {"xatol": 1e-10}
        found = optimize.minimize_scalar(
            lambda u, inside=inside: -inside(u)[0], bounds=ends, method="bounded", options=exact
        )
        down, at, up = (inside(found.x + step)[0] for step in (-h, 0.0, h))
        total += at - 0.5 * np.log((2 * at - up - down) / h**2)
    return -2.0 * total


@pytest.mark.parametrize("family", LOG_LIK)
def test_the_deviance_and_its_minimum_are_those_of_brute_force(family):
    frame, y = sample(family)
    text, named = "y ~ x + (1 | g)", LINKED.get(family, family)
    fit = pf.lme(text, frame, family=named, engine=pf.Point(nodes=41))
    assert fit.verdict.level == "fine"
    found = fit.summary()
    at = found["estimate"].to_numpy()
    assert fit.criterion == pytest.approx(brute(family, y, frame, at), abs=2e-4)
    laplace = pf.lme(text, frame, family=named, engine=pf.Point())
    assert laplace.criterion == pytest.approx(
        brute_laplace(family, y, frame, laplace.summary()["estimate"].to_numpy()), abs=2e-4
    )

    # Curvature by the same brute force: the standard errors, those of further parameters too.
    d = len(at)
    width = np.where(np.isfinite(found["se"]), 0.01 * found["se"], 0.005 * np.abs(at))
    steps = np.diag(width)

    def half(point):
        return 0.5 * brute(family, y, frame, point)

    up, down = (np.array([half(at + sign * step) for step in steps]) for sign in (1, -1))
    gradient = (up - down) / (2 * width)
    hessian = np.diag((up - 2 * half(at) + down) / width**2)
    for i in range(d):
        for j in range(i):
            corners = [a * b * half(at + a * steps[i] + b * steps[j]) for a in (1, -1) for b in (1, -1)]
            hessian[i, j] = hessian[j, i] = sum(corners) / (4 * width[i] * width[j])
    spread = np.linalg.inv(hessian)
    se = np.sqrt(np.diag(spread))
    # What Newton's method would still gain.
    assert 0.5 * gradient @ spread @ gradient < 1e-5
    assert np.max(np.abs(spread @ gradient) / se) < 5e-3
    known = np.isfinite(found["se"].to_numpy())
    assert known.sum() == d - 1
    np.testing.assert_allclose(found["se"].to_numpy()[known], se[known], rtol=0.02)
