"""Formulas of further parameters: what they mean, how their priors are named, and what is refused."""

from __future__ import annotations

import pytest

from probflow_nb.errors import ProbflowError
from probflow_nb.lang import parse
from probflow_nb.spec import ModelSpec, lower
from probflow_nb.spec.further import outer_name

TEXTS = {
    "sigma": "Reaction ~ Days + (Days | Subject)\nsigma ~ Days",
    "group terms and priors": (
        "y ~ x + (1 | g)\nsigma ~ center(z) + x:z + (x | g) + (1 | h)\nsigma_x:z ~ Normal(0, 2)\n"
        "sd(sigma_x | g) ~ HalfNormal(1)\nsd(sigma_Intercept | h) ~ HalfNormal(3)\ncor(sigma | g) ~ LKJ(2)\n"
        "sigma_center(z) ~ Cauchy(0, 1)"
    ),
    "two parameters": (
        "y ~ x\nshape ~ 0 + x + (1 | g)\nzero ~ x\nfamily = ZeroInflatedNegativeBinomial(link = log)\n"
        "centered(zero_Intercept) ~ Normal(0, 1)"
    ),
    "a constant": "y ~ x\nsigma ~ 1\nweights = v\nsigma_Intercept ~ Normal(0, 1)",
    "an offset": "y ~ x\nprecision ~ 0 + x + offset(z)\nfamily = Beta(link = logit)",
    "names in backquotes": "y ~ x\nsigma ~ `a b`\n`sigma_a b` ~ Normal(0, 1)",
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_model_is_the_same_in_every_text(name):
    spec = lower(parse(TEXTS[name]))
    assert spec.further
    assert lower(parse(spec.text())) == spec
    assert lower(parse(spec.short_text())) == spec
    assert spec.short_text().replace("  # the value at the predictors' means", "") == TEXTS[name]


def test_priors_go_to_their_formula():
    spec = lower(parse(TEXTS["group terms and priors"]))
    (sigma,) = spec.further
    assert spec.priors == ()
    assert [prior.target.label for prior in sigma.priors] == [
        "x:z",
        "sd(x | g)",
        "sd(Intercept | h)",
        "cor(g)",
        "center(z)",
    ]


def test_a_term_of_the_response_keeps_its_name():
    spec = lower(parse("y ~ sigma_x\nsigma ~ x\nsigma_x ~ Normal(0, 1)"))
    assert [prior.target.label for prior in spec.priors] == ["sigma_x"]
    assert spec.further[0].priors == ()


def test_the_statements_of_sigma():
    spec = lower(parse(TEXTS["sigma"]))
    assert spec.text().splitlines()[-1] == "Reaction ~ Normal(X @ w + Z @ u, exp(X_sigma @ w_sigma))"


def test_a_distribution_is_a_prior_and_one_formula_is_the_response():
    assert lower(parse("y ~ x\nsigma ~ HalfNormal(10)")).further == ()
    alone = lower(parse("sigma ~ x"))
    assert isinstance(alone, ModelSpec)
    assert alone.further == ()


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ("Days", "sigma_Days"),
        ("sd(Days | g)", "sd(sigma_Days | g)"),
        ("sd(g)", "sd(sigma | g)"),
        ("cor(Intercept, Days | a:b)", "cor(sigma_Intercept, sigma_Days | a:b)"),
        ("cor(g)", "cor(sigma | g)"),
        ("centered(Intercept)", "centered(sigma_Intercept)"),
        ("`a b`", "`sigma_a b`"),
    ],
)
def test_outer_names(inner, outer):
    assert outer_name("sigma", inner) == outer


FAULTS = {
    "y ~ x\nshape ~ x\nfamily = Poisson": ("The family Poisson has no `shape`.", "shape"),
    "y ~ x\nsigma ~ x\nfamily = Gamma": ("The family Gamma has no `sigma`.", "sigma"),
    "y ~ x\nsigma ~ x\nsigma ~ z": ("`sigma` has two formulas.", "sigma ~ z"),
    "y ~ x\nsigma ~ x\nsigma ~ HalfNormal(1)": (
        "`sigma` has a formula, so it has no prior of its own.",
        "sigma ~ HalfNormal(1)",
    ),
    "y ~ x\ncut ~ x\nfamily = Ordinal": ("The cutpoints of an ordinal response have no formula of their own.", "cut"),
    "y ~ x\nsigma ~ y": ("The response `y` is among its own predictors.", "y"),
    "y ~ x\nsigma ~ x + weights(v)": ("The formula of `sigma` has weights, which belong to the response.", "v"),
    "y ~ x\nsigma ~ 0 + x\nsigma_Intercept ~ Flat": (
        "The formula has no intercept, so Intercept has no prior.",
        "sigma_Intercept",
    ),
    "y ~ x\nz ~ x": ("The text has two formulas, with the responses `y` and `z`.", "z ~ x"),
}


@pytest.mark.parametrize("text", FAULTS)
def test_every_fault_has_its_sentence_and_its_place(text):
    sentence, under = FAULTS[text]
    with pytest.raises(ProbflowError) as caught:
        lower(parse(text))
    assert caught.value.message == sentence
    assert caught.value.span is not None
    assert text[caught.value.span.start : caught.value.span.stop] == under
