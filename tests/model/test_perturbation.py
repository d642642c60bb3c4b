"""Effects by perturbation against the dense conditional Gaussian of the rows, and against a factor for each draw."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from probflow_nb import api
from probflow_nb.backend.tensorflow import load
from probflow_nb.inference.target import target
from probflow_nb.model import perturbation as module
from probflow_nb.model.conjugate_gradients import solve
from probflow_nb.model.covariance import dense
from probflow_nb.model.effects import sample_effects
from probflow_nb.model.perturbation import BLOCK, perturbation, perturbed_effects

CASES = {
    "crossed": "y ~ x + (1 | a) + (1 | b)",
    "k 2 and 2, a border of three": "y ~ x + v + weights(weight) + (x | a) + (v | b)",
    "k 1 and 2, and a factor of few levels": "y ~ x + (1 | a) + (x | b) + (1 | g)",
    "two factors of few levels, one of k 2": "y ~ x + weights(weight) + (0 + x | a) + (1 | b) + (x | g) + (1 | h)",
}


@cache
def frame(n: int = 3000, rows: int = 300, columns: int = 60) -> pd.DataFrame:
    """Return n rows of a and b crossed at random, with g and h of few levels."""
    rng = np.random.default_rng(11)
    levels = {"a": rows, "b": columns, "g": 7, "h": 4}
    data = {name: rng.standard_normal(n) for name in "yxv"} | {"weight": 0.3 + 2.0 * rng.random(n)}
    index = {name: np.append(np.arange(J), rng.integers(0, J, n - J)) for name, J in levels.items()}
    return pd.DataFrame(data | {name: pd.Categorical(values) for name, values in index.items()})


@cache
def setting(name: str):
    """Return the model, theta of 400 draws (400, d) as a posterior scatters them, and beta (400, p)."""
    model = api.prepare(CASES[name], frame()).model
    rng = np.random.default_rng(5)
    d, p = model.marginal.size, model.design.X.shape[1]
    centre = np.where(np.isin(np.arange(d), model.marginal.log_sds), -0.7, 0.1)
    return model, centre + 0.12 * rng.standard_normal((400, d)), rng.normal(size=(400, p))


def flat(effects: list[np.ndarray]) -> np.ndarray:
    """Return the effects of all factors in one row a draw, (S, m)."""
    return np.concatenate([b.reshape(len(b), -1) for b in effects], axis=1)


def truth(model, theta: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean (m,) and covariance (m, m) of all effects, from the rows: (Z'WZ / sigma^2 + D^-1)^-1."""
    design, marginal = model.design, model.marginal
    sigma = np.exp(theta[marginal.layout.sigma]) * marginal.moments.scaling.y_scale
    n = len(design.y)
    Z, D = [], []
    for factor, delta in zip(marginal.moments.factors, marginal.factors(load().constant(theta[None])), strict=True):
        k, J = factor.n_columns, factor.n_levels
        wide = np.zeros((n, J, k))
        wide[np.arange(n), factor.index] = np.concatenate([design.groups[m].z for m in factor.members], axis=1)
        Z.append(wide.reshape(n, J * k))
        L = dense(delta).numpy()[0] * sigma / factor.scale[:, None]
        D.append(np.kron(np.eye(J), np.linalg.inv(L @ L.T)))
    Z = np.concatenate(Z, axis=1)
    W = (np.ones(n) if design.weights is None else design.weights) / sigma**2
    precision = Z.T @ (W[:, None] * Z)
    start = 0
    for block in D:
        part = slice(start, start + len(block))
        precision[part, part] += block
        start += len(block)
    covariance = np.linalg.inv(precision)
    return covariance @ (Z.T @ (W * (design.y - design.X @ beta))), covariance


@pytest.mark.parametrize("name", CASES)
def test_conditional_means(name: str) -> None:
    model, theta, beta = setting(name)
    found = flat(perturbed_effects(perturbation(model.marginal, theta), theta, beta, None))
    known = flat(sample_effects(model.marginal, theta, beta, None))
    np.testing.assert_allclose(found, known, rtol=0, atol=1e-7 * known.std())
    mean, _ = truth(model, theta[7], beta[7])
    np.testing.assert_allclose(found[7], mean, rtol=0, atol=1e-7 * mean.std())


