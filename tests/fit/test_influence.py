"""Influence against dense algebra with rows taken away, against refits, and its integrals against quadrature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

import probflow_nb as pf
from probflow_nb.errors import FitError
from probflow_nb.fit.influence import _units
from probflow_nb.inference.leave_one_out import usable
from probflow_nb.predict.build import response_at
from probflow_nb.predict.group_likelihood import log_level_likelihoods
from probflow_nb.predict.replicated import picked


def crossed(seed: int = 5, n: int = 70) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    d = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "w": rng.uniform(0.5, 2.0, n),
            "g": rng.integers(0, 9, n).astype(str),
            "h": rng.choice(list("abcd"), n),
        }
    )
    d["y"] = 1 + 0.5 * d.x + rng.normal(size=9)[d.g.astype(int)] + (d.h == "b") + rng.normal(0, 0.6, n)
    return d


def dense(fit: pf.Fit, theta: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of beta given theta and some rows, from V itself, on the data's scale."""
    model = fit.model
    design, scalars = model.design, dict(zip(model.scalar_names, fit.draws.table[0], strict=True))
    w = np.ones(len(design.y)) if design.weights is None else design.weights
    V = np.diag(scalars["sigma"] ** 2 / w)
    for group in design.groups:
        sd = np.array([scalars[f"sd({c} | {group.factor})"] for c in group.column_names])
        cov = np.diag(sd**2)
        if len(sd) == 2 and group.correlated:
            r = scalars[f"cor({group.column_names[0]}, {group.column_names[1]} | {group.factor})"]
            cov[0, 1] = cov[1, 0] = r * sd[0] * sd[1]
        V += (group.z @ cov @ group.z.T) * (group.index[:, None] == group.index)
    X, y = design.X[rows], design.y[rows]
    inverse = np.linalg.inv(V[np.ix_(rows, rows)])
    A = np.eye(X.shape[1])
    A[0, 1:] = design.X[:, 1:].mean(axis=0)
    priors = [model.priors.intercept, *model.priors.coefficients]
    means, sds = (np.array([p.arguments[i] for p in priors]) for i in (0, 1))
    precision = X.T @ inverse @ X + A.T @ np.diag(sds**-2.0) @ A
    return np.linalg.solve(precision, X.T @ inverse @ y + A.T @ (means / sds**2)), np.linalg.inv(precision)


@pytest.mark.parametrize("text", ["y ~ x + (x | g) + (1 | h)", "y ~ x + weights(w) + (1 | g)"])
def test_common_effects_without_rows(text: str) -> None:
    fit = pf.lme(text, crossed(), seed=1)
    left = usable(fit.model)
    assert left is not None
    theta = fit.draws.origin.theta[:1]  # type: ignore[union-attr]
    T, t = fit.model.marginal.moments.scaling.coefficients()
    n = len(fit.model.y)
    first = left.marginal.moments.factors[0]
    levels = [np.flatnonzero(first.index == j) for j in range(first.n_levels)]
    by_level = left.common_without_levels(theta)
    by_set = left.common_without_sets(theta, levels)
    other = [np.array([3]), np.array([1, 4, 40, 41])]
    by_other = left.common_without_sets(theta, other)
    cases = [(left.common(theta), None, np.arange(n))]
    cases += [(found, j, np.setdiff1d(np.arange(n), levels[j])) for found in (by_level, by_set) for j in (0, 5)]
    cases += [(by_other, j, np.setdiff1d(np.arange(n), other[j])) for j in (0, 1)]
    for found, j, rows in cases:
        mean, covariance = (side[0] if j is None else side[0, j] for side in found)
        expected = dense(fit, theta[0], rows)
        assert T @ mean + t == pytest.approx(expected[0], rel=1e-7)
        assert T @ covariance @ T.T == pytest.approx(expected[1], rel=1e-7, abs=1e-12)


def priors_of(fit: pf.Fit) -> str:
    return "\n".join(f"{p.target.label} ~ {p.distribution.label}" for p in fit.spec.priors)


@pytest.fixture(scope="module")
def sleep() -> pf.Fit:
    return pf.lme("Reaction ~ Days + (Days | Subject)", pf.datasets.sleepstudy(), engine=pf.Exact(draws=8000), seed=1)


def refits(fit: pf.Fit, data: pd.DataFrame, keep: list[Any]) -> list[pd.DataFrame]:
    """Return the summaries of fits without rows, under the same priors."""
    text = f"{fit.formula}\n{priors_of(fit)}"
    return [pf.lme(text, data[rows], engine=pf.Exact(draws=8000), seed=2).summary() for rows in keep]


def test_levels_against_refits(sleep: pf.Fit) -> None:
    data, found = pf.datasets.sleepstudy(), sleep.influence()
    assert list(found.index) == sorted(set(data.Subject.astype(str)))
    assert (found.khat < 0.5).all()
    whole = sleep.summary()
    names = list(whole.index)
    subjects = data.Subject.astype(str)
    left_out = refits(sleep, data, [subjects != level for level in found.index])
    for level, without in zip(found.index, left_out, strict=True):
        moved = (without["mean"] - whole["mean"]) / whole["sd"]
        # Monte Carlo errors of both sides, about 0.02 of an sd each; correlations and sds mix less well.
        assert found.loc[level, names].to_numpy(float) == pytest.approx(moved.to_numpy(float), abs=0.09), level
        assert found.loc[level, names[:2]].to_numpy(float) == pytest.approx(moved.to_numpy(float)[:2], abs=0.05), level


