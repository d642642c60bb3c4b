"""Fits compared by what they predict: against ArviZ, against densities written by hand, and what is refused."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import probflow_nb as pf
from probflow_nb import FitError, UsageError, compare
from probflow_nb.display.progress import NullProgress
from probflow_nb.fit import leave_one_out
from probflow_nb.fit.response_scale import base

SLEEP = {
    "none": "Reaction ~ Days",
    "one": "Reaction ~ Days + (1 | Subject)",
    "both": "Reaction ~ Days + (Days | Subject)",
    "log": "log(Reaction) ~ Days + (Days | Subject)",
}
CBPP = {"line": "incidence / size ~ period + (1 | herd)", "flat": "incidence / size ~ 1 + (1 | herd)"}


@cache
def sleep(name: str) -> pf.Fit:
    return pf.lme(SLEEP[name], pf.datasets.sleepstudy(), engine=pf.Exact(), seed=1, progress=NullProgress())


@cache
def cbpp(name: str) -> pf.Fit:
    data = pf.datasets.cbpp()
    return pf.lme(CBPP[name], data, family="binomial", engine=pf.Laplace(), seed=1, progress=NullProgress())


def test_figures_errors_and_weights_are_those_of_arviz() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arviz = pytest.importorskip("arviz")
        theirs = arviz.compare({name: cbpp(name).to_arviz() for name in CBPP}, ic="loo", method="stacking")
    ours = compare({name: cbpp(name) for name in CBPP}, criterion="loo").frame()
    assert list(ours.index) == list(theirs.index) == ["line", "flat"]
    n = 56
    unbiased = math.sqrt(n / (n - 1))  # ArviZ divides by n
    np.testing.assert_allclose(ours["elpd_loo"], theirs["elpd_loo"], atol=0.02)
    np.testing.assert_allclose(ours["p_loo"], theirs["p_loo"], atol=0.02)
    np.testing.assert_allclose(ours["se_loo"], theirs["se"] * unbiased, rtol=2e-3)
    np.testing.assert_allclose(ours["elpd_diff"], -theirs["elpd_diff"], atol=0.02)
    assert ours["elpd_diff_se"].iloc[1] == pytest.approx(theirs["dse"].iloc[1] * unbiased, rel=2e-3)
    np.testing.assert_allclose(ours["weight"], theirs["weight"], atol=5e-3)


def test_rows_and_their_differences_are_those_of_the_fits() -> None:
    found = compare({name: sleep(name) for name in ("none", "one", "both")})
    frame = found.frame()
    assert list(frame.index) == ["both", "one", "none"]  # the best first
    rows = {name: sleep(name).loo().frame()["elpd"].to_numpy() for name in frame.index}
    for name in frame.index:
        apart = rows[name] - rows["both"]
        assert frame.loc[name, "elpd_diff"] == pytest.approx(apart.sum(), abs=1e-9)
        if name != "both":
            assert frame.loc[name, "elpd_diff_se"] == pytest.approx(np.sqrt(180) * apart.std(ddof=1))
    assert frame["weight"].sum() == pytest.approx(1.0)
    assert (frame["khat_bad"] == 0).all()
    assert "Not told apart from both by their predictions: one, with a difference below 4" in repr(found)
    worse = frame.loc["one"]
    assert f"−{-worse['elpd_diff']:.1f} ± {worse['elpd_diff_se']:.1f}" in repr(found)
    assert "khat" not in " ".join(found.notes)


def test_a_level_is_left_out_of_models_that_do_not_have_its_factor_too() -> None:
    frame = compare({"none": sleep("none"), "one": sleep("one")}, by="Subject").frame()
    assert frame.loc["one", "elpd_loo"] == pytest.approx(sleep("one").loo("Subject").elpd)
    # Without group effects: log p(y_J | y_-J) = log p(y) - log p(y_-J), by the evidence of a fit without the subject.
    text = "Reaction ~ Days\nIntercept ~ Normal(250, 100)\nDays ~ Normal(0, 50)\nsigma ~ HalfNormal(100)"
    data = pf.datasets.sleepstudy()
    whole, other = (
        pf.lme(text, data, engine=pf.Exact(), seed=1, progress=NullProgress()),
        pf.lme(SLEEP["one"], data, engine=pf.Exact(), seed=2, progress=NullProgress()),
    )
    found = leave_one_out.levels_left_out(whole, leave_one_out.units_of(other, "Subject")).frame()["elpd"]
    for subject in ("308", "335"):
        rest = pf.lme(text, data[data.Subject.astype(str) != subject], engine=pf.Exact(), progress=NullProgress())
        assert found[subject] == pytest.approx(float(whole.log_evidence) - float(rest.log_evidence), abs=0.03)


RESPONSES = {
    "log(y)": np.log,
    "log10(2 * y)": lambda y: np.log10(2 * y),
    "log2(y) / 3": lambda y: np.log2(y) / 3,
    "sqrt(y - 0.5)": lambda y: np.sqrt(y - 0.5),
    "I(-2 / y)": lambda y: -2 / y,
    "1 - y": lambda y: 1 - y,
    "y ** 2": np.square,
    "exp(-y) + 3": lambda y: np.exp(-y) + 3,
    "expm1(log1p(y))": lambda y: y,
}


@pytest.mark.parametrize("text", RESPONSES)
def test_a_transformed_response_is_taken_apart_with_its_slope(text: str) -> None:
    y = np.random.default_rng(3).uniform(1.0, 4.0, 20)
    data = pd.DataFrame({"y": y, "x": np.linspace(0, 1, 20)})
    model = pf.prepare(f"{text} ~ x", data).model
    found = base(model.spec.response, model.design.y)
    h = 1e-6
    slope = np.log(np.abs(RESPONSES[text](y + h) - RESPONSES[text](y - h)) / (2 * h))
    assert found.name == "y"
    np.testing.assert_allclose(found.values, y, rtol=1e-12)
    np.testing.assert_allclose(found.log_slope, slope, atol=1e-7)


def test_a_fit_of_log_y_is_compared_by_its_density_of_y() -> None:
    found = compare({"plain": sleep("both"), "log": sleep("log")})
    frame, y = found.frame(), pf.datasets.sleepstudy()["Reaction"].to_numpy()
    rows = sleep("log").loo().frame()["elpd"].to_numpy() - np.log(y)
    assert frame.loc["log", "elpd_loo"] == pytest.approx(rows.sum())
    assert frame.loc["log", "se_loo"] == pytest.approx(np.sqrt(180) * rows.std(ddof=1))
    assert frame.loc["log", "log_evidence"] == pytest.approx(float(sleep("log").log_evidence) - np.log(y).sum())
    assert any("densities of Reaction" in note and "Jacobian" in note for note in found.notes)
    levels = compare({"plain": sleep("both"), "log": sleep("log")}, by="Subject").frame()
    apart = sleep("log").loo("Subject").elpd - np.log(y).sum()
    assert levels.loc["log", "elpd_loo"] == pytest.approx(apart)
    # Maximum likelihood of a line: the density of log(y), carried over by hand.
    data = pf.datasets.sleepstudy()
    ml = {
        t: pf.lme(t, data, engine=pf.Point(reml=False), progress=NullProgress())
        for t in ("Reaction ~ 1", "log(Reaction) ~ 1")
    }
    points = compare(ml).frame()
    z = np.log(y)
    by_hand = norm.logpdf(z, z.mean(), z.std()).sum() - z.sum()
    assert points.loc["log(Reaction) ~ 1", "log_lik"] == pytest.approx(by_hand, abs=1e-4)
    assert points["chisq"].isna().all()


def test_waic_is_compared_alike() -> None:
    frame = compare({"one": sleep("one"), "both": sleep("both")}, criterion="waic").frame()
    assert frame.loc["both", "elpd_waic"] == pytest.approx(sleep("both").waic().elpd)
    assert "khat_bad" not in frame
    assert "log_evidence" not in frame


def test_rows_that_cannot_be_trusted_are_counted_with_what_to_do() -> None:
    drawn = replace(
        sleep("both"), answer=replace(sleep("both").answer, draws=replace(sleep("both").draws, origin=None))
    )
    found = compare({"drawn": drawn, "one": sleep("one")}, criterion="loo")
    bad = int((drawn.loo().frame()["khat"] >= 0.7).sum())
    assert found.frame().loc["drawn", "khat_bad"] == bad > 0
    assert [
        n for n in found.notes if n.startswith(f"drawn: khat is 0.7 or more for {bad} of 180 rows") and "Exact()" in n
    ]
    # The same quantity two ways: where all of khat is good they agree, as do the models' differences.
    both = compare({"drawn": drawn, "exact": sleep("both")}, criterion="loo").frame()
    good = drawn.loo().frame()["khat"].to_numpy() < 0.5
    apart = (drawn.loo().frame()["elpd"] - sleep("both").loo().frame()["elpd"])[good]
    assert abs(apart.sum()) < 0.5
    assert abs(both["elpd_diff"]).max() < 3.0


def test_what_takes_long_is_left_until_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leave_one_out, "_QUICK", 1000)
    found = compare({"one": sleep("one"), "both": sleep("both")})
    assert "elpd_loo" not in found.frame()
    assert "log_evidence" in found.frame()
    assert "criterion='loo' asks for it." in found.notes[0]
    assert "elpd_loo" in compare({"one": sleep("one"), "both": sleep("both")}, criterion="loo").frame()


def test_a_count_and_a_measurement_of_it_are_told_apart() -> None:
    data = pf.datasets.epilepsy().head(80)
    text = "count ~ 1"
    counted = pf.lme(text, data, family="poisson", engine=pf.Laplace(), seed=1, progress=NullProgress())
    measured = pf.lme(text, data, engine=pf.Exact(), seed=1, progress=NullProgress())
    found = compare({"counted": counted, "measured": measured}, criterion="loo")
    assert any("counted gives whole numbers a probability, measured a density" in note for note in found.notes)


@cache
def point() -> pf.Fit:
    return pf.lme(SLEEP["one"], pf.datasets.sleepstudy(), engine=pf.Point(), progress=NullProgress())


REFUSED = [
    ({"criterion": "bic"}, UsageError, "criterion is 'loo', 'waic', 'evidence', 'likelihood' or 'none', not 'bic'"),
    ({"criterion": "waic", "by": "Subject"}, UsageError, "by names what is left out, which criterion='waic' does not"),
    (
        {"by": "Days"},
        FitError,
        "not 'Days'.\nTheir factors are Subject",
    ),
    ({"by": 3}, FitError, "by names a grouping factor of one of the models, not 3"),
]


@pytest.mark.parametrize(("options", "kind", "sentence"), REFUSED)
def test_what_cannot_be_asked_is_told(options: dict, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        compare({"one": sleep("one"), "both": sleep("both")}, **options)


def test_a_point_fit_has_nothing_to_leave_out() -> None:
    with pytest.raises(FitError, match=r"a is a point fit and has no draws .*\nFit it with engine=Exact"):
        compare({"a": point(), "b": sleep("both")}, criterion="loo")
    assert "elpd_loo" not in compare({"a": point(), "b": sleep("both")}).frame()
