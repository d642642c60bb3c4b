"""Ordered, overdispersed and zero-inflated responses fitted to data whose truth is known from another way to it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from scipy.special import expit, ndtr

import probflow_nb as pf

RNG = np.random.default_rng(11)
J, M = 24, 10
G = np.repeat(np.arange(J), M)
X = RNG.normal(size=J * M)
ETA = 0.6 * X + RNG.normal(0.0, 0.7, J)[G]
MU = np.exp(ETA + 0.8)
COUNTS = RNG.poisson(MU * RNG.gamma(2.0, 0.5, J * M))
LATENT = (ETA + RNG.logistic(size=J * M))[:, None]
FRAME = pd.DataFrame(
    {
        "g": G.astype(str),
        "x": X,
        "counts": COUNTS,
        "visits": RNG.poisson(MU) * (RNG.random(J * M) > 0.3),
        "both": COUNTS * (RNG.random(J * M) > 0.3),
        "grade": pd.Categorical.from_codes(
            (LATENT > [-0.8, 0.5, 1.8]).sum(axis=1), ["none", "low", "mid", "high"], ordered=True
        ),
    }
)


def log_likelihoods(beta, sd, cuts, nodes=15):
    """log p(y | parameters) of draws (S,), (S,), (S, 3), logit: each group's effect by Gauss-Hermite quadrature."""
    z, w = np.polynomial.hermite_e.hermegauss(nodes)
    y = FRAME.grade.cat.codes.to_numpy()
    far = np.full((len(cuts), 1), np.inf)
    ends = np.concatenate([-far, cuts, far], axis=1)
    eta = beta[:, None, None] * X[:, None] + sd[:, None, None] * z
    rows = np.log(np.maximum(expit(ends[:, y + 1, None] - eta) - expit(ends[:, y, None] - eta), 1e-300))
    levels = rows.reshape(len(cuts), J, M, nodes).sum(axis=2)
    return np.log(np.exp(levels) @ (w / w.sum())).sum(axis=1)


FAMILIES = [
    ("counts", "negative_binomial", {"x": 0.6, "shape": 2.0}),
    ("visits", "zero_inflated_poisson", {"x": 0.6, "zero": 0.3}),
    ("both", "zero_inflated_negative_binomial", {"x": 0.6, "zero": 0.3}),
    ("grade", "ordinal", {"x": 0.6, "cut[none|low]": -0.8, "cut[low|mid]": 0.5, "cut[mid|high]": 1.8}),
]


@pytest.mark.parametrize(("left", "family", "truth"), FAMILIES)
def test_the_default_fit_finds_what_was_simulated_and_can_be_trusted(left, family, truth):
    fit = pf.lme(f"{left} ~ x + (1 | g)", FRAME, family=family, seed=1)
    assert fit.verdict.level == "fine"
    table = fit.summary()
    for name, value in truth.items():
        assert abs(table.loc[name, "mean"] - value) < 3.5 * table.loc[name, "sd"], name


def test_the_posterior_of_cutpoints_against_importance_sampling_of_the_density_written_out():
    fit = pf.lme("grade ~ x + (1 | g)", FRAME, family="ordinal", seed=3)
    width = 2.5 * np.hypot(1.0, X.mean() / X.std(ddof=1))

    def unpacked(u):
        return u[:, 0], np.exp(u[:, 1]), np.cumsum(np.column_stack([u[:, 2], np.exp(u[:, 3:])]), axis=1)

    def log_densities(u):
        """Of (x, log sd, the first cut, log gaps), with the Jacobian of the logs."""
        beta, sd, cuts = unpacked(u)
        prior = stats.norm(0, 2.5 / X.std(ddof=1)).logpdf(beta) + stats.t(3, 0, 2.5).logpdf(sd)
        prior += stats.t(3, 0, float(f"{width:.3g}")).logpdf(cuts).sum(axis=1)
        return prior + log_likelihoods(beta, sd, cuts) + u[:, 1] + u[:, 3:].sum(axis=1)

    mean, covariance = np.array([0.5, -0.5, -1.0, 0.2, 0.2]), 0.2 * np.eye(5)
    for size in (500, 500, 500, 2500):
        proposal = stats.multivariate_t(mean, 1.2 * covariance, df=8, seed=5)
        u = proposal.rvs(size)
        log_w = log_densities(u) - proposal.logpdf(u)
        w = np.exp(log_w - log_w.max())
        w /= w.sum()
        mean, covariance = w @ u, np.cov(u.T, aweights=w) + 1e-4 * np.eye(5)
    assert 1.0 / np.sum(w**2) > 1500
    draws = np.column_stack([part if part.ndim == 2 else part[:, None] for part in unpacked(u)])
    names = ["x", "sd(Intercept | g)", "cut[none|low]", "cut[low|mid]", "cut[mid|high]"]
    means = w @ draws
    sds = np.sqrt(w @ (draws - means) ** 2)
    for name, m, s in zip(names, means, sds, strict=True):
        assert abs(fit.summary().loc[name, "mean"] - m) < 0.1 * s, name
        assert fit.summary().loc[name, "sd"] == pytest.approx(s, rel=0.07), name


@pytest.mark.parametrize(
    ("link", "F"), [("logit", expit), ("probit", ndtr), ("cloglog", lambda x: -np.expm1(-np.exp(x)))]
)
def test_most_likely_cutpoints_against_a_likelihood_written_out(link, F):
    fit = pf.lme("grade ~ x + (1 | g)", FRAME, family=f"Ordinal(link = {link})", engine=pf.Point(nodes=25))
    y = FRAME.grade.cat.codes.to_numpy()
    z, w = np.polynomial.hermite_e.hermegauss(40)

    def deviance(v):
        cuts = np.array([-np.inf, *np.cumsum([v[2], *np.exp(v[3:])]), np.inf])
        eta = (v[0] * X)[:, None] + np.exp(v[1]) * z
        rows = np.log(np.maximum(F(cuts[y + 1][:, None] - eta) - F(cuts[y][:, None] - eta), 1e-300))
        levels = np.zeros((J, len(z)))
        np.add.at(levels, G, rows)
        return -2.0 * np.log(np.exp(levels) @ (w / w.sum())).sum()

    best = optimize.minimize(deviance, [0.5, -0.5, -1.0, 0.2, 0.2], method="BFGS")
    assert fit.criterion == pytest.approx(best.fun, abs=1e-3)
