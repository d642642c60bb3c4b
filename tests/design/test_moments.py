"""Moments against products of whole matrices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from probflow_nb import api
from probflow_nb.design import products as module
from probflow_nb.design.moments import moments


def frame(n: int = 200) -> pd.DataFrame:
    """Return unbalanced rows with columns of very different size and three factors, b with few levels."""
    rng = np.random.default_rng(41)
    data = {"y": 250 + 40 * rng.standard_normal(n), "x": 1e4 + rng.standard_normal(n), "v": rng.standard_normal(n)}
    data |= {"weight": 0.1 + 5.0 * rng.random(n)}
    a = np.concatenate([np.arange(30), np.minimum(rng.geometric(0.1, n - 30) - 1, 29)])
    b = np.concatenate([np.arange(4), rng.integers(0, 4, n - 4)])
    g = np.concatenate([np.arange(11), rng.integers(0, 11, n - 11)])
    return pd.DataFrame(data).assign(a=pd.Categorical(a), b=pd.Categorical(b), g=pd.Categorical(g))


CASES = {
    "no group terms": "y ~ x + v",
    "one factor": "y ~ x + (x | a)",
    "weights": "y ~ x + weights(weight) + (x | a)",
    "offset, no intercept": "y ~ 0 + x + offset(100 * v) + (0 + v | a)",
    "crossed": "y ~ x + (1 | a) + (1 | g)",
    "three crossed, slopes, weights": "y ~ x + weights(weight) + (x | a) + (v | b) + (0 + x | b) + (1 + x + v | g)",
    "nested": "y ~ x + (1 | b / g / a)",
    "nested, slopes": "y ~ x + weights(weight) + (x | b) + (v | b:g) + (x | a)",
}


def matrices(design, found) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Return F (n, q), each factor's Z (n, J k) in scaled units and the weights."""
    s, n = found.scaling, len(design.y)
    y = design.y - (0.0 if design.offset is None else design.offset)
    F = np.column_stack([(design.X - s.x_center) / s.x_scale, (y - s.y_center) / s.y_scale])
    Z = []
    for factor in found.factors:
        z = np.concatenate([design.groups[m].z for m in factor.members], axis=1) / factor.scale
        wide = np.zeros((n, factor.n_levels, factor.n_columns))
        wide[np.arange(n), factor.index] = z
        Z.append(wide.reshape(n, -1))
    return F, Z, np.ones(n) if design.weights is None else design.weights


def check(name: str) -> None:
    design = api.prepare(CASES[name], frame()).model.design
    found = moments(design)
    F, Z, w = matrices(design, found)
    close = {"rtol": 1e-10, "atol": 1e-9}
    np.testing.assert_allclose(found.gram, F.T @ (w[:, None] * F), **close)
    assert found.n == len(design.y)
    assert found.sum_log_weights == pytest.approx(np.log(w).sum(), abs=1e-12)
    if not Z:
        assert found.factors == ()
        return
    first, rest = Z[0], np.concatenate([np.zeros((len(F), 0)), *Z[1:]], axis=1)
    J, k = found.factors[0].n_levels, found.factors[0].n_columns
    own = (first.T @ (w[:, None] * first)).reshape(J, k, J, k)
    np.testing.assert_allclose(found.first_gram, own[np.arange(J), :, np.arange(J)], **close)
    np.testing.assert_allclose(found.first_cross, (first.T @ (w[:, None] * F)).reshape(J, k, -1), **close)
    cells = np.zeros((J, k, rest.shape[1]))
    cells[found.cells.level, :, found.cells.column] = found.cells.value
    np.testing.assert_allclose(cells, (first.T @ (w[:, None] * rest)).reshape(J, k, -1), **close)
    np.testing.assert_allclose(found.rest_gram.dense(), rest.T @ (w[:, None] * rest), **close)
    np.testing.assert_allclose(found.rest_cross, rest.T @ (w[:, None] * F), **close)


@pytest.mark.parametrize("name", CASES)
def test_moments_are_products_of_matrices(name):
    check(name)


@pytest.mark.parametrize("name", ["three crossed, slopes, weights", "nested, slopes"])
def test_rows_in_small_pieces_and_pairs_found_by_sorting(name, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 7)
    monkeypatch.setattr(module, "_TABLE", 0)
    check(name)


@pytest.mark.parametrize("name", CASES)
def test_entries_of_the_rest_are_distinct_and_whole(name):
    rest = moments(api.prepare(CASES[name], frame()).model.design).rest_gram
    assert np.all(rest.row >= rest.column)
    assert np.unique(rest.row * max(rest.size, 1) + rest.column).size == rest.row.size
    assert np.isin(np.arange(rest.size), rest.row[rest.row == rest.column]).all()


def test_cells_are_sorted_and_distinct():
    cells = moments(api.prepare(CASES["nested, slopes"], frame()).model.design).cells
    key = cells.level * (cells.column.max() + 1) + cells.column
    assert np.all(np.diff(key) > 0)


def test_the_factor_with_most_effects_is_first():
    found = moments(api.prepare("y ~ x + (1 | b) + (1 | a) + (x + v | g)", frame()).model.design)
    assert [(f.name, f.n_levels * f.n_columns) for f in found.factors] == [("g", 33), ("a", 30), ("b", 4)]


def test_each_factor_alone():
    design = api.prepare(CASES["three crossed, slopes, weights"], frame()).model.design
    found = moments(design)
    F, Z, w = matrices(design, found)
    for position, (factor, z) in enumerate(zip(found.factors, Z, strict=True)):
        J, k = factor.n_levels, factor.n_columns
        gram, cross = found.own(position)
        whole = (z.T @ (w[:, None] * z)).reshape(J, k, J, k)
        np.testing.assert_allclose(gram, whole[np.arange(J), :, np.arange(J)], rtol=1e-10, atol=1e-9)
        np.testing.assert_allclose(cross, (z.T @ (w[:, None] * F)).reshape(J, k, -1), rtol=1e-10, atol=1e-9)


def test_scaled_coefficients_return_to_the_data():
    design = api.prepare("y ~ x + v", frame()).model.design
    found = moments(design)
    T, t = found.scaling.coefficients()
    p = found.n_common
    scaled = np.linalg.solve(found.gram[:p, :p], found.gram[:p, p])
    truth = np.linalg.lstsq(design.X - [0.0, 1e4, 0.0], design.y, rcond=None)[0]
    truth[0] -= 1e4 * truth[1]
    assert T @ scaled + t == pytest.approx(truth, rel=1e-8)


def test_memory_does_not_grow_with_the_product_of_levels():
    n = 30_000
    index = np.arange(n)
    data = pd.DataFrame({"y": np.sin(index), "c": pd.Categorical(index // 2), "s": pd.Categorical(index // 6)})
    found = moments(api.prepare("y ~ 1 + (1 | s) + (1 | c)", data).model.design)
    assert found.rest_gram.size == 5000
    assert found.rest_gram.value.size == 5000
    assert found.cells.level.size == 15_000