def test_rows_against_refits(sleep: pf.Fit) -> None:
    data, found = pf.datasets.sleepstudy(), sleep.influence("row")
    assert len(found) == 180
    whole = sleep.summary()
    for row, without in zip([56, 7], refits(sleep, data, [data.index != 56, data.index != 7]), strict=True):
        moved = (without["mean"] - whole["mean"]) / whole["sd"]
        assert found.iloc[row][: len(moved)].to_numpy(float) == pytest.approx(moved.to_numpy(float), abs=0.09)


def test_cooks_distance(sleep: pf.Fit) -> None:
    found = sleep.influence()
    covariance = np.cov(sleep.draws.table[:, :2].T)
    moved = found[["Intercept", "Days"]].to_numpy() * sleep.summary()["sd"].to_numpy()[:2]
    expected = np.einsum("up,pq,uq->u", moved, np.linalg.inv(covariance), moved) / 2
    assert found["cook"].to_numpy() == pytest.approx(expected, rel=0.08, abs=1e-3)


@pytest.fixture(scope="module")
def counts() -> tuple[pd.DataFrame, pf.Fit]:
    rng = np.random.default_rng(8)
    d = pd.DataFrame({"x": rng.normal(size=96), "g": np.repeat([f"g{i:02}" for i in range(12)], 8)})
    d["y"] = rng.poisson(np.exp(0.8 + 0.3 * d.x + 0.6 * np.repeat(rng.normal(size=12), 8)))
    return d, pf.lme("y ~ x + (1 | g)", d, family="poisson", seed=1)


def test_a_levels_likelihood_is_its_integral(counts: tuple[pd.DataFrame, pf.Fit]) -> None:
    d, fit = counts
    values = picked(fit._values, np.arange(400))
    found = log_level_likelihoods(
        fit.model, values, response_at(fit.model, values, None, noise=True), "g", d.y.to_numpy()
    )
    beta, sd = values["beta"], values["sd[g]"][:, 0]
    for s in (0, 100, 399):
        for j in (0, 4, 11):
            rows = slice(8 * j, 8 * j + 8)
            eta = beta[s, 0] + beta[s, 1] * d.x.to_numpy()[rows]
            y = d.y.to_numpy()[rows]

            def density(b: float, eta: np.ndarray = eta, y: np.ndarray = y, s: int = s) -> float:
                return float(np.exp(stats.poisson(np.exp(eta + b)).logpmf(y).sum()) * stats.norm(0, sd[s]).pdf(b))

            expected = np.log(integrate.quad(density, -6, 6, points=np.linspace(-3, 3, 13), limit=400)[0])
            assert found[s, j] == pytest.approx(expected, abs=2e-6)


def test_a_gaussian_levels_likelihood_is_closed_form(sleep: pf.Fit) -> None:
    values = picked(sleep._values, np.arange(400))
    response = response_at(sleep.model, values, None, noise=True)
    found = log_level_likelihoods(sleep.model, values, response, "Subject", sleep.model.y)
    X, y = sleep.model.design.X, sleep.model.y
    expected = np.empty((400, 18))
    for s in range(400):
        sd, sigma = values["sd[Subject]"][s], values["sigma"][s]
        cov = values["cor[Subject]"][s] * np.outer(sd, sd)
        for j in range(18):
            Z = X[10 * j : 10 * j + 10]
            V = Z @ cov @ Z.T + sigma**2 * np.eye(10)
            expected[s, j] = stats.multivariate_normal(Z @ values["beta"][s], V).logpdf(y[10 * j : 10 * j + 10])
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_familys_levels_against_refits(counts: tuple[pd.DataFrame, pf.Fit]) -> None:
    d, fit = counts
    found, whole = fit.influence(), fit.summary()
    assert found.attrs["redrawn"] == 0
    priors = priors_of(fit)
    for level in ("g00", "g07"):
        without = pf.lme(f"y ~ x + (1 | g)\n{priors}", d[d.g != level], family="poisson", seed=2).summary()
        moved = ((without["mean"] - whole["mean"]) / whole["sd"]).to_numpy(float)
        assert found.loc[level, "khat"] < 0.7
        assert found.loc[level].to_numpy(float)[:3] == pytest.approx(moved, abs=0.12), level


def test_what_has_no_influence(sleep: pf.Fit) -> None:
    with pytest.raises(FitError, match="grouping factor"):
        sleep.influence("Days")
    point = pf.lme("Reaction ~ Days + (1 | Subject)", pf.datasets.sleepstudy(), engine=pf.Point())
    with pytest.raises(FitError, match="point fit"):
        point.influence()
    assert [len(u) for u in _units(sleep, None)[2]] == [10] * 18


def test_its_picture_says_who(sleep: pf.Fit) -> None:
    figure = sleep.plot_influence()
    assert len(figure.axes) == 7
    assert "332" in figure.words  # type: ignore[attr-defined]
