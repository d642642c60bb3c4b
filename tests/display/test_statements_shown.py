"""A model of one's own as it is shown: mathematics, table by roles, caterpillar of a long parameter, run lines."""

from __future__ import annotations

import numpy as np
import pytest
from display_cards import FINE, HOSTILE, marginal

from probflow_nb.display import html, latex, markdown, mathematics, text
from probflow_nb.display.card import Card, Statement, Statements
from probflow_nb.display.caterpillar import caption, heading
from probflow_nb.display.notation import MOST_LINES
from probflow_nb.display.picture import ranef_words
from probflow_nb.display.table import table
from probflow_nb.fit.run_lines import sampler_lines
from probflow_nb.posterior.summary import GroupEffects, Summary
from probflow_nb.posterior.verdict import Verdict

# statement -> text, LaTeX
SHOWN = [
    (
        Statement("y", "~", "Normal(X @ w + Z @ u, sigma)"),
        "y ~ Normal(X w + Z u, σ)",
        r"y &\sim \text{Normal}(X w + Z u, \sigma)",
    ),
    (
        Statement("u", "~", "Normal(0, tau)", 18),
        "uⱼ ~ Normal(0, τ),  j = 1, …, 18",
        r"u_{j} &\sim \text{Normal}(0, \tau),\quad j = 1, \ldots, 18",
    ),
    (
        Statement("w", "~", "Normal(0, 1)", 2),
        "wⱼ ~ Normal(0, 1),  j = 1, 2",
        r"w_{j} &\sim \text{Normal}(0, 1),\quad j = 1, 2",
    ),
    (
        Statement("1 / sigma**2", "~", "Gamma(5, 1)"),
        "1 / σ^2 ~ Gamma(5, 1)",
        r"1 / \sigma^{2} &\sim \text{Gamma}(5, 1)",
    ),
    (
        Statement("tau[Days]", "~", "HalfNormal(50)"),
        "τ[Days] ~ HalfNormal(50)",
        r"\tau_{\text{Days}} &\sim \text{HalfNormal}(50)",
    ),
    (
        Statement("Z", "=", "design(1 + Days) by Subject"),
        "Z = design(1 + Days) by Subject",
        r"Z &= \text{design}(1 + \text{Days})\ \text{by}\ \text{Subject}",
    ),
    (
        Statement("sigma_u", "~", "Normal(-a - -b*x1, layers[0].w)"),
        "σ[u] ~ Normal(−a − −b · x₁, layers[0].w)",
        r"\sigma_{u} &\sim \text{Normal}(-a - -b \cdot x_{1}, \text{layers}_{0}.w)",
    ),
]


@pytest.mark.parametrize(("statement", "plain", "tex"), SHOWN)
def test_a_statement_is_mathematics(statement: Statement, plain: str, tex: str) -> None:
    shown = Statements((statement,))
    assert mathematics.text(shown) == [plain.replace("layers[0].w", "layers₀.w")]
    assert mathematics.latex(shown).split("\n")[1] == tex


def test_many_parameters_are_counted() -> None:
    lines = tuple(Statement(f"w{i}", "~", "Normal(0, 1)") for i in range(MOST_LINES + 5))
    assert mathematics.text(Statements(lines))[-1].endswith("5 more parameters")
    assert len(mathematics.text(Statements(lines))) == MOST_LINES + 1


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_names(name: str) -> None:
    card = own_card(name)
    shown = html.render(card)
    assert "<script" not in shown
    assert "<img src=x" not in shown
    assert "<svg" not in shown
    assert shown.count("<div") == shown.count("</div")
    for render in (text.render, latex.render, markdown.render):
        assert render(card)


def own_card(name: str) -> Card:
    values = np.random.default_rng(1).normal(size=300)
    summary = Summary(
        (name, name + "s"), (("mean", np.array([0.0, 1.0])), ("sd", np.array([1.0, 0.2])), ("mcse", np.full(2, 0.02)))
    )
    effects = GroupEffects(name, name, (name, name + "2"), 2, np.arange(2.0), np.ones(2), -np.ones(2), np.full(2, 3.0))
    return Card(
        name,
        name,
        Statements((Statement(name, "~", name), Statement(name, "~", f"Normal({name})", 4)), (name,)),
        FINE,
        summary,
        (marginal(name, "common", values), marginal(name + "s", "variance", np.abs(values))),
        (effects,),
        roles={name: "common", name + "s": "variance"},
    )


def test_the_table_has_a_section_a_role() -> None:
    names = ("sigma", "w[0]", "R[0, 1]", "w[1]", "sd(x)")
    summary = Summary(names, (("mean", np.arange(5.0)), ("sd", np.ones(5)), ("mcse", np.full(5, 0.01))))
    roles = {"sigma": "variance", "R[0, 1]": "correlation", "w[0]": "common", "w[1]": "common", "sd(x)": "common"}
    shown = table(summary, (), roles)
    assert [s.heading for s in shown.sections] == ["Parameters", "Scales", "Correlations"]
    assert shown.names == ("w[0]", "w[1]", "sd(x)", "sigma", "R[0, 1]")
    assert [shown.columns[0][1][i] for i in range(5)] == ["1.00", "3.00", "4.00", "0.00", "2.00"]


def test_more_parameters_than_a_card_lists() -> None:
    names = tuple(f"w[{i}]" for i in range(50))
    summary = Summary(names, (("mean", np.zeros(50)), ("sd", np.ones(50)), ("mcse", np.full(50, 0.01))))
    card = Card("", "y", Statements(()), FINE, summary, roles=dict.fromkeys(names, "common"))
    assert "10 more parameters are in the summary." in text.render(card)


def test_a_long_parameter_is_called_by_its_name() -> None:
    own = own_card("u").groups[0]
    level = GroupEffects("Subject", "Days", ("a",), 30, np.zeros(1), np.ones(1), -np.ones(1), np.ones(1))
    assert (heading(own), caption(own, 2)) == ("u", "2 elements")
    assert (heading(level), caption(level, 1)) == ("Days | Subject", "1 of 30 levels")
    assert ranef_words(own).startswith("Parameter u: 2 elements sorted by mean")


def test_a_title_that_the_formula_begins_with_is_said_once() -> None:
    card = Card(
        "Page", "Page: y ~ Normal(X @ w, sigma)", Statements(()), Verdict("none", "Not fitted yet."), Summary((), ())
    )
    assert text.render(card).count("Page") == 1
    assert text.render(card).count("Not fitted yet") == 1
    assert Card("m", "Page: y", Statements(()), FINE, Summary((), ())).heading == "m"


def test_run_lines_of_a_sampler() -> None:
    figures = {"diverged": np.array([[0, 1, 0, 0]]), "depth": np.array([[3.0, 3.0, 10.0, 4.0]])}

    class Engine:
        max_depth = 10

    assert sampler_lines(figures, Engine()) == [
        ("divergences", "1"),
        ("tree depth", "5.0 on average; 25% at the limit of 10"),
    ]
