"""Fits side by side: lme4's anova() on sleepstudy, evidence with its error, and what is refused."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb import Exact, FitError, Point, UsageError, compare, datasets, lme
from probflow_nb.fit.yardsticks import nested

ONE = "Reaction ~ Days + (1 | Subject)"
APART = "Reaction ~ Days + (Days || Subject)"
BOTH = "Reaction ~ Days + (Days | Subject)"
FLAT = "Reaction ~ 1 + (Days | Subject)"
NULL = "Reaction ~ 1 + (1 | Subject)"


@cache
def fitted(text: str, kind: str = "ml") -> pf.Fit:
    engines = {"ml": Point(reml=False), "reml": Point(), "exact": Exact(draws=500)}
    return lme(text, datasets.sleepstudy(), engine=engines[kind], seed=1)


# R 4.5, lme4 1.1-31: anova() of lmer(..., REML = FALSE) fits: npar, AIC, BIC, logLik, deviance, Chisq, Df, Pr(>Chisq).
ANOVA = {
    (ONE, APART, BOTH): [
        (4, 1802.078643, 1814.850470, -897.0393215, 1794.078643, np.nan, np.nan, np.nan),
        (5, 1762.003255, 1777.968039, -876.0016276, 1752.003255, 42.07538786063, 1, 8.782158506e-11),
        (6, 1763.939344, 1783.097086, -875.9696722, 1751.939344, 0.06391065561, 1, 8.004184642e-01),
    ],
    (NULL, FLAT, BOTH): [
        (3, 1916.541058, 1926.119929, -955.2705290, 1910.541058, np.nan, np.nan, np.nan),
        (5, 1785.475882, 1801.440666, -887.7379410, 1775.475882, 135.06517611, 2, 4.687806306e-30),
        (6, 1763.939344, 1783.097086, -875.9696722, 1751.939344, 23.53653747, 1, 1.225639973e-06),
    ],
}
FIGURES = ["parameters", "aic", "bic", "log_lik", "deviance", "chisq", "df", "p_value"]


@pytest.mark.parametrize("texts", ANOVA)
def test_maximum_likelihood_is_compared_as_lme4_does(texts):
    found = compare({text: fitted(text) for text in reversed(texts)}).frame()
    assert list(found.index) == list(texts)  # by the number of parameters
    expected = np.array(ANOVA[texts])
    figures = found[FIGURES].to_numpy(float)
    np.testing.assert_allclose(figures[:, :7], expected[:, :7], rtol=0, atol=2e-5)
    np.testing.assert_allclose(figures[:, 7], expected[:, 7], rtol=1e-5)


def test_reml_of_the_same_common_effects_is_compared_as_lme4_does():
    found = compare(fitted(ONE, "reml"), fitted(BOTH, "reml")).frame()
    # anova(..., refit = FALSE)
    expected = [
        [1794.465085, 1807.236913, -893.2325427, 1786.465085],
        [1755.628272, 1774.786013, -871.814136, 1743.628],
    ]
    np.testing.assert_allclose(found[["aic", "bic", "log_lik", "criterion"]], expected, atol=3e-4)
    np.testing.assert_allclose(found[["chisq", "df", "p_value"]].iloc[1], [42.83681, 2, 4.99e-10], rtol=1e-4)


def test_evidence_stands_with_the_error_of_its_difference():
    fits = {"both": fitted(BOTH, "exact"), "one": fitted(ONE, "exact")}
    found = compare(fits)
    frame = found.frame()
    best, other = fits["both"].log_evidence, fits["one"].log_evidence
    assert list(frame.columns[:4]) == ["formula", "rows", "engine", "parameters"]
    assert list(frame["log_evidence"]) == [best.value, other.value]
    assert frame.loc["both", "difference"] == 0.0
    assert frame.loc["one", "difference"] == pytest.approx(other.value - best.value)
    assert frame.loc["one", "difference"] < -10
    assert frame.loc["one", "difference_error"] == pytest.approx(np.hypot(best.error, other.error))
    assert np.isnan(frame.loc["both", "difference_error"])
    assert frame.loc["one", "bayes_factor"] == pytest.approx(np.exp(other.value - best.value))
    assert [note for note in found.notes if "Bayes factors" in note and "rest on the priors" in note]
    assert "deviance" not in frame


def test_what_shares_nothing_is_told_which_engine_to_take():
    found = compare({"a": fitted(BOTH, "exact"), "b": fitted(ONE)})
    assert found.notes == (
        "Nothing here compares: a has a log evidence; b has a deviance. "
        "Fit each with engine=Exact() and proper priors for its log evidence.",
    )
    three = compare({"a": fitted(BOTH, "exact"), "b": fitted(ONE), "c": fitted(BOTH)})
    assert list(three.names) == ["a", "b", "c"]
    assert three.frame().loc["c", "chisq"] == pytest.approx(42.1393, abs=1e-3)
    assert three.notes[-1].startswith("Nothing here compares a with others: a has a log evidence.")


def test_the_table_is_text_and_html_that_a_name_cannot_leave():
    found = compare({"<img src=x>": fitted(ONE), "b": fitted(BOTH)})
    lines = repr(found).split("\n")
    heads = [
        "model",
        "formula",
        "parameters",
        "AIC",
        "BIC",
        "log",
        "lik.",
        "deviance",
        "χ²",
        "df",
        "p",
    ]
    assert lines[0].split() == heads
    assert lines[1].split()[-4:] == ["1,802.1", "1,814.9", "−897.04", "1,794.08"]
    assert lines[2].split()[-4:] == ["1,751.94", "42.14", "2", "7.07e−10"]
    assert lines[3] == "All models: 180 rows, engine Point (ML)."
    assert "0 is its smallest value" in lines[4]
    html = found._repr_html_()
    assert "<img" not in html
    assert html.count('<th scope="row"') == 2
    assert "1,751.94" in html


def test_models_that_are_not_nested_are_not_tested():
    data = datasets.sleepstudy().assign(other=lambda d: np.sin(d.index.to_numpy()))
    a = lme(ONE, data, engine=Point(reml=False))
    b = lme("Reaction ~ other + (other | Subject)", data, engine=Point(reml=False), name="b")
    found = compare({"a": a, "b": b})
    assert found.frame()[["chisq", "df", "p_value"]].isna().all(axis=None)
    assert found.notes == ("a is not nested in b: AIC and BIC compare them, no test does.",)


NESTED = [
    (ONE, BOTH, True),
    (ONE, APART, True),
    (APART, BOTH, True),
    (BOTH, APART, False),
    (BOTH, ONE, False),
    (FLAT, BOTH, True),
    (BOTH, FLAT, False),
    ("Reaction ~ Days + (0 + Days | Subject)", BOTH, True),
    ("Reaction ~ poly(Days, 1) + (1 | Subject)", BOTH, True),
    ("Reaction ~ Days + (1 | Subject)", "Reaction ~ poly(Days, 2) + (1 | Subject)", True),
    ("Reaction ~ Days + weights(Days + 1) + (1 | Subject)", ONE, False),
    ("Reaction ~ Days + offset(Days) + (1 | Subject)", BOTH, False),
    ("Reaction ~ Days", ONE, True),
    (ONE, "Reaction ~ Days + (1 | day)", False),
]


@pytest.mark.parametrize(("small", "large", "expected"), NESTED)
def test_nested(small, large, expected):
    data = datasets.sleepstudy().assign(day=lambda d: d.Days.astype(str))
    models = [pf.prepare(text, data).model for text in (small, large)]
    assert nested(*models) is expected


def test_names_come_from_the_fits_and_stay_apart():
    data = datasets.sleepstudy()
    a = lme(ONE, data, engine=Point(reml=False), name="m")
    b = lme(BOTH, data, engine=Point(reml=False), name="m")
    assert compare(a, b).names == ("m", "m (2)")
    assert compare(fitted(ONE), fitted(BOTH)).names == ("model 1", "model 2")


def refused(case: str):
    data = datasets.sleepstudy()
    few = data.assign(x=np.where(data.index < 7, np.nan, 1.0 + data.Days))
    moved = data.assign(x=np.where(data.index >= 173, np.nan, 1.0 + data.Days))
    ml = Point(reml=False)
    fits = {
        "response": lambda: lme("Days ~ Reaction + (1 | Subject)", data, engine=ml),
        "scaled": lambda: lme("scale(Reaction) ~ Days + (1 | Subject)", data, engine=ml),
        "rows": lambda: lme("Reaction ~ x + (1 | Subject)", few, engine=ml),
        "order": lambda: lme(ONE, data.iloc[::-1], engine=ml),
        "unfitted": lambda: pf.prepare(BOTH, data),
        "reml": lambda: fitted(BOTH, "reml"),
        "word": lambda: "sleep",
    }
    if case == "alone":
        return compare(fitted(ONE))
    if case == "common":
        return compare({"a": fitted(BOTH, "reml"), "b": fitted(FLAT, "reml")})
    if case == "other rows":
        return compare({"a": fits["rows"](), "b": lme("Reaction ~ x + (1 | Subject)", moved, engine=ml)})
    return compare({"a": fitted(ONE), "b": fits[case]()})


REFUSED = {
    "response": (FitError, "a is a model of Reaction and b of Days, and their values differ."),
    "scaled": (FitError, "a is a model of Reaction and b of scale(Reaction), and their values differ."),
    "rows": (FitError, "a was fitted to 180 rows and b to 173, so that they are not of the same data."),
    "other rows": (FitError, "a and b were fitted to different rows."),
    "order": (FitError, "a and b were fitted to different values of Reaction."),
    "unfitted": (UsageError, "b is not fitted yet."),
    "reml": (FitError, "b was fitted by REML and a by maximum likelihood, and the two criteria do not compare."),
    "common": (FitError, "b and a were fitted by REML and have different common effects"),
    "word": (UsageError, "compare takes fits, not 'sleep' (str)."),
    "alone": (UsageError, "compare takes two fits or more."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_compared_is_refused_with_what_to_do(case):
    kind, sentence = REFUSED[case]
    with pytest.raises(kind) as found:
        refused(case)
    assert found.value.message.startswith(sentence)
    assert found.value.hint


def test_models_that_no_engine_has_a_figure_of_are_compared_by_their_predictions():
    data = pd.DataFrame({"y": [0, 1] * 20, "x": np.linspace(-1, 1, 40)})
    text = "w ~ Normal(0, 1)\ny ~ Bernoulli(logit = w * x)"
    fits = {name: lme(text, data, engine=pf.VI(steps=20), seed=1) for name in "ab"}
    found = compare(fits, criterion="none")
    assert found.columns == found.notes == ()
    assert list(found.frame().columns) == ["formula", "rows", "engine", "parameters"]
    frame = compare(fits).frame()
    np.testing.assert_allclose(frame["weight"], 0.5)
    assert frame["elpd_loo"].iloc[0] == pytest.approx(fits["a"].loo().elpd)


def test_what_all_models_share_is_said_below_the_table() -> None:
    data = datasets.sleepstudy()
    a, b = lme(ONE, data, engine=Point(reml=False)), lme(BOTH, data, engine=Point(reml=False))
    same = repr(compare(a, b))
    head, *_ = same.splitlines()
    assert "engine" not in head
    assert "rows" not in head
    assert "All models: 180 rows, engine Point (ML)." in same
    assert "<th" in compare(a, b)._repr_html_()
    mixed = repr(compare({"a": a, "b": lme(BOTH, data, engine=Exact(draws=200), seed=1)}, criterion="none"))
    assert "engine" in mixed.splitlines()[0]
    assert "All models: 180 rows." in mixed
