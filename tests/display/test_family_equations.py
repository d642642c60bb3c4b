"""Equations of families on the scale of their link, as text, HTML and LaTeX."""

from __future__ import annotations

import pytest

from probflow_nb.display import mathematics
from probflow_nb.display.card import Equation, FamilyEquation, GroupEquation

HERD = (GroupEquation("herd", ("Intercept",), True),)


@pytest.mark.parametrize(
    ("family", "response", "first", "second"),
    [
        (FamilyEquation("Binomial", "logit", "size"), "incidence", "incidenceᵢ ~ Binomial(sizeᵢ, pᵢ)", "logit(pᵢ) = "),
        (FamilyEquation("Binomial", "probit", "5"), "hits", "hitsᵢ ~ Binomial(5, pᵢ)", "probit(pᵢ) = "),
        (FamilyEquation("Bernoulli", "cloglog"), "use", "useᵢ ~ Bernoulli(pᵢ)", "cloglog(pᵢ) = "),
        (FamilyEquation("Poisson", "log"), "count", "countᵢ ~ Poisson(μᵢ)", "log(μᵢ) = "),
        (FamilyEquation("Poisson", "identity"), "count", "countᵢ ~ Poisson(μᵢ)", "μᵢ = "),
    ],
)
def test_likelihood_and_link(family, response, first, second):
    equation = Equation(response, ("Intercept", "x"), HERD, family=family)
    lines = mathematics.text(equation)
    assert lines[0] == first
    assert lines[1] == second + "β₀ + β₁ xᵢ + b[herd[i]]"
    assert "σ" not in lines[0]
    latex = mathematics.latex(equation)
    assert rf"\mathrm{{{family.distribution}}}" in latex
    assert len(mathematics.html(equation)) == 3
