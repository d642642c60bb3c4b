"""ModelSpec and its text: priors, families, weights, labels, and the round trip of any spec."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probflow_nb.lang import parse
from probflow_nb.lang.tree import Name
from probflow_nb.spec import Distribution, Family, ModelSpec, Prior, Target, Term, lower
from probflow_nb.spec.families import KINDS
from probflow_nb.spec.priors import SIGNATURES

TEXTS = {
    "Reaction~1+Days+(1+Days|Subject)": "Reaction ~ Days + (Days | Subject)",
    "y ~ 1": "y ~ 1",
    "y ~ 0": "y ~ 0",
    "y ~ (1|g)": "y ~ 1 + (1 | g)",
    "y ~ a*b - 1 + (a - 1 || g:h)": "y ~ 0 + a + b + a:b + (0 + a || g:h)",
    "diameter ~ (1|plate/sample)": "diameter ~ 1 + (1 | plate) + (1 | plate:sample)",
    "log(y) ~ poly(x,2) + offset(2*log(n)) + weights(w)": ("log(y) ~ poly(x, 2) + offset(2 * log(n))\nweights = w"),
    "weights=1/v^2;y~x;family='poisson'": "y ~ x\nfamily = Poisson(link = log)\nweights = 1 / v**2",
    "family = Gaussian(link = identity)\ny ~ x": "y ~ x",
    "`body mass` ~ `a b`:x": "`body mass` ~ `a b`:x",
    "inc / size ~ p + (1|herd)\nfamily = Binomial(probit)": (
        "inc / size ~ p + (1 | herd)\nfamily = Binomial(link = probit)"
    ),
}

PRIORS = {
    "Days ~ Normal(0, 10)": (Target("coefficient", "Days"), Distribution("Normal", (0, 10))),
    "Intercept ~ Normal(mean = 1, sd = 2)": (Target("intercept"), Distribution("Normal", (1, 2))),
    "(Intercept) ~ Flat()": (Target("intercept"), Distribution("Flat")),
    "centered(Intercept) ~ Cauchy()": (Target("centered intercept"), Distribution("Cauchy", (0, 1))),
    "sd(Subject) ~ HalfNormal(50)": (Target("sd", None, "Subject"), Distribution("HalfNormal", (50,))),
    "sd(Days | Subject) ~ HalfStudentT(3)": (
        Target("sd", "Days", "Subject"),
        Distribution("HalfStudentT", (3, 0, 1)),
    ),
    "sd(1 | Subject) ~ Exponential(1/10)": (
        Target("sd", "Intercept", "Subject"),
        Distribution("Exponential", (0.1,)),
    ),
    "cor(Subject) ~ LKJ()": (Target("cor", None, "Subject"), Distribution("LKJ", (1,))),
    "sigma ~ Uniform(0, 2.5 * 3 + 2**3)": (Target("sigma"), Distribution("Uniform", (0, 15.5))),
    "recipe[B] ~ Normal(-3, 1)": (Target("coefficient", "recipe[B]"), Distribution("Normal", (-3, 1))),
    "temp:recipe[B] ~ Normal(0, 1)": (
        Target("coefficient", "recipe[B]:temp"),
        Distribution("Normal", (0, 1)),
    ),
    "center(age) ~ StudentT(3, scale = 2)": (
        Target("coefficient", "center(age)"),
        Distribution("StudentT", (3, 0, 2)),
    ),
    "poly(x,2)[1] ~ Normal(0, 1)": (Target("coefficient", "poly(x, 2)[1]"), Distribution("Normal", (0, 1))),
    "`body mass` ~ Normal(0, 1)": (Target("coefficient", "body mass"), Distribution("Normal", (0, 1))),
    "`sigma` ~ Normal(0, 1)": (Target("coefficient", "sigma"), Distribution("Normal", (0, 1))),
    "sd(sample:plate) ~ Flat()": (Target("sd", None, "plate:sample"), Distribution("Flat")),
    "sd(recipe[B] | plate) ~ Flat()": (Target("sd", "recipe[B]", "plate"), Distribution("Flat")),
}
FORMULA = "y ~ Days + recipe:temp + center(age) + poly(x, 2) + (Days | Subject) + (recipe | plate/sample)\n"


@pytest.mark.parametrize(("text", "expected"), TEXTS.items())
def test_canonical_text(text, expected):
    spec = lower(parse(text))
    assert spec.short_text() == expected
    assert lower(parse(expected)) == spec


@pytest.mark.parametrize(("statement", "expected"), PRIORS.items())
def test_prior(statement, expected):
    spec = lower(parse(FORMULA + statement))
    (prior,) = spec.priors
    assert (prior.target, prior.distribution) == expected
    assert lower(parse(spec.short_text())) == spec


def test_priors_may_stand_before_the_formula_and_keep_their_order():
    spec = lower(parse("sigma ~ HalfNormal(1)\nDays ~ Normal(0, 1)\ny ~ Days"))
    assert [prior.target.label for prior in spec.priors] == ["sigma", "Days"]
    assert spec.response == Name("y")


def test_a_lone_name_is_a_column_even_if_a_distribution_is_called_so():
    assert lower(parse("y ~ Normal")).terms == (Term((Name("Normal"),)),)


def test_spans_lead_back_to_the_source():
    text = "y ~ a:b + (a | g)\nsigma ~ HalfNormal(1)"
    spec = lower(parse(text))
    spans = [spec.terms[0].span, spec.groups[0].span, spec.priors[0].span]
    assert [text[s.start : s.stop] for s in spans] == ["a:b", "(a | g)", "sigma ~ HalfNormal(1)"]
    assert spec.source == text


def test_labels():
    spec = lower(parse("y ~ recipe:`a b` + (1 | plate:sample)"))
    assert spec.formula == "y ~ recipe:`a b` + (1 | plate:sample)"
    assert Distribution("Normal", (0, 1 / 3)).label == "Normal(0, 0.333333)"
    assert Distribution("HalfStudentT", (3, 0, 140.8172)).label == "HalfStudentT(3, 0, 140.817)"
    targets = [
        (Target("coefficient", "Days"), "Days"),
        (Target("intercept"), "Intercept"),
        (Target("centered intercept"), "centered(Intercept)"),
        (Target("sd", "Days", "Subject"), "sd(Days | Subject)"),
        (Target("sd", None, "Subject"), "sd(Subject)"),
        (Target("cor", None, "Subject"), "cor(Subject)"),
        (Target("sigma"), "sigma"),
    ]
    assert [target.label for target, _ in targets] == [label for _, label in targets]


def test_text_says_where_the_default_intercept_prior_stands():
    spec = lower(parse("y ~ x\ncentered(Intercept) ~ Normal(250, 140.8)"))
    line = "centered(Intercept) ~ Normal(250, 140.8)  # the value at the predictors' means"
    assert spec.short_text().splitlines()[1] == line


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_family_and_link_is_read_and_printed(kind):
    assert lower(parse(f"y ~ x\nfamily = {kind.shown}")).family == Family(kind.name, kind.links[0], kind.auxiliary)
    for link in kind.links:
        family = Family(kind.name, link, kind.auxiliary)
        for written in (f"{kind.name}({link})", f"{kind.shown}(link = '{link}')", family):
            spec = lower(parse("y ~ x"), family=written)
            assert spec.family == family
            assert lower(parse(spec.short_text())) == spec


# A resolved spec names its coefficients as the data does, so names hold whatever columns and levels hold.
shown_names = st.one_of(
    st.sampled_from(["x", "a b", "f[B 2]", "f[a]b]", "a b:f[x:y]", "sigma", "Intercept", "sd(x)", "x.", "1"]),
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=6),
)  # fmt: skip
real = st.floats(-1e300, 1e300, allow_nan=False)
positive = st.floats(1e-300, 1e300)


@st.composite
def resolved(draw):
    names = draw(st.lists(shown_names, max_size=4, unique=True))
    coefficients = [
        Prior(Target("coefficient", name), Distribution("Normal", (draw(real), draw(positive)))) for name in names
    ]
    sds = [
        Prior(Target("sd", name, "g h"), Distribution("HalfStudentT", (draw(positive), 0.0, draw(positive))))
        for name in names
    ]
    rest = [
        Prior(Target("centered intercept"), Distribution("Normal", (draw(real), draw(positive)))),
        Prior(Target("cor", None, "g h"), Distribution("LKJ", (draw(positive),))),
        Prior(Target("sigma"), Distribution("Exponential", (draw(positive),))),
    ]
    spec = lower(parse("y ~ x + (x | `g h`)"))
    return replace(spec, priors=(*coefficients, *rest, *sds))


@settings(max_examples=200, deadline=None)
@given(resolved())
def test_a_resolved_spec_comes_back_from_its_text(spec: ModelSpec):
    assert lower(parse(spec.short_text())) == spec


def test_every_distribution_is_read():
    for name, arguments in SIGNATURES.items():
        target = {"LKJ": "cor(g)"}.get(name, "sigma" if name not in ("Normal", "StudentT", "Cauchy") else "x")
        values = ["0", "1"] if name in ("Normal", "Uniform") else ["1" for _, default in arguments if default is None]
        spec = lower(parse(f"y ~ x + (x | g)\n{target} ~ {name}({', '.join(values)})"))
        assert len(spec.priors[0].distribution.arguments) == len(arguments)
