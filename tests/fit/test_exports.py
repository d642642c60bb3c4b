"""Fits as tables of other tools: the numbers of lme4, quantiles of the draws, and text that cannot break its page."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress
from probflow_nb.fit import Fit
from probflow_nb.fit.tidy import COLUMNS

SLEEP = "Reaction ~ Days + (Days | Subject)"
# Of `lmer(Reaction ~ Days + (Days | Subject), sleepstudy)`: fixef with standard errors and Wald's interval
# (`confint(method = "Wald")`), VarCorr, and two conditional modes with condVar's standard deviations.
LME4 = {
    "Intercept": (251.4051, 6.8246, 238.0292, 264.7810),
    "Days": (10.4673, 1.5458, 7.4376, 13.4970),
    "sd(Intercept | Subject)": (24.7407, np.nan, np.nan, np.nan),
    "sd(Days | Subject)": (5.9221, np.nan, np.nan, np.nan),
    "cor(Intercept, Days | Subject)": (0.0656, np.nan, np.nan, np.nan),
    "sigma": (25.5918, np.nan, np.nan, np.nan),
}
LME4_MODES = {("308", "Intercept"): (2.2585, 12.0708), ("308", "Days"): (9.1990, 2.3048)}
STATEMENTS = (
    "w ~ Normal(0, 20)\ntau ~ HalfNormal(50)\nu ~ Normal(0, tau)\nsigma ~ HalfNormal(50)\n"
    "Reaction ~ Normal(250 + w * Days + u[Subject], sigma)"
)


def fitted(
    text: str, engine: object, data: pd.DataFrame | None = None, family: str | None = None, name: str = ""
) -> Fit:
    data = pf.datasets.sleepstudy() if data is None else data
    return pf.lme(text, data, engine=engine, family=family, seed=3, name=name, progress=NullProgress())


@pytest.fixture(scope="module")
def point() -> Fit:
    return fitted(SLEEP, pf.Point(), name="reml")


@pytest.fixture(scope="module")
def exact() -> Fit:
    return fitted(SLEEP, pf.Exact(draws=400), name="exact")


@pytest.fixture(scope="module")
def cbpp() -> Fit:
    text = "incidence / size ~ period + (1 | herd)"
    return fitted(text, pf.Laplace(draws=200), pf.datasets.cbpp(), "binomial", "cbpp")


def test_a_point_fit_has_the_numbers_of_lme4(point: Fit) -> None:
    table = point.to_frame(effects=False).set_index("term")
    assert list(table.index) == list(LME4)
    wanted = pd.DataFrame(LME4, index=["estimate", "sd", "lower", "upper"]).T
    np.testing.assert_allclose(table[wanted.columns].to_numpy(float), wanted, atol=2e-3)
    effects = point.to_frame().query("kind == 'effect'").set_index(["level", "term"])
    assert len(effects) == 36
    for place, (mode, sd) in LME4_MODES.items():
        assert effects.loc[place, "estimate"] == pytest.approx(mode, abs=2e-3)
        assert effects.loc[place, "sd"] == pytest.approx(sd, abs=2e-3)


def test_a_posterior_has_the_quantiles_of_its_draws(exact: Fit) -> None:
    table = exact.to_frame(interval=0.8)
    assert tuple(table.columns) == COLUMNS
    scalars, effects = table[table["kind"] != "effect"], table[table["kind"] == "effect"]
    assert list(scalars["kind"]) == ["common", "common", "sd", "sd", "cor", "residual"]
    assert list(scalars["group"]) == ["", "", "Subject", "Subject", "Subject", ""]
    for row in scalars.itertuples():
        draws = exact.draws.flat(row.term)
        wanted = (draws.mean(), draws.std(ddof=1), *np.quantile(draws, [0.1, 0.9]))
        np.testing.assert_allclose((row.estimate, row.sd, row.lower, row.upper), wanted, rtol=1e-12)
    np.testing.assert_allclose(scalars["ess"], exact.summary()["ess_bulk"])
    b = exact.draws["b[Subject]"].reshape(400, 18, 2)
    np.testing.assert_allclose(effects["estimate"], b.mean(axis=0).reshape(-1), rtol=1e-9)
    np.testing.assert_allclose(effects["upper"], np.quantile(b, 0.9, axis=0).reshape(-1), rtol=1e-9)
    assert list(effects["level"][:3]) == ["308", "308", "309"]
    assert effects["rhat"].isna().all()


def test_kinds_of_families_letters_and_further_formulas(cbpp: Fit) -> None:
    assert list(cbpp.to_frame(effects=False)["kind"]) == ["common"] * 4 + ["sd"]
    gamma = fitted("Reaction ~ Days + (1 | Subject)", pf.Point(), family="gamma")
    assert list(gamma.to_frame(effects=False)["kind"]) == ["common", "common", "sd", "further"]
    own = fitted(STATEMENTS, pf.Exact(draws=100))
    table = own.to_frame().set_index("term")
    assert list(table["kind"][:3]) == ["parameter", "scale", "scale"]
    assert (table["kind"] == "effect").sum() == 18
    ordinal = pf.datasets.sleepstudy().assign(grade=lambda d: pd.qcut(d["Reaction"], 3, labels=False) + 1)
    found = fitted("grade ~ Days + (1 | Subject)", pf.Laplace(draws=100, handover=False), ordinal, "ordinal")
    assert sorted(found.to_frame(effects=False)["kind"]) == ["common", "cutpoint", "cutpoint", "sd"]


@pytest.mark.parametrize("interval", [0, 1, 1.5, "wide", None])
@pytest.mark.parametrize("ask", ["to_frame", "to_latex", "to_markdown", "to_html"])
def test_an_interval_that_is_none_is_told(ask: str, interval: object, point: Fit) -> None:
    with pytest.raises(pf.FitError, match="between 0 and 1"):
        getattr(point, ask)(interval=interval)


def test_one_fit_as_a_table_of_a_paper(point: Fit, exact: Fit) -> None:
    shown = point.to_markdown()
    assert "| Days | 10.5 | 1.5 | [7.4, 13.5] |" in re.sub(" +", " ", shown.replace("\\", ""))
    assert "180 rows, 18 levels of Subject. Fitted by Point, REML." in shown
    assert "Mean" in exact.to_markdown()
    latex = exact.to_latex(caption="Sleep & 50% of it", label="tab:sleep\\evil}")
    assert "\\caption{Sleep \\& 50\\% of it}" in latex
    assert "\\label{tab:sleepevil}" in latex
    assert latex.count("{") == latex.count("}")
    assert latex.startswith("\\begin{table}")
    assert latex.endswith("\\end{table}")
    rows = [line for line in latex.splitlines() if line.endswith(r"\\") and "multicolumn{4}" not in line]
    assert {row.count("&") for row in rows} == {3}
    html = exact.to_html()
    assert "<script" not in html
    assert html.count("<tr") == html.count("</tr>") == 1 + 3 + 6


def test_several_fits_side_by_side(point: Fit, exact: Fit, cbpp: Fit) -> None:
    shown = pf.table(exact, {"by REML": point}, cbpp, show="sd")
    text = repr(shown)
    assert re.search(r"^ +exact +by REML +cbpp$", text, flags=re.MULTILINE)
    assert re.search(r"^Rows +180 +180 +56$", text, flags=re.MULTILINE)
    assert re.search(r"^Levels of Subject +18 +18$", text, flags=re.MULTILINE)
    frame = shown.to_frame()
    assert frame.index.is_unique
    assert frame.loc["Days", ("by REML", "estimate")] == pytest.approx(LME4["Days"][0], abs=1e-3)
    assert np.isnan(frame.loc["Days", ("cbpp", "estimate")])
    assert set(shown._repr_mimebundle_()) == {"text/plain", "text/html", "text/latex", "text/markdown"}
    assert list(shown._repr_mimebundle_(include=["text/html"])) == ["text/html"]
    assert "(1.5)" in text
    assert "(1.5)" not in repr(pf.table(exact, point, show="none"))
    assert pf.table(point, point).names == ("reml", "reml (2)")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda fit: pf.table(), "not of nothing"),
        (lambda fit: pf.table({}), "not of nothing"),
        (lambda fit: pf.table(fit, 3), "not of int"),
        (lambda fit: pf.table([fit]), "not of list"),
        (lambda fit: pf.table(fit, show="se"), "show is"),
    ],
)
def test_what_is_no_table_is_told(call: Callable[[Fit], object], sentence: str, point: Fit) -> None:
    with pytest.raises(pf.FitError, match=sentence):
        call(point)


def test_names_that_are_markup_stay_names() -> None:
    evil = "<b>|$x_y^2$&%#`"
    data = pf.datasets.sleepstudy().rename(columns={"Subject": "s"})
    data["f"] = np.where(data["Days"] < 5, "!", evil)
    fit = fitted("Reaction ~ f + (1 | s)", pf.Point(), data)
    assert "<b>" not in fit.to_html().replace("<b>", "", fit.to_html().count("<div><b>"))
    latex = fit.to_latex()
    assert "\\textless{}b\\textgreater{}\\textbar{}\\$x\\_y" in latex
    rows = [line for line in fit.to_markdown().splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert evil in fit.to_frame()["term"].iloc[1]
