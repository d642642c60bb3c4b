"""Group effects given theta and beta against the dense conditional Gaussian."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from probflow_nb import api
from probflow_nb.backend.tensorflow import load
from probflow_nb.model.effects import conditional_sds, sample_effects
from probflow_nb.model.elimination import elimination


def frame() -> pd.DataFrame:
    """Return 90 unbalanced rows; a and b are crossed, g is a third factor."""
    rng = np.random.default_rng(31)
    n = 90
    data = {name: rng.standard_normal(n) for name in "yxv"} | {"weight": 0.3 + 2.0 * rng.random(n)}
    a = np.concatenate([np.arange(7), np.minimum(rng.geometric(0.25, n - 7) - 1, 6)])
    b = np.concatenate([np.arange(5), rng.integers(0, 5, n - 5)])
    g = np.concatenate([np.arange(3), rng.integers(0, 3, n - 3)])
    return pd.DataFrame(data).assign(a=pd.Categorical(a), b=pd.Categorical(b), g=pd.Categorical(g))


CASES = {
    "k 1": "y ~ x + (1 | a)",
    "k 2": "y ~ x + (x | a)",
    "k 3, weights": "y ~ x + weights(weight) + (x + v | a)",
    "no intercept": "y ~ 0 + x + (0 + x | a)",
    "crossed": "y ~ x + (1 | a) + (1 | b)",
    "crossed, k 2 and 2, weights": "y ~ x + weights(weight) + (x | a) + (v | b)",
    "nested": "y ~ x + (1 | a / b)",
    "nested, k 2": "y ~ x + offset(0.5 * v) + (x | a) + (v | a:b)",
    "three levels": "y ~ x + (1 | g / a / b)",
    "nested and crossed": "y ~ x + (x | a) + (1 | a:b) + (1 | g)",
}
FORMS = ("dense", "sparse")


def setting(name: str, form: str):
    """Return the model with the rest in one form, a theta (d,) and a beta (p,)."""
    model = api.prepare(CASES[name], frame()).model
    marginal = replace(model.marginal, constants=elimination(model.marginal.moments, form))
    rng = np.random.default_rng(4)
    return model.design, marginal, rng.normal(-0.2, 0.4, marginal.size), rng.normal(size=model.design.X.shape[1])


def truth(design, marginal, theta: np.ndarray, beta: np.ndarray):
    """Return the mean (m,) and covariance (m, m) of all effects on the data's scale, factor by factor.

    With y - X beta = Z b + e, b ~ N(0, D), e ~ N(0, sigma^2 W^-1): D Z' V^-1 (y - X beta) and D - D Z' V^-1 Z D.
    """
    sigma = np.exp(theta[marginal.layout.sigma]) * marginal.moments.scaling.y_scale
    n = len(design.y)
    Z, D = [], []
    factors = marginal.factors(load().constant(theta[None]))
    for factor, delta in zip(marginal.moments.factors, factors, strict=True):
        k, J = factor.n_columns, factor.n_levels
        wide = np.zeros((n, J, k))
        wide[np.arange(n), factor.index] = np.concatenate([design.groups[m].z for m in factor.members], axis=1)
        Z.append(wide.reshape(n, J * k))
        dense = np.array(
            [[0.0 if j > i or delta[i][j] is None else delta[i][j].numpy().item() for j in range(k)] for i in range(k)]
        )
        # Delta is of the scaled columns z / scale: b is in units of 1 / scale.
        dense = dense * sigma / factor.scale[:, None]
        D.append(np.kron(np.eye(J), dense @ dense.T))
    Z = np.concatenate(Z, axis=1)
    m = Z.shape[1]
    prior, start = np.zeros((m, m)), 0
    for block in D:
        prior[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    W = np.ones(n) if design.weights is None else design.weights
    V = Z @ prior @ Z.T + np.diag(sigma**2 / W)
    offset = 0.0 if design.offset is None else design.offset
    gain = np.linalg.solve(V, Z @ prior).T
    return gain @ (design.y - offset - design.X @ beta), prior - gain @ Z @ prior


def flat(effects: list[np.ndarray]) -> np.ndarray:
    """Return (S, m): all effects side by side."""
    return np.concatenate([e.reshape(len(e), -1) for e in effects], axis=1)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CASES)
def test_conditional_means(name, form):
    design, marginal, theta, beta = setting(name, form)
    mean, _ = truth(design, marginal, theta, beta)
    found = flat(sample_effects(marginal, theta[None], beta[None], None))
    assert found[0] == pytest.approx(mean, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CASES)
def test_means_solve_the_mixed_model_equations(name, form):
    # With theta and beta given, b-hat minimises the penalised residuals: its gradient is 0 (Henderson 1950).
    design, marginal, theta, beta = setting(name, form)
    found = sample_effects(marginal, theta[None], beta[None], None)
    fitted = design.X @ beta + (0.0 if design.offset is None else design.offset)
    factors = marginal.moments.factors
    for factor, b in zip(factors, found, strict=True):
        z = np.concatenate([design.groups[m].z for m in factor.members], axis=1)
        fitted = fitted + (z * b[0][factor.index]).sum(axis=1)
    W = np.ones(len(design.y)) if design.weights is None else design.weights
    residual = W * (design.y - fitted) / marginal.moments.scaling.y_scale
    deltas = marginal.factors(load().constant(theta[None]))
    for factor, delta, b in zip(factors, deltas, found, strict=True):
        k = factor.n_columns
        dense = np.array(
            [[0.0 if j > i or delta[i][j] is None else delta[i][j].numpy().item() for j in range(k)] for i in range(k)]
        )
        z = np.concatenate([design.groups[m].z for m in factor.members], axis=1) / factor.scale
        score = np.stack([np.bincount(factor.index, z[:, c] * residual, factor.n_levels) for c in range(k)], axis=1)
        units = marginal.moments.scaling.y_scale / factor.scale
        penalty = np.linalg.solve(dense @ dense.T, (b[0] / units).T).T
        assert score == pytest.approx(penalty, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CASES)
def test_conditional_sds(name, form):
    design, marginal, theta, beta = setting(name, form)
    _, covariance = truth(design, marginal, theta, beta)
    sigma = float(np.exp(theta[marginal.layout.sigma]))
    found = conditional_sds(marginal, marginal.factors(load().constant(theta[None])), sigma)
    flat_sds = np.concatenate([sd.reshape(-1) for sd in found])
    assert flat_sds == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-9)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CASES)
def test_draws_have_the_conditional_mean_and_covariance(name, form):
    design, marginal, theta, beta = setting(name, form)
    mean, covariance = truth(design, marginal, theta, beta)
    S = 20_000
    draws = flat(sample_effects(marginal, np.tile(theta, (S, 1)), np.tile(beta, (S, 1)), seed=8))
    sd = np.sqrt(np.diag(covariance))
    # Five standard errors: with some thousand entries, one in a thousand such tests would fail by chance.
    assert np.abs((draws.mean(axis=0) - mean) / sd).max() * np.sqrt(S) < 5.0
    error = np.sqrt((covariance**2 + np.outer(sd, sd) ** 2) / S)
    assert (np.abs(np.cov(draws.T).reshape(covariance.shape) - covariance) / error).max() < 5.5


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["k 2", "crossed", "three levels", "nested and crossed"])
def test_first_draws_do_not_depend_on_how_many_follow(name, form):
    _, marginal, theta, beta = setting(name, form)
    rng = np.random.default_rng(2)
    S = 9000
    thetas = theta + 0.1 * rng.standard_normal((S, theta.size))
    betas = beta + 0.1 * rng.standard_normal((S, beta.size))
    many = sample_effects(marginal, thetas, betas, seed=3)
    for m in (1, 7, 4096):
        few = sample_effects(marginal, thetas[:m], betas[:m], seed=3)
        for a, b in zip(few, many, strict=True):
            np.testing.assert_allclose(a, b[:m], rtol=1e-9, atol=1e-12)
    other = sample_effects(marginal, thetas[:7], betas[:7], seed=4)
    assert all(np.abs(a - b[:7]).min() > 0 for a, b in zip(other, many, strict=True))


def test_both_forms_draw_from_the_same_posterior_of_a_large_nested_model():
    rng = np.random.default_rng(9)
    c = np.concatenate([np.arange(900), rng.integers(0, 900, 2000)])
    data = pd.DataFrame({"y": rng.standard_normal(c.size), "s": pd.Categorical(c // 3), "c": pd.Categorical(c)})
    model = api.prepare("y ~ 1 + (1 | s) + (1 | c)", data).model
    theta = np.array([[-0.7, -1.0, -0.1]])
    found = {}
    for form in FORMS:
        marginal = replace(model.marginal, constants=elimination(model.marginal.moments, form))
        means = flat(sample_effects(marginal, theta, np.array([[0.2]]), None))
        sds = conditional_sds(marginal, marginal.factors(load().constant(theta)), 0.9)
        found[form] = means, np.concatenate([sd.reshape(-1) for sd in sds])
    for dense, sparse in zip(found["dense"], found["sparse"], strict=True):
        assert sparse == pytest.approx(dense, rel=1e-9, abs=1e-11)
