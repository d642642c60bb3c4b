from __future__ import annotations

import pytest
from display_cards import EQUATION, HOSTILE

from probflow_nb.display import mathematics
from probflow_nb.display.card import Equation, GroupEquation

CASES = [
    (
        EQUATION,
        [
            "Reactionᵢ ~ Normal(μᵢ, σ)",
            "μᵢ = β₀ + β₁ Daysᵢ + b[Subject[i],0] + b[Subject[i],1] Daysᵢ",
            "b[Subject[j]] ~ Normal(0, Σ[Subject])",
        ],
    ),
    (
        Equation("y", ("x",), (GroupEquation("g", ("Intercept",)), GroupEquation("h", ("x",)))),
        [
            "yᵢ ~ Normal(μᵢ, σ)",
            "μᵢ = β₁ xᵢ + b[g[i]] + b[h[i]] xᵢ",
            "b[g[j]] ~ Normal(0, σ[g])",
            "b[h[j]] ~ Normal(0, σ[h])",
        ],
    ),
    (
        Equation("y", ("Intercept",), (GroupEquation("g", ("Intercept", "x"), False),), offset=True, weighted=True),
        [
            "yᵢ ~ Normal(μᵢ, σ / √wᵢ)",
            "μᵢ = β₀ + b[g[i],0] + b[g[i],1] xᵢ + offsetᵢ",
            "b[g[j],k] ~ Normal(0, σ[g,k]),  k = 0, 1",
        ],
    ),
    (
        Equation("y", (), (GroupEquation("g", ("Intercept",)), GroupEquation("g", ("x", "z")))),
        [
            "yᵢ ~ Normal(μᵢ, σ)",
            "μᵢ = b[g[i],0] + b[g[i],1] xᵢ + b[g[i],2] zᵢ",
            "b[g[j],0] ~ Normal(0, σ[g,0])",
            "b[g[j],1…2] ~ Normal(0, Σ[g,1…2])",
        ],
    ),
    (Equation("y", ()), ["yᵢ ~ Normal(μᵢ, σ)", "μᵢ = 0"]),
    (
        Equation("y", ("Intercept", *(f"x{i}" for i in range(1, 14)))),
        ["yᵢ ~ Normal(μᵢ, σ)", "μᵢ = β₀ + β₁ x1ᵢ + … + β₁₃ x13ᵢ"],
    ),
]


@pytest.mark.parametrize(("equation", "lines"), CASES)
def test_text(equation: Equation, lines: list[str]) -> None:
    assert mathematics.text(equation) == lines


def test_latex() -> None:
    assert mathematics.latex(EQUATION) == (
        "\\begin{aligned}\n"
        r"\text{Reaction}_{i} &\sim \mathrm{Normal}(\mu_{i}, \sigma) \\" + "\n"
        r"\mu_{i} &= \beta_{0} + \beta_{1} \text{Days}_{i} + b_{\text{Subject}[i],0}"
        r" + b_{\text{Subject}[i],1} \text{Days}_{i} \\" + "\n"
        r"b_{\text{Subject}[j]} &\sim \mathrm{Normal}(0, \Sigma_{\text{Subject}})" + "\n"
        "\\end{aligned}"
    )
    weighted = Equation("y", ("Intercept",), weighted=True)
    assert r"\mathrm{Normal}(\mu_{i}, \sigma / \sqrt{w_{i}})" in mathematics.latex(weighted)


def test_html() -> None:
    first, second, third = mathematics.html(EQUATION)
    assert first == "Reaction<sub><i>i</i></sub>&nbsp;~ Normal(<i>μ</i><sub><i>i</i></sub>, <i>σ</i>)"
    assert "<i>β</i><sub>1</sub> Days<sub><i>i</i></sub>" in second
    assert third == "<i>b</i><sub>Subject[<i>j</i>]</sub>&nbsp;~ Normal(0, Σ<sub>Subject</sub>)"


@pytest.mark.parametrize("name", HOSTILE)
def test_braces_balance_whatever_the_names(name: str) -> None:
    equation = Equation(name, ("Intercept", name), (GroupEquation(name, (name,)),))
    written = mathematics.latex(equation).replace(r"\{", "").replace(r"\}", "")
    assert written.count("{") == written.count("}")
    assert "\n\n" not in written
    assert all("\n" not in line for line in mathematics.text(equation))
