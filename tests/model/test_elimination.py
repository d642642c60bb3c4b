"""The block elimination against V = W^-1 + Z Delta Delta' Z' written out as an (n, n) matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from probflow_nb import api
from probflow_nb.backend.tensorflow import load
from probflow_nb.model import covariance
from probflow_nb.model.criterion import Criterion
from probflow_nb.model.dense_rest import DenseRest
from probflow_nb.model.elimination import elimination, reduce
from probflow_nb.model.marginal import Marginal
from probflow_nb.model.sparse_rest import SparseRest

FORMS = ("dense", "sparse", "auto")


def frame(n: int, seed: int, **factors: Callable[[np.random.Generator, int], np.ndarray]) -> pd.DataFrame:
    """Return n rows of y, x, v, w, positive weights, and factors made by the given functions."""
    rng = np.random.default_rng(seed)
    data = {name: rng.standard_normal(n) for name in "yxv"}
    data |= {"c": 1.0 + rng.random(n), "weight": 0.2 + 3.0 * rng.random(n)}
    # Zero for a third of the rows: a level may meet nothing through this column.
    data["x0"] = np.where(rng.random(n) < 0.33, 0.0, data["x"])
    return pd.DataFrame(data | {name: pd.Categorical(make(rng, n)) for name, make in factors.items()})


def at_random(levels: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda rng, n: np.concatenate([np.arange(levels), rng.integers(0, levels, n - levels)])


def skewed(levels: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    def make(rng: np.random.Generator, n: int) -> np.ndarray:
        return np.minimum(rng.geometric(0.15, n) - 1, levels - 1)

    return make


def chain() -> pd.DataFrame:
    """Return two factors of which level i of one meets levels i and i + 1 of the other only."""
    data = frame(160, 11)
    a = np.repeat(np.arange(40), 4)
    b = np.minimum(a + np.tile([0, 0, 1, 1], 40), 39)
    return data.assign(a=pd.Categorical(a), b=pd.Categorical(b))


def islands() -> pd.DataFrame:
    """Return crossed factors in four parts that never meet, and a level that is alone."""
    data = frame(120, 12)
    part = np.arange(120) % 4
    rng = np.random.default_rng(3)
    a, b = part * 5 + rng.integers(0, 5, 120), part * 3 + rng.integers(0, 3, 120)
    a[0], b[0] = 77, 55
    return data.assign(a=pd.Categorical(a), b=pd.Categorical(b))


def balanced() -> pd.DataFrame:
    """Return a full table of 6 x 4 x 2, where all blocks are equal."""
    data = frame(48, 13)
    rows = np.arange(48)
    return data.assign(a=pd.Categorical(rows // 8), b=pd.Categorical(rows // 2 % 4))


def three() -> pd.DataFrame:
    return frame(150, 14, a=at_random(4), b=skewed(6), g=at_random(12))


TWO = {"a": at_random(14), "b": skewed(9)}
CASES: dict[str, tuple[str, Callable[[], pd.DataFrame]]] = {
    "no group terms": ("y ~ x", lambda: frame(30, 1)),
    "k 1": ("y ~ x + (1 | a)", lambda: frame(60, 2, a=skewed(12))),
    "k 2": ("y ~ x + (x | a)", lambda: frame(70, 3, a=skewed(10))),
    "k 3": ("y ~ x + (x + v | a)", lambda: frame(90, 4, a=skewed(8))),
    "k 4, no intercept": ("y ~ 0 + x + (x + v + c | a)", lambda: frame(120, 5, a=at_random(9))),
    "k 2 and 1 on one factor": ("y ~ x + (x || a) + (0 + v | a)", lambda: frame(80, 6, a=skewed(9))),
    "crossed": ("y ~ x + (1 | a) + (1 | b)", lambda: frame(90, 7, **TWO)),
    "crossed, weights": ("y ~ x + weights(weight) + (1 | a) + (1 | b)", lambda: frame(90, 7, **TWO)),
    "crossed, k 2 and 2": ("y ~ x + (x | a) + (v | b)", lambda: frame(140, 8, **TWO)),
    "crossed, k 3 and 2": ("y ~ x + (x + v | a) + (v || b)", lambda: frame(140, 9, **TWO)),
    "crossed, k 1 and 3": ("y ~ x + (1 | a) + (x + v | b)", lambda: frame(140, 10, **TWO)),
    "crossed, offset": ("y ~ x + offset(v) + (1 | a) + (1 | b)", lambda: frame(90, 7, **TWO)),
    "terms of one factor": ("y ~ x + (1 | a) + (1 | b) + (0 + x | b)", lambda: frame(90, 7, **TWO)),
    "slopes of zeros": ("y ~ x + (0 + x0 | a) + (0 + x0 | b)", lambda: frame(60, 15, a=at_random(25), b=skewed(9))),
    "balanced": ("y ~ x + (1 | a) + (1 | b)", balanced),
    "nested": ("y ~ x + (1 | a / b)", lambda: frame(120, 16, **TWO)),
    "nested, k 2 and 2, weights": ("y ~ x + weights(weight) + (x | a / b)", lambda: frame(200, 17, **TWO)),
    "nested, upper level larger": ("y ~ x + (x + v | a) + (1 | a:b)", lambda: frame(60, 18, **TWO)),
    "three levels": ("y ~ x + (1 | a / b / g)", three),
    "three levels, k 2 in the middle": ("y ~ x + (1 | a) + (x | a:b) + (1 | a:b:g)", three),
    "three crossed": ("y ~ x + (1 | a) + (1 | b) + (x | g)", three),
    "nested and crossed": ("y ~ x + (1 | a / b) + (v | g)", three),
    "chain": ("y ~ x + (1 | a) + (x | b)", chain),
    "islands": ("y ~ x + (1 | a) + (1 | b)", islands),
}


def model(name: str) -> Marginal:
    formula, make = CASES[name]
    return api.prepare(formula, make()).model.marginal


def scaled(marginal: Marginal, design) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return F = [X y], (n, q), and each eliminated factor's Z (n, J k) in the scaled units of the moments."""
    s = marginal.moments.scaling
    y = design.y - (0.0 if design.offset is None else design.offset)
    F = np.column_stack([(design.X - s.x_center) / s.x_scale, (y - s.y_center) / s.y_scale])
    Z = []
    for factor in marginal.moments.factors:
        z = np.concatenate([design.groups[m].z for m in factor.members], axis=1) / factor.scale
        wide = np.zeros((len(y), factor.n_levels, factor.n_columns))
        wide[np.arange(len(y)), factor.index] = z
        Z.append(wide.reshape(len(y), -1))
    return F, Z


