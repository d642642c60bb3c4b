"""Addition: moments of rows added later against one pass over all of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probflow_nb.design.addition import added
from probflow_nb.design.builder import build
from probflow_nb.design.growth import grown
from probflow_nb.design.moments import moments
from probflow_nb.errors import DataError
from probflow_nb.lang import parse
from probflow_nb.spec.formula import lower

TEXTS = (
    "y ~ x + v",
    "y ~ x + (x | a)",
    "y ~ x + weights(w) + (x || a)",
    "y ~ 0 + x + offset(100 * v) + (0 + v | a)",
    "y ~ x + (1 | a) + (1 | t)",
    "y ~ c + weights(w) + (x | a) + (v | t) + (0 + x | t) + (1 + x | d)",
    "y ~ x:c + (1 | d / t) + (1 | a)",
    "y ~ 1 + (x | t) + (v | t:d) + (0 + c | a)",
)


def frame(seed: int, n: int) -> pd.DataFrame:
    """Return unbalanced rows, some with missing values; a: numbers, t: text, d: categories in an order of their own."""
    rng = np.random.default_rng(seed)
    data = {"y": 250 + 40 * rng.standard_normal(n), "x": 1e4 + rng.standard_normal(n), "v": rng.standard_normal(n)}
    d = pd.DataFrame(data).assign(w=0.1 + 5.0 * rng.random(n), c=np.tile(["p", "q", "r"], n)[:n])
    d = d.assign(a=3 * rng.geometric(0.15, n) - 20, t=rng.choice(["z", "m", "b", "k", "Ω"], n))
    d["d"] = pd.Categorical(rng.choice(["low", "mid", "high"], n), ["low", "mid", "high"])
    d.loc[rng.random(n) < 0.05, "x"] = np.nan
    return d


def same(one, other) -> None:
    """Hold two moments to each other, entries of the rest by their places."""
    close = {"rtol": 1e-9, "atol": 1e-9}
    assert one.n == other.n
    assert [(f.name, f.levels, f.members, f.widths) for f in one.factors] == [
        (f.name, f.levels, f.members, f.widths) for f in other.factors
    ]
    for f, g in zip(one.factors, other.factors, strict=True):
        np.testing.assert_array_equal(f.index, g.index)
        np.testing.assert_allclose(f.scale, g.scale, rtol=1e-12)
    for name in ("y_center", "y_scale", "x_center", "x_scale"):
        np.testing.assert_allclose(getattr(one.scaling, name), getattr(other.scaling, name), rtol=1e-12, atol=1e-12)
    for name in ("gram", "first_gram", "first_cross", "rest_cross", "sum_log_weights"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), **close)
    for name in ("level", "column"):
        np.testing.assert_array_equal(getattr(one.cells, name), getattr(other.cells, name))
    np.testing.assert_allclose(one.cells.value, other.cells.value, **close)
    np.testing.assert_allclose(one.rest_gram.dense(), other.rest_gram.dense(), **close)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TEXTS), st.integers(0, 10_000), st.data())
def test_moments_of_rows_in_pieces_are_those_of_all_rows(text, seed, draw):
    d = frame(seed, 60)
    ends = sorted(draw.draw(st.sets(st.integers(30, 59), min_size=1, max_size=3)))
    spec = lower(parse(text))
    design = build(spec, d[: ends[0]])
    held = moments(design)
    for start, stop in zip(ends, [*ends[1:], 60], strict=True):
        if d[start:stop].isna().any(axis=1).all():
            return
        more = grown(design, d[start:stop])
        held, design = added(held, design, more), more
    whole = build(spec, d)
    same(held, moments(design))
    same(held, moments(whole))
    assert [g.levels for g in design.groups] == [g.levels for g in whole.groups]
    assert (design.n_rows, design.n_missing) == (whole.n_rows, whole.n_missing)
    if whole.rows is not None:
        np.testing.assert_array_equal(design.rows, whole.rows)


def test_a_column_without_values_at_first_gets_its_scale_from_the_new_rows():
    d = frame(3, 60).dropna()
    d["v"] = np.where(np.arange(len(d)) < 30, 0.0, d["v"])
    spec = lower(parse("y ~ x + (0 + v | t) + (1 | a)"))
    design = build(spec, d[:30])
    more = grown(design, d[30:])
    same(added(moments(design), design, more), moments(build(spec, d)))


def test_transforms_keep_what_they_learned_from_the_first_rows():
    d = frame(4, 60).dropna()
    spec = lower(parse("y ~ scale(x) + poly(v, 2) + C(c, Sum) + (1 | t)"))
    design, more = build(spec, d[:30]), grown(build(spec, d[:30]), d[30:])
    np.testing.assert_array_equal(more.X[30:], design.encoding.rows(d[30:]).X)
    assert abs(build(spec, d).X[30, 1] - more.X[30, 1]) > 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"c": ["p", "s", "q"]}, 'has the level "s"'),
        ({"x": ["1", "2", "3"]}, "holds text or categories in the new rows, but numbers"),
        ({"w": [1.0, -1.0, 2.0]}, "Weights must be above 0"),
        ({"v": [1.0, np.inf, 2.0]}, "infinite value"),
        ({"y": [np.nan] * 3}, "Every value of the column"),
    ],
)
def test_rows_that_cannot_be_added_are_refused_where_they_fail(change, message):
    d = frame(5, 60).dropna()
    spec = lower(parse("y ~ x + c + v + weights(w) + (1 | t)"))
    with pytest.raises(DataError, match=message) as caught:
        grown(build(spec, d), d[:3].assign(**change))
    assert "^" in str(caught.value)
