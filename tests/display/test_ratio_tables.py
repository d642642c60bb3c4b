"""Ratios below the table of a card, in every form, and the sections of further parameters; nothing is fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from display_cards import sleep_summary

from probflow_nb.display import bundle, mathematics
from probflow_nb.display.card import Card, Equation, FamilyEquation, GroupEquation, Ratios
from probflow_nb.display.fit_figure import FittedPanel, fit_figure
from probflow_nb.display.ratio_table import ratio_table
from probflow_nb.display.shares_figure import SharesPanel, shares_figure, shares_words
from probflow_nb.display.table import table
from probflow_nb.posterior.verdict import Verdict

RATIOS = Ratios(
    "odds ratio",
    ("period[2]", "I(age**2)"),
    np.array([0.3742, 0.995411]),
    np.array([0.1954, 0.993963]),
    np.array([0.6742, 0.996886]),
)
GROUP = (GroupEquation("g", ("Intercept",), True),)


def card(ratios: Ratios | None = RATIOS) -> Card:
    equation = Equation("y", ("Intercept", "Days"), GROUP, family=FamilyEquation("Bernoulli", "logit"))
    return Card("", "y ~ Days", equation, Verdict("fine", "Fine."), sleep_summary(), ratios=ratios)


def test_a_ratio_has_the_digits_that_its_interval_deserves():
    shown = ratio_table(RATIOS)
    assert dict(shown.columns) == {
        "odds ratio": ("0.374", "0.9954"),
        "2.5%": ("0.195", "0.9940"),
        "97.5%": ("0.674", "0.9969"),
    }
    assert shown.sections[0].heading == "Odds ratios, exp of the common effects"
    assert dict(ratio_table(replace(RATIOS, probability=0.8)).columns).keys() == {"odds ratio", "10%", "90%"}


@pytest.mark.parametrize("kind", ["text/plain", "text/html", "text/latex", "text/markdown"])
def test_every_form_shows_them_and_only_where_there_are_some(kind):
    whole = bundle.RENDERERS[kind](card())
    for words in ("Odds ratios", "0.374", "0.674", "period"):
        assert words in whole
    assert "ratio" not in bundle.RENDERERS[kind](card(None))


def test_infinite_and_very_large_ratios_are_written():
    far = Ratios("rate ratio", ("x",), np.array([np.inf]), np.array([1e200]), np.array([np.inf]))
    assert dict(ratio_table(far).columns)["rate ratio"] == ("∞",)


@pytest.mark.parametrize(
    ("family", "first", "second"),
    [
        (FamilyEquation("NegativeBinomial", "log", "", ("shape",)), "yᵢ ~ NegativeBinomial(μᵢ, shape)", "log(μᵢ)"),
        (FamilyEquation("Gamma", "inverse", "", ("shape",)), "yᵢ ~ Gamma(μᵢ, shape)", "1 / μᵢ"),
        (FamilyEquation("StudentT", "identity", "", ("sigma", "df")), "yᵢ ~ StudentT(df, μᵢ, σ)", "μᵢ"),
        (FamilyEquation("Normal", "log", "", ("sigma",)), "yᵢ ~ Normal(μᵢ, σ)", "log(μᵢ)"),
        (
            FamilyEquation("ZeroInflatedNegativeBinomial", "log", "", ("shape", "zero")),
            "yᵢ ~ ZeroInflatedNegativeBinomial(μᵢ, shape, zero)",
            "log(μᵢ)",
        ),
    ],
)
def test_the_likelihood_names_further_parameters(family, first, second):
    lines = mathematics.text(Equation("y", ("Intercept", "x"), GROUP, family=family))
    assert lines[0] == first
    assert lines[1] == f"{second} = β₀ + β₁ xᵢ + b[g[i]]"


@pytest.mark.parametrize(
    ("link", "form"),
    [
        ("logit", "logistic(cut[k] − ηᵢ)"),
        ("probit", "Φ(cut[k] − ηᵢ)"),
        ("cloglog", "1 − exp(−exp(cut[k] − ηᵢ))"),
    ],
)
def test_an_ordinal_model_is_written_by_its_cutpoints(link, form):
    family = FamilyEquation("Ordinal", link, "", ("cut[low|high]",))
    equation = Equation("rating", ("x",), GROUP, family=family)
    assert mathematics.text(equation)[:2] == [f"P(ratingᵢ ≤ k) = {form}", "ηᵢ = β₁ xᵢ + b[g[i]]"]
    assert r"\le" in mathematics.latex(equation)


def test_further_parameters_have_sections_of_their_own():
    names = ("x", "sd(Intercept | g)", "cut[a|b]", "shape", "sigma")
    source = sleep_summary()
    summary = replace(source, names=names, columns=tuple((name, values[:5]) for name, values in source.columns))
    shown = table(summary, ("x",), further=("cut[a|b]", "shape", "sigma"))
    found = {section.heading: [shown.names[i] for i in section.rows] for section in shown.sections}
    assert found == {
        "Common effects": ["x"],
        "Cutpoints": ["cut[a|b]"],
        "Group sds and correlations": ["sd(Intercept | g)"],
        "Residual": ["sigma"],
        "Further parameters": ["shape"],
    }


def test_stacked_shares_fill_the_axis_and_are_said_in_words():
    shares = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    panels = [SharesPanel("g1", np.array([0.0, 1.0]), shares)]
    figure = shares_figure(panels, ("low", "middle", "high"), "x", "rating")
    axes = figure.axes[0]
    tops = sorted(float(c.get_paths()[0].vertices[:, 1].max()) for c in axes.collections)
    assert tops == pytest.approx([0.7, 0.9, 1.0])
    written = {text.get_text() for text in figure.texts}
    assert {"low", "middle", "high", "x", "probability of rating"} <= written
    words = shares_words(panels, ("low", "middle", "high"), "x", "rating", "")
    assert "g1: most probable low with 0.70 at the left end, high with 0.60 at the right" in words


def test_a_probability_is_drawn_without_a_band_of_new_responses_and_counts_on_a_root_scale():
    at = np.array([0.0, 1.0])
    band = np.array([[0.1, 0.2], [0.3, 0.6]])
    panel = FittedPanel("", at, np.array([0.0, 1.0]), at, np.array([0.2, 0.4]), band, None)
    assert len(fit_figure([panel], "x", "p").axes[0].collections) == 1
    counts = FittedPanel("", at, np.array([0.0, 81.0]), at, np.array([1.0, 100.0]), band * 200, band * 400)
    axes = fit_figure([counts], "x", "count", root=True).axes[0]
    low, quarter, top = axes.transData.transform([(0, 0), (0, 25), (0, 100)])[:, 1]
    assert (quarter - low) / (top - low) == pytest.approx(0.5)
