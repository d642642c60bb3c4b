"""Ordered responses: categories by their order, whole numbers in a row; what is refused, with its place in the text."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf

RNG = np.random.default_rng(4)
N = 60
CODES = RNG.permutation(np.arange(N) % 3)
X = RNG.normal(10.0, 2.0, N)
LEVELS = ("low", "mid", "high")


def categories(levels, ordered=True):
    return pd.Categorical.from_codes(CODES, levels, ordered=ordered)


FRAME = pd.DataFrame(
    {
        "pain": categories(LEVELS),
        "unused": categories((*LEVELS, "worst")),
        "loose": categories(LEVELS, ordered=False),
        "text": np.array(LEVELS)[CODES],
        "two": np.array(["no", "yes"])[CODES // 2],
        "score": CODES + 4,
        "gap": np.array([1, 2, 4])[CODES],
        "spread": np.array([1, 40, 100])[CODES],
        "half": CODES + 0.5 * (np.arange(N) == 7),
        "same": np.full(N, 3),
        "alone": pd.Categorical.from_codes(np.zeros(N, int), LEVELS, ordered=True),
        "many": pd.Categorical.from_codes(CODES, [f"c{i}" for i in range(9)], ordered=True),
        "flag": CODES > 0,
        "x": X,
        "f": np.array(["a", "b", "c"])[RNG.integers(0, 3, N)],
        "g": np.array(list("pqrstu"))[np.arange(N) % 6],
    }
)


def design_of(formula):
    return pf.prepare(formula, FRAME, family="ordinal").model.design


@pytest.mark.parametrize(
    ("left", "levels", "y"),
    [
        ("pain", LEVELS, CODES + 1),
        ("unused", (*LEVELS, "worst"), CODES + 1),
        ("score", ("4", "5", "6"), CODES + 1),
        ("gap", ("1", "2", "3", "4"), np.array([1, 2, 4])[CODES]),
        ("score - 4", ("0", "1", "2"), CODES + 1),
        ("flag", ("0", "1"), (CODES > 0) + 1),
    ],
)
def test_categories_are_numbered_from_one(left, levels, y):
    model = pf.prepare(f"{left} ~ x + (1 | g)", FRAME, family="ordinal").model
    assert model.design.response_levels == levels
    np.testing.assert_array_equal(model.design.y, y)
    assert model.auxiliary == tuple(f"cut[{a}|{b}]" for a, b in pairwise(levels))


def test_polars_enums_and_missing_values():
    pl = pytest.importorskip("polars")
    values = [None if i == 3 else LEVELS[c] for i, c in enumerate(CODES)]
    frame = pl.DataFrame(
        {"pain": pl.Series(values, dtype=pl.Enum(LEVELS)), "x": FRAME.x.to_numpy(), "g": FRAME.g.tolist()}
    )
    design = pf.prepare("pain ~ x + (1 | g)", frame, family="ordinal").model.design
    assert design.response_levels == LEVELS
    assert design.n_missing == 1
    np.testing.assert_array_equal(design.y, np.delete(CODES, 3) + 1)


@pytest.mark.parametrize(
    ("right", "names"),
    [
        ("x", ("x",)),
        ("0 + x", ("x",)),
        ("f", ("f[b]", "f[c]")),
        ("x + f", ("x", "f[b]", "f[c]")),
        ("0 + f", ("f[b]", "f[c]")),
        ("x * f", ("x", "f[b]", "f[c]", "x:f[b]", "x:f[c]")),
        ("1", ()),
    ],
)
def test_cutpoints_stand_in_the_place_of_the_intercept(right, names):
    design = design_of(f"pain ~ {right} + (1 | g)")
    assert design.column_names == names
    assert not design.has_intercept
    assert design.dropped_columns == ()
    # The columns are those beside the intercept of any other model.
    other = pf.prepare(f"score ~ 1 + {right.removeprefix('0 + ')} + (1 | g)", FRAME).model.design
    np.testing.assert_array_equal(design.X, other.X[:, 1:])
    np.testing.assert_array_equal(design.encoding.rows(FRAME[:7]).X, design.X[:7])


@pytest.mark.parametrize(
    ("left", "said", "advice"),
    [
        ("text", "without an order", "ordered=True"),
        ("loose", "without an order", "ordered=True"),
        ("two", "without an order", "Bernoulli"),
        ("half", "1 value is not whole", "Number the categories"),
        ("x + 1", "60 values are not whole", "Number the categories"),
        ("spread", "no categories in a row", "ordered categorical"),
        ("same", "one category", "left out"),
        ("alone", "one category", "left out"),
        ("many", "9 categories, of which 3 occur", "remove_unused_categories"),
    ],
)
def test_what_is_no_ordered_response_is_refused_with_its_place(left, said, advice):
    with pytest.raises(pf.DataError) as caught:
        pf.lme(f"{left} ~ f + (1 | g)", FRAME, family="ordinal")
    message = str(caught.value)
    assert said in message
    assert advice in message
    assert f"\n    {left} ~ f + (1 | g)\n    {'^' * len(left)}\n" in message


def test_default_priors_of_cuts_are_as_wide_as_the_predictors_are_far():
    text = pf.prepare("pain ~ x + (1 | g)", FRAME, family="ordinal").model.spec.text()
    width = 2.5 * np.hypot(1.0, X.mean() / X.std(ddof=1))
    assert f"StudentT(3, 0, {width:.3g})" in text
    assert f"Normal(0, {2.5 / X.std(ddof=1):.4g})" in text
    alone = pf.prepare("pain ~ 1 + (1 | g)", FRAME, family="ordinal").model.priors.auxiliary
    assert [prior.label for prior in alone] == ["StudentT(3, 0, 2.5)"] * 2
