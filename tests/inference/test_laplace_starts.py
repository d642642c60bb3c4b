"""Where Laplace begins: inside the supports of priors, and where a link takes the linear predictor of every row."""

from __future__ import annotations

import numpy as np
import pytest

import probflow_nb as pf
from probflow_nb.inference.laplace_target import laplace_target

GROUPS = np.repeat(np.arange(12), 10)
X = np.random.default_rng(3).uniform(-1, 1, 120)
FRAME = {"x": X, "g": GROUPS.astype(str)}
B = 0.3 * np.random.default_rng(4).standard_normal(12)[GROUPS]


def counts(zeros: float) -> np.ndarray:
    rng = np.random.default_rng(5)
    return rng.poisson(np.exp(0.8 + 0.4 * X + B)) * (rng.random(120) > zeros)


@pytest.mark.parametrize(
    ("low", "high", "zeros"), [(0.0, 0.6, 0.3), (0.0, 0.6, 0.85), (0.02, 0.05, 0.1), (0.5, 0.9, 0.7)]
)
def test_a_bounded_prior_of_extra_zeros_is_begun_inside_of_it(low: float, high: float, zeros: float) -> None:
    text = f"y ~ x + (1 | g)\nzero ~ Uniform({low}, {high})"
    fit = pf.lme(text, FRAME | {"y": counts(zeros)}, family="zero_inflated_poisson", seed=1)
    draws = fit.draws.flat("zero")
    assert (draws > low).all()
    assert (draws < high).all()
    assert fit.verdict.level == "fine"


@pytest.mark.parametrize("prior", ["sd(g) ~ Uniform(2, 3)", "sigma ~ Uniform(30, 31)"])
def test_points_are_scattered_where_their_priors_are_finite(prior: str) -> None:
    text = f"y ~ x + (1 | g)\n{prior}"
    model = pf.prepare(text, FRAME | {"y": np.exp(X + B)}, family="Gaussian(link = log)").model
    marginal = laplace_target(model).collapsed
    points = marginal.scatter(24, np.random.default_rng(1))
    assert np.isfinite(marginal.log_priors(points)).all()
    assert len(np.unique(points, axis=0)) == 24


STEEP = np.where(X > 0.9, 60.0, 1.0)


@pytest.mark.parametrize(
    ("family", "y"),
    [
        ("Poisson(link = identity)", STEEP),
        ("Gamma(link = identity)", STEEP + 0.3 * np.cos(np.arange(120))),
    ],
)
def test_latent_modes_are_found_where_least_squares_leaves_the_range_of_the_link(family: str, y: np.ndarray) -> None:
    model = pf.prepare("y ~ x + (1 | g)", FRAME | {"y": y}, family=family).model
    marginal = laplace_target(model).collapsed
    design = marginal.design
    line = np.linalg.lstsq(design.X, model.record.start(model.design.y, None), rcond=None)[0]
    assert (design.X @ line).min() < 0
    points = marginal.scatter(24, np.random.default_rng(1))
    assert np.isfinite(marginal.log_densities(points)).all()
    _, modes = marginal.solved(points, np.full((design.size, 1), -5.0), 1e-10)
    assert modes.converged.all()
