"""Responses that are not just a number: counts out of trials, two levels, booleans; and those that are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.predict.mixed import new_values

FRAME = pd.DataFrame(
    {
        "hits": [1, 0, 3, 2],
        "tries": [4, 2, 3, 5],
        "won": ["no", "yes", "yes", "no"],
        "flag": [True, False, True, True],
        "three": ["a", "b", "c", "a"],
        "same": [1, 1, 1, 1],
        "half": [0.5, 1.0, 2.0, 1.0],
        "x": [0.1, 0.4, -0.3, 0.8],
        "g": ["p", "p", "q", "q"],
    }
)


@pytest.mark.parametrize(
    ("left", "family", "y", "trials", "levels"),
    [
        ("hits / tries", "binomial", [1, 0, 3, 2], [4, 2, 3, 5], ()),
        ("hits / 5", "binomial", [1, 0, 3, 2], [5, 5, 5, 5], ()),
        ("won", "bernoulli", [0, 1, 1, 0], None, ("no", "yes")),
        ("won", "binomial", [0, 1, 1, 0], None, ("no", "yes")),
        ("flag", "bernoulli", [1, 0, 1, 1], None, ("False", "True")),
        ("hits", "poisson", [1, 0, 3, 2], None, ()),
    ],
)
def test_response_and_trials(left, family, y, trials, levels):
    design = pf.prepare(f"{left} ~ x + (1 | g)", FRAME, family=family).model.design
    np.testing.assert_array_equal(design.y, y)
    assert design.response_levels == levels
    if trials is None:
        assert design.trials is None
    else:
        np.testing.assert_array_equal(design.trials, trials)


@pytest.mark.parametrize(
    ("left", "family", "said"),
    [
        ("three", "bernoulli", "has 3 levels"),
        ("same", "poisson", "1 in every row"),
        ("half", "poisson", "whole"),
        ("x", "poisson", "at least 0"),
        ("hits", "bernoulli", "0 or 1"),
        ("tries / hits", "binomial", "Trials"),
    ],
)
def test_responses_that_do_not_fit_their_family(left, family, said):
    with pytest.raises(pf.DataError, match=said):
        pf.prepare(f"{left} ~ 1 + (1 | g)", FRAME, family=family)


def test_default_priors_are_on_the_scale_of_the_link_and_are_said():
    text = pf.prepare("hits / tries ~ x + (x | g)", FRAME, family="binomial").model.spec.text()
    width = 2.5 / FRAME.x.std()
    for line in (
        "centered(w[Intercept]) ~ Normal(0, 2.5)",
        f"w[x] ~ Normal(0, {width:.4g})",
        "tau[Intercept] ~ HalfStudentT(3, 0, 2.5)",
        f"tau[x] ~ HalfStudentT(3, 0, {width:.4g})",
        "hits ~ Binomial(tries, logit = X @ w + Z @ u)",
    ):
        assert line in text
    assert "sigma" not in text
    counts = pf.prepare("hits ~ x + (1 | g)", FRAME, family="poisson").model.spec.text()
    assert f"centered(w[Intercept]) ~ Normal({np.log(1.5):.3f}, 2.5)" in counts


@pytest.mark.parametrize(
    ("left", "family", "said"),
    [
        ("below", "poisson", "at least 0"),
        ("below", "negative_binomial", "at least 0"),
        ("half", "negative_binomial", "whole numbers"),
        ("half", "zero_inflated_poisson", "whole numbers"),
        ("below", "zero_inflated_negative_binomial", "at least 0"),
        ("same", "negative_binomial", "1 in every row"),
        ("same", "zero_inflated_poisson", "1 in every row"),
        ("same", "bernoulli", "1 in every row"),
        ("hits / small", "binomial", "above their trials"),
        ("half / tries", "binomial", "whole numbers"),
        ("below / tries", "binomial", "at least 0"),
    ],
)
def test_a_count_that_is_none_is_refused_with_its_place_in_the_text(left, family, said):
    frame = FRAME.assign(below=[1, -1, 2, 0], small=[4, 2, 2, 5])
    with pytest.raises(pf.DataError) as caught:
        pf.lme(f"{left} ~ x + (1 | g)", frame, family=family)
    assert said in str(caught.value)
    assert f"\n    {left} ~ x + (1 | g)\n    {'^' * len(left)}\n" in str(caught.value)


def test_defaults_of_counts_out_of_trials_are_of_their_proportions():
    share = (FRAME.hits / FRAME.tries).mean()
    text = pf.prepare("hits / tries ~ x + (1 | g)", FRAME, family="Binomial(link = log)").model.spec.text()
    assert f"centered(w[Intercept]) ~ Normal({np.log(share):.3f}, 2.5)" in text


def test_new_rows_of_a_boolean_response_may_hold_numbers():
    model = pf.prepare("flag ~ x + (1 | g)", FRAME, family="bernoulli").model
    rows = FRAME.assign(flag=[0.0, 1.0, np.nan, 1.0])
    for flag, expected in ((FRAME["flag"], [1.0, 0.0, 1.0, 1.0]), (rows["flag"], rows["flag"])):
        np.testing.assert_array_equal(new_values(model, rows.assign(flag=flag)), expected)