def truth(F: np.ndarray, Z: list[np.ndarray], deltas: list[np.ndarray], w: np.ndarray | None):
    """Return K and log det V, less that of W^-1, of one set of Delta."""
    W = np.ones(len(F)) if w is None else w
    V = np.diag(1.0 / W)
    for z, delta in zip(Z, deltas, strict=True):
        big = z @ np.kron(np.eye(z.shape[1] // len(delta)), delta)
        V += big @ big.T
    return F.T @ np.linalg.solve(V, F), np.linalg.slogdet(V)[1] + np.log(W).sum()


def dense_deltas(factors: list[covariance.Lower]) -> list[np.ndarray]:
    """Return each factor's Delta, (S, k, k), from its entries."""
    found = []
    for delta in factors:
        S, k = delta[0][0].shape[0], len(delta)
        out = np.zeros((S, k, k))
        for i in range(k):
            for j in range(i + 1):
                out[:, i, j] = 0.0 if delta[i][j] is None else delta[i][j].numpy()[:, 0]
        found.append(out)
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CASES)
def test_reduced_equals_dense_algebra(name, form):
    formula, make = CASES[name]
    unfitted = api.prepare(formula, make()).model
    marginal, design = unfitted.marginal, unfitted.design
    constants = elimination(marginal.moments, form)
    theta = np.random.default_rng(0).normal(scale=0.8, size=(3, marginal.size))
    factors = marginal.factors(load().constant(theta))
    reduced = reduce(constants, factors)
    K, log_det = np.broadcast_to(reduced.K, (3, *reduced.K.shape[1:])), np.broadcast_to(reduced.log_det, 3)
    F, Z = scaled(marginal, design)
    for s in range(3):
        expected, expected_det = truth(F, Z, [d[s] for d in dense_deltas(factors)], design.weights)
        scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
        assert np.abs(K[s] - expected).max() < 1e-9 * scale.max()
        assert np.all(np.abs(K[s] - expected) < 1e-9 * scale + 1e-12)
        assert log_det[s] == pytest.approx(expected_det, rel=1e-9, abs=1e-9)
    if constants.rest is not None and form != "auto":
        assert isinstance(constants.rest, DenseRest if form == "dense" else SparseRest)


@pytest.mark.parametrize("form", ["dense", "sparse"])
@pytest.mark.parametrize("name", ["nested, k 2 and 2, weights", "three levels", "chain"])
def test_variance_of_zero_is_no_special_case(name, form):
    marginal = model(name)
    forced = Criterion(replace(marginal, constants=elimination(marginal.moments, form)), reml=False)
    at_zero = forced.values(np.zeros((1, forced.size)))[0]
    near = forced.values(np.full((1, forced.size), 1e-7))[0]
    assert np.isfinite(at_zero)
    assert near == pytest.approx(at_zero, abs=1e-6)


@pytest.mark.parametrize("name", ["nested, k 2 and 2, weights", "three levels", "crossed, k 3 and 2", "chain"])
def test_gradient_of_the_sparse_form_is_that_of_differences(name):
    tf = load()
    marginal = model(name)
    marginal = replace(marginal, constants=elimination(marginal.moments, "sparse"))
    theta = np.random.default_rng(1).normal(scale=0.4, size=(2, marginal.size))
    with tf.GradientTape() as tape:
        x = tf.constant(theta)
        tape.watch(x)
        value = tf.reduce_sum(marginal.log_density(x))
    gradient = tape.gradient(value, x).numpy()
    h = 1e-5
    for j in range(marginal.size):
        step = np.eye(marginal.size)[j] * h
        difference = (marginal.log_densities(theta + step) - marginal.log_densities(theta - step)) / (2 * h)
        assert gradient[:, j] == pytest.approx(difference, rel=1e-5, abs=1e-5)


def nested_frame(schools: int, classes: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    c = np.concatenate([np.arange(schools * classes), rng.integers(0, schools * classes, n - schools * classes)])
    return pd.DataFrame({"y": rng.standard_normal(n), "school": pd.Categorical(c // classes), "c": pd.Categorical(c)})


def test_upper_levels_of_nested_factors_cost_in_proportion():
    small, large = (
        api.prepare("y ~ 1 + (1 | school) + (1 | c)", nested_frame(J, 3, 5 * J)).model.marginal.constants
        for J in (500, 4000)
    )
    for constants in (small, large):
        assert isinstance(constants.rest, SparseRest)
        assert constants.rest.plan.remainder == 0
    assert large.rest.width == 8 * small.rest.width
    assert large.cost < 9 * small.cost
    # A dense matrix of the larger would be 16 million numbers.
    assert large.rest.pattern.size == 4000


@pytest.mark.parametrize(
    ("formula", "data", "form"),
    [
        ("y ~ 1 + (1 | a) + (1 | b)", lambda: frame(4000, 21, a=at_random(200), b=at_random(150)), DenseRest),
        ("y ~ 1 + (1 | school) + (1 | c)", lambda: nested_frame(20, 3, 200), DenseRest),
        ("y ~ 1 + (1 | school) + (1 | c)", lambda: nested_frame(200, 3, 1000), SparseRest),
    ],
    ids=["crossed", "nested, few levels", "nested"],
)
def test_the_form_of_less_cost_is_chosen(formula, data, form):
    moments = api.prepare(formula, data()).model.marginal.moments
    chosen = elimination(moments)
    assert isinstance(chosen.rest, form)
    assert chosen.cost <= min(elimination(moments, "dense").cost, elimination(moments, "sparse").cost) * 1.5


def test_a_sparse_part_beside_a_dense_one():
    rng = np.random.default_rng(6)
    data = nested_frame(400, 3, 3000).assign(t=pd.Categorical(rng.integers(0, 60, 3000)))
    marginal = api.prepare("y ~ 1 + (1 | school) + (1 | c) + (1 | t)", data).model.marginal
    assert isinstance(marginal.constants.rest, SparseRest)
    assert 0 < marginal.constants.rest.plan.remainder <= 60
    dense = replace(marginal, constants=elimination(marginal.moments, "dense"))
    theta = rng.normal(scale=0.5, size=(2, marginal.size))
    assert marginal.log_densities(theta) == pytest.approx(dense.log_densities(theta), rel=1e-11)
