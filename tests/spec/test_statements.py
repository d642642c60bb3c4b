"""Explicit statements: those that mean a formula become its spec, others are kept, faults get one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probflow_nb.errors import ProbflowError
from probflow_nb.lang import parse
from probflow_nb.spec import ModelSpec, lower
from probflow_nb.spec.families import KINDS, Family
from probflow_nb.spec.statement_spec import GroupLetters, StatementSpec

W = "w ~ Normal(0, 9)"
BOTH = "Intercept ~ Normal(0, 9)\n"

# The same model as a formula, whose coefficients are named, and as statements.
PAIRS = {
    "one intercept": (
        "y ~ 1 + (1 | g)\nIntercept ~ Normal(0, 9)\nsd(g) ~ HalfNormal(2)\nsigma ~ HalfNormal(3)",
        "X = design(1)\nZ = indicators(g)\nw[Intercept] ~ Normal(0, 9)\ntau ~ HalfNormal(2)\n"
        "u ~ Normal(0, tau)\nsigma ~ HalfNormal(3)\ny ~ Normal(X @ w + Z @ u, sigma)",
    ),
    "letters and order do not matter": (
        "y ~ x\nx ~ Flat()\nIntercept ~ Cauchy()\nsigma ~ Exponential(1)",
        "log_lik ~ Normal(mean = M @ beta, sd = s)\nbeta[x] ~ Flat\nbeta[Intercept] ~ Cauchy\ns ~ Exponential(2 - 1)\n"
        "M = design(x)".replace("log_lik", "y"),
    ),
    "short index": (
        "y ~ 0 + (1 | a:b)\nsd(a:b) ~ HalfCauchy()\nsigma ~ HalfNormal(1)",
        "t ~ HalfCauchy()\nu ~ Normal(0, t)\ny ~ Normal(u[a:b], s)\ns ~ HalfNormal(1)",
    ),
    "correlated": (
        "y ~ 0 + x + (x | g)\nx ~ Normal(0, 1)\nsd(1 | g) ~ HalfNormal(1)\nsd(x | g) ~ HalfNormal(2)\ncor(g) ~ LKJ(2)\n"
        "sigma ~ HalfNormal(1)",
        "w[x] ~ Normal(0, 1); tau[Intercept] ~ HalfNormal(1); tau[x] ~ HalfNormal(2); R ~ LKJ(2); s ~ HalfNormal(1)\n"
        "X = design(0 + x); Z = design(x) by g; u ~ MultivariateNormal(0, sd = tau, cor = R)\n"
        "y ~ Normal(X @ w + Z @ u, s)",
    ),
    "independent, offset, weights, centred": (
        "log(y) ~ x + (x || g) + offset(2 * z) + offset(-v)\nweights = n\ncentered(Intercept) ~ Normal(1, 2)\n"
        "x ~ Normal(0, 1)\nsd(g) ~ HalfNormal(1)\nsigma ~ HalfNormal(4)",
        "mean = design(1 + x) @ w + (design(1 + x) by g) @ u + 2 * z - v\ncentered(w[Intercept]) ~ Normal(1, 2)\n"
        "w[x] ~ Normal(0, 1)\ntau ~ HalfNormal(1)\nu ~ Normal(0, tau)\nsigma ~ HalfNormal(4)\n"
        "log(y) ~ Normal(mean, sigma / sqrt(n))",
    ),
    "defaults": ("y ~ x + (x | g)", "y ~ Normal(design(x) @ w + Z @ u, s)\nw ~ Default()\nZ = design(x) by g\n"
                 "u ~ MultivariateNormal(0, sd = t, cor = R)\nt ~ Default\nR ~ Default()\ns ~ Default()"),
    "binomial": (
        "k / n ~ x + (1 | g)\nfamily = binomial",
        "k ~ Binomial(n, logit = design(x) @ w + u[g])\nw ~ Default()\nu ~ Normal(0, t)\nt ~ Default()",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_statements_that_mean_a_formula_become_its_spec(name):
    formula, statements = PAIRS[name]
    spec = lower(parse(statements))
    assert isinstance(spec, ModelSpec)
    assert spec == lower(parse(formula))
    assert spec.statements is not None
    assert lower(parse(spec.text())) == spec
    # The letters of the person stay: a second reading has the same.
    again = lower(parse(spec.text()))
    assert again.letters.coefficients == spec.letters.coefficients
    assert [g.effects for g in again.letters.groups] == [g.effects for g in spec.letters.groups]


def test_one_line_for_all_coefficients_speaks_of_the_intercept_too():
    spec = lower(parse(f"X = design(x)\n{W}\ns ~ HalfNormal(1)\ny ~ Normal(X @ w, s)"))
    kinds = [(p.target.kind, p.target.name) for p in spec.priors]
    assert kinds == [("intercept", None), ("coefficient", None), ("sigma", None)]
    assert f"\n{W}\n" in spec.text()


def test_the_letters_of_each_part():
    _, statements = PAIRS["correlated"]
    letters = lower(parse(statements)).letters
    assert (letters.matrix, letters.coefficients, letters.sigma) == ("X", "w", "s")
    assert letters.groups == (GroupLetters("Z", "u", "tau", "R"),)


LONG = """X = design(1 + Days)
Z = design(1 + Days) by Subject
w ~ Default()  # scaled to the data
tau ~ Default()  # scaled to the data
R ~ LKJ(2)
u ~ MultivariateNormal(0, sd = tau, cor = R)
sigma ~ HalfNormal(50)
Reaction ~ Normal(X @ w + Z @ u, sigma)"""
CROSSED = """X = design(1)
Z_plate = indicators(plate)
Z_plate_sample = indicators(plate:sample)
w ~ Default()  # scaled to the data
tau_plate ~ Default()  # scaled to the data
u_plate ~ Normal(0, tau_plate)
tau_plate_sample ~ Default()  # scaled to the data
u_plate_sample ~ Normal(0, tau_plate_sample)
sigma ~ Default()  # scaled to the data
diameter ~ Normal(X @ w + Z_plate @ u_plate + Z_plate_sample @ u_plate_sample, sigma)"""
TAKEN = """X_ = design(1 + w + tau)
w_ ~ Default()  # scaled to the data
sigma_ ~ Default()  # scaled to the data
X ~ Normal(X_ @ w_ + 2 * sigma + (a - b), sigma_ / sqrt(v))"""


@pytest.mark.parametrize(
    ("formula", "long"),
    [
        ("Reaction ~ Days + (Days | Subject)\ncor(Subject) ~ LKJ(2)\nsigma ~ HalfNormal(50)", LONG),
        ("diameter ~ (1 | plate/sample)", CROSSED),
        ("X ~ w + tau + offset(2 * sigma) + offset(a - b) + weights(v)", TAKEN),
    ],
)
def test_long_hand(formula, long):
    spec = lower(parse(formula))
    assert spec.text() == long
    assert lower(parse(long)) == spec


FAMILIES = {
    "gaussian": "y ~ Normal(log = {eta}, sd = sigma)",
    "student_t": "y ~ StudentT(df, {eta}, sigma)",
    "bernoulli": "y ~ Bernoulli(logit = {eta})",
    "binomial": "k ~ Binomial(n, probit = {eta})",
    "beta": "y ~ Beta(cloglog = {eta}, precision = precision)",
    "poisson": "y ~ Poisson(sqrt = {eta})",
    "negative_binomial": "y ~ NegativeBinomial(log = {eta}, shape = shape)",
    "gamma": "y ~ Gamma(shape = shape, inverse = {eta})",
    "log_normal": "y ~ LogNormal({eta}, sigma)",
    "ordinal": "y ~ Ordinal(logit = {eta}, cut = cut)",
    "zero_inflated_poisson": "y ~ ZeroInflatedPoisson(log = {eta}, zero = zero)",
    "zero_inflated_negative_binomial": "y ~ ZeroInflatedNegativeBinomial(log = {eta}, shape = shape, zero = zero)",
}


def test_every_family_has_its_likelihood():
    assert set(FAMILIES) == {kind.name for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_statements_say_every_family_and_link(kind):
    for link in kind.links:
        left = "k / n" if kind.name == "binomial" else "y"
        family = Family(kind.name, link, kind.auxiliary)
        spec = lower(parse(f"{left} ~ x + (1 | g)"), family=family)
        text = spec.text()
        assert lower(parse(text)) == spec
        assert text != spec.short_text()
        if f"{link} =" in FAMILIES[kind.name] or kind.links == (link,):
            assert text.splitlines()[-1] == FAMILIES[kind.name].format(eta="X @ w + Z @ u")


def test_what_statements_cannot_say_is_said_by_the_formula():
    spec = lower(parse("k ~ x + (1 | g) + weights(v)\nfamily = Poisson(log)"))
    assert spec.text() == spec.short_text()


OTHERS = {
    "another likelihood": "y ~ StudentT(4, X @ w, s)",
    "two designs": "y ~ Normal(X @ w + design(0 + z) @ v, s)\nv ~ Normal(0, 1)",
    "an array": "y ~ Normal(A @ w, s)",
    "a scale that is computed": "y ~ Normal(X @ w, exp(s))",
    "a parameter used twice": "y ~ Normal(X @ w + Z @ u, s)\nu ~ Normal(0, s)\nZ = indicators(g)",
    "a matrix used twice with one parameter": "y ~ Normal(X @ w + X @ w, s)",
    "effects with a mean": "y ~ Normal(X @ w + u[g], s)\nu ~ Normal(1, t)\nt ~ HalfNormal(1)",
    "effects of another kind": "y ~ Normal(X @ w + u[g], s)\nu ~ StudentT(4, 0, t)\nt ~ HalfNormal(1)",
    "a shared scale": "y ~ Normal(X @ w + u[g] + v[h], s)\nu ~ Normal(0, t)\nv ~ Normal(0, t)\nt ~ HalfNormal(1)",
    "effects subtracted": "y ~ Normal(X @ w - u[g], s)\nu ~ Normal(0, t)\nt ~ HalfNormal(1)",
    "one factor twice": "y ~ Normal(X @ w + u[g] + v[g], s)\nu ~ Normal(0, t)\nv ~ Normal(0, r)\nt ~ Flat\nr ~ Flat",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_models_stay_statements(name):
    lines = [OTHERS[name], "w ~ Normal(0, 9)", "s ~ HalfNormal(1)"]
    lines += ["X = design(x)"] if "X" in OTHERS[name] else []
    spec = lower(parse("\n".join(lines)))
    assert isinstance(spec, StatementSpec)
    assert lower(parse(spec.text())) == spec


REST = "\ns ~ HalfNormal(1)"
FAULTS = {
    "y ~ Normal(m, s)": ("The model has no parameters: no statement gives one a prior.", "Normal(m, s)"),
    "y ~ Normal(a, s)\na ~ Normal(b, 1)\nb ~ Normal(a, 1)": ("`a` depends on itself: a -> b -> a.", "a"),
    "y ~ Normal(a, s)\na = b + 1\nb = 2 * a": ("`a` depends on itself: a -> b -> a.", "a"),
    "y ~ Normal(y, s)": ("`y` stands on both sides of its own `~`.", "y ~ Normal(y, s)"),
    "log(y) ~ Normal(y, s)": ("The response `y` is among its own predictors.", "y"),
    "y ~ Normal(a, s)\ny ~ Normal(a, s)\na ~ Flat": ("`y` has two likelihoods.", "y ~ Normal(a, s)"),
    "y ~ Normal(a, s)\nz ~ Normal(a, s)\na ~ Flat": (
        "No statement uses `y` and `z`, so both would be responses, but a model has one.", "z ~ Normal(a, s)"),
    "y ~ Normal(a, s)\na ~ Flat\nb ~ Normal(0, 1)": ("`b` has a prior, but no statement uses it.", "b ~ Normal(0, 1)"),
    "y ~ Normal(a, s)\na ~ Flat\na ~ Normal(0, 1)": ("`a` has two priors.", "a ~ Normal(0, 1)"),
    "y ~ Normal(a, s)\na ~ Flat\nk = 2": ("`k` is defined, but no statement uses it.", "k"),
    "y ~ Normal(a, s)\na ~ Flat\na = 2": ("`a` is defined by = and has a prior.", "a ~ Flat"),
    "y ~ Normal(k, s)\nk = 2\nk = 3": ("`k` is defined twice.", "k"),
    "y ~ Normal(a, s)\na ~ Flat\nfamily = poisson": ("Explicit statements have no `family`.", "family = poisson"),
    "y ~ Normal(a, t)\na ~ Flat\nt ~ Normal(0, 1)": (
        "`t` is the argument `sd` of Normal and must be positive, but Normal allows negative values.", "Normal(0, 1)"),
    "y ~ Bernoulli(p)\np ~ HalfNormal(1)": (
        "`p` is the argument `p` of Bernoulli and must be between 0 and 1, but HalfNormal allows other values.",
        "HalfNormal(1)"),
    "y ~ Normal(a, -1)\na ~ Flat": ("The argument `sd` of Normal must be positive, not -1.", "-1"),
    "y ~ Normal(R, s)\nR ~ LKJ(1)": (
        "`R` is a correlation matrix, which cannot be the argument `mean` of Normal.", "R ~ LKJ(1)"),
    "y ~ Normal(a, s, 3)\na ~ Flat": ("Normal takes 2 arguments without a name, but 3 are given.", "3"),
    "y ~ Poisson(log = a, rate = 3)\na ~ Flat": (
        "Poisson does not take `log` and `rate` together.", "Poisson(log = a, rate = 3)"),
    "y ~ Normla(X @ w, s)\nw ~ Flat": ("There is no distribution called `Normla`.", "Normla"),
    "y ~ Normal(foo(a), s)\na ~ Flat": ("There is no function called `foo`.", "foo"),
    "y ~ Normal(poly(x, 2), s)\na ~ Flat": ("`a` has a prior, but no statement uses it.", "a ~ Flat"),
    "y ~ Normal(a + poly(x, 2), s)\na ~ Flat": ("poly() stands outside design().", "poly"),
    "y ~ Normal(X @ w, s)\nw ~ Flat\nX = x by g": ("`x` cannot vary `by` a factor.", "x"),
    "y ~ Normal(X @ w, s)\nw ~ Flat\nX = design(x + (1 | g))": ("A group term stands inside design().", "(1 | g)"),
    "y ~ Normal(X @ w, s)\nw ~ Flat\nX = indicators(g, h)": (
        "indicators() takes one argument, the grouping factor: indicators(g) or indicators(a:b).", "indicators(g, h)"),
    "y ~ Normal(X @ x, s)\nx ~ Flat\nX = design(x)": (
        "`x` is a parameter, so it cannot be a column of the data too.", "x"),
    "y ~ x + (1 | g)\nZ = indicators(g)": (
        "The text holds a formula and explicit statements; it must be one or the other.", "Z = indicators(g)"),
    "y ~ Normal(a : b, s)\na ~ Flat": ("`:` has no meaning in arithmetic.", "a : b"),
    "y ~ Flat()\nX = design(x)": ("`X` is defined, but no statement uses it.", "X"),
}  # fmt: skip


@pytest.mark.parametrize("text", FAULTS)
def test_every_fault_has_its_sentence_and_its_place(text):
    sentence, under = FAULTS[text]
    whole = text + REST if ", s)" in text and "m, s" not in text else text
    with pytest.raises(ProbflowError) as caught:
        lower(parse(whole))
    error = caught.value
    assert error.message == sentence
    assert error.text == whole
    assert error.span is not None
    assert whole[error.span.start : error.span.stop] == under


def test_a_family_beside_statements_is_refused():
    with pytest.raises(ProbflowError) as caught:
        lower(parse("y ~ Normal(a, 1)\na ~ Flat"), family="poisson")
    assert caught.value.message == "The text says the distribution of the response, Normal."


WORDS = ["X", "Z", "w", "u", "tau", "s", "y", "x", "g", "k", "w[x]", "u[g]", "centered(w[Intercept])", "2", "0", "-1"]
CALLS = ["design", "indicators", "Normal", "HalfNormal", "LKJ", "MultivariateNormal", "Bernoulli", "Poisson", "exp",
         "StudentT", "Default", "Flat", "scale", "poly", "log"]  # fmt: skip


@st.composite
def statements(draw):
    word = st.sampled_from(WORDS)
    value = st.recursive(
        word,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from([" + ", " * ", " @ ", " - ", " / ", " by ", ":"]), inner).map("".join),
            st.tuples(st.sampled_from(CALLS), st.lists(inner, max_size=2)).map(lambda p: f"{p[0]}({', '.join(p[1])})"),
            inner.map(lambda v: f"({v})"),
            st.tuples(st.sampled_from(["log", "sd", "cor", "logit"]), inner).map(lambda p: f"Normal({p[0]} = {p[1]})"),
        ),
        max_leaves=8,
    )
    sign = st.sampled_from([" ~ ", " = "])
    lines = draw(st.lists(st.tuples(word, sign, value).map("".join), min_size=1, max_size=5))
    base = ["X = design(1 + x)", "w ~ Normal(0, 1)", "u ~ Normal(0, tau)", "tau ~ HalfNormal(1)", "s ~ HalfNormal(1)"]
    return "\n".join([*lines, *draw(st.lists(st.sampled_from(base), unique=True))])


@settings(max_examples=600, deadline=None)
@given(statements())
def test_any_statements_end_in_a_model_or_a_sentence(text):
    try:
        spec = lower(parse(text))
    except ProbflowError as error:
        fault = error
    else:
        assert lower(parse(spec.text())) == spec
        return
    assert fault.message.endswith(".")
    str(fault).encode("utf-8")