@pytest.mark.parametrize("name", CASES)
def test_covariances(name: str) -> None:
    # An entry's error over its standard error sqrt((c_ii c_jj + c_ij^2) / S) is standard normal: the mean square of all
    # is 1, and none of some 1e5 is beyond 5.5; so are the variances alone, and the means.
    model, theta, beta = setting(name)
    S = 4000
    at = np.argmax(theta[:, model.marginal.log_sds].sum(axis=1) < -0.7 * len(model.marginal.log_sds))
    reference = perturbation(model.marginal, theta)
    draws = flat(perturbed_effects(reference, np.tile(theta[at], (S, 1)), np.tile(beta[at], (S, 1)), 3))
    mean, covariance = truth(model, theta[at], beta[at])
    variance = np.diag(covariance)
    error = draws - mean
    z = (error.T @ error / S - covariance) / np.sqrt((np.outer(variance, variance) + covariance**2) / S)
    assert np.abs(z).max() < 5.5
    assert abs(np.mean(z**2) - 1.0) < 0.08
    assert abs(np.mean(np.diag(z))) < 0.5
    means = error.mean(axis=0) / np.sqrt(variance / S)
    assert np.abs(means).max() < 5.0
    assert abs(np.mean(means**2) - 1.0) < 5.0 * np.sqrt(2.0 / len(means)) + 0.1


def test_draws_hang_on_seed_and_place_alone() -> None:
    model, theta, beta = setting("k 1 and 2, and a factor of few levels")
    reference = perturbation(model.marginal, theta)
    whole = flat(perturbed_effects(reference, theta, beta, 9))
    assert len(whole) > BLOCK
    for m in (1, 100, BLOCK, BLOCK + 30):
        again = flat(perturbed_effects(perturbation(model.marginal, theta), theta[:m], beta[:m], 9))
        np.testing.assert_array_equal(again, whole[:m])
    other = flat(perturbed_effects(reference, theta, beta, 10))
    assert np.abs(np.corrcoef((other - whole)[0], whole[0])[0, 1]) < 1.0
    assert not np.isclose(other, whole).any(axis=1).all()


def test_a_draw_beyond_the_reference_has_a_factor_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    model, theta, beta = setting("k 1 and 2, and a factor of few levels")
    reference = perturbation(model.marginal, theta)
    far = theta[:5].copy()
    far[1, model.marginal.log_sds] += 2.0
    far[3, model.marginal.log_sds[0]] -= 25.0
    alone: list[int] = []

    def counted(marginal, theta, beta, seed):
        alone.append(len(theta))
        return sample_effects(marginal, theta, beta, seed)

    monkeypatch.setattr(module, "sample_effects", counted)
    found = flat(perturbed_effects(reference, far, beta[:5], None))
    known = flat(sample_effects(model.marginal, far, beta[:5], None))
    np.testing.assert_allclose(found, known, rtol=0, atol=1e-7 * known.std())
    assert 1 <= len(alone) <= 2
    drawn = flat(perturbed_effects(reference, far, beta[:5], 1))
    assert np.isfinite(drawn).all()
    near = flat(perturbed_effects(reference, theta[:5], beta[:5], 1))
    # The others do not hear of it.
    np.testing.assert_array_equal(drawn[[0, 2, 4]], near[[0, 2, 4]])


def test_a_model_of_large_factors_is_drawn_so(monkeypatch: pytest.MonkeyPatch) -> None:
    model, theta, beta = setting("crossed")
    monkeypatch.setattr(module, "_LEAST_SIZE", 50)
    effects = target(model).effects(theta, beta, 2)
    assert [e.affordable for e in effects] == [BLOCK] * 2
    few = [e.sample(40) for e in effects]
    drawn = perturbed_effects(perturbation(model.marginal, theta), theta, beta, 2)
    for e, small, known in zip(effects, few, drawn, strict=True):
        np.testing.assert_array_equal(small, known[:40])
        np.testing.assert_array_equal(e.sample(400), known)


def test_conjugate_gradients() -> None:
    rng = np.random.default_rng(0)
    r, S = 30, 6
    A = rng.standard_normal((S, r, 2 * r))
    Q = A @ A.transpose(0, 2, 1)
    target_ = rng.standard_normal((r, S))
    # The last has no positive definite matrix, the one before an ill-conditioned one.
    Q[-1] -= 40.0 * np.eye(r)
    Q[-2] += np.diag(10.0 ** np.linspace(0, 14, r))
    M = np.linalg.inv(Q[:4].mean(axis=0))
    x, solved = solve(lambda v: np.einsum("sij,js->is", Q, v), lambda v: M @ v, target_, 1e-10)
    assert solved.tolist() == [True] * 4 + [False] * 2
    for s in range(4):
        np.testing.assert_allclose(x[:, s], np.linalg.solve(Q[s], target_[:, s]), rtol=1e-7, atol=1e-9)
