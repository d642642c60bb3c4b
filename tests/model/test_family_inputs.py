"""What a person is told when a response, a link or a prior does not fit a continuous family; its default priors."""

from __future__ import annotations

import numpy as np
import pytest

import probflow_nb as pf

RNG = np.random.default_rng(0)
N = 40


def frame(y):
    return {"y": np.asarray(y, float), "x": RNG.normal(size=N), "g": np.repeat(list("abcdefgh"), N // 8)}


def with_value(y, value):
    y = np.array(y, float)
    y[6] = value
    return y


POSITIVE, SHARE = RNG.gamma(3.0, 1.0, N), RNG.beta(2.0, 3.0, N)

BAD = [
    ("gamma", with_value(POSITIVE, 0.0), "above 0, but 1 is not", "whether the response is 0 apart"),
    ("Gamma(link = inverse)", with_value(POSITIVE, -2.0), "above 0, but 1 is not", "leave their rows out"),
    ("log_normal", -POSITIVE, "above 0, but 40 are not", "leave their rows out"),
    ("beta", with_value(SHARE, 1.0), "strictly between 0 and 1, but 1 is not", "(y * (n - 1) + 0.5) / n"),
    ("beta", with_value(SHARE, 0.0), "strictly between 0 and 1, but 1 is not", "successes / trials"),
    ("beta", 100 * SHARE, "strictly between 0 and 1", "Divide percentages by 100"),
    ("gamma", np.full(N, 2.0), "2 in every row", ""),
    ("beta", np.full(N, 0.25), "0.25 in every row", ""),
    ("student_t", np.full(N, 2.0), "2 in every row", ""),
    ("log_normal", np.full(N, 2.0), "2 in every row", ""),
    ("Gaussian(link = log)", -POSITIVE, "With the link log the response must be above 0 on the whole", "link identity"),
    ("StudentT(link = inverse)", -POSITIVE, "With the link inverse the response must be above 0", "link identity"),
    ("Gamma(link = logit)", POSITIVE, "The family Gamma has no link called `logit`", "log, inverse and identity"),
    ("Beta(link = log)", SHARE, "The family Beta has no link called `log`", "logit, probit and cloglog"),
    ("LogNormal(link = log)", POSITIVE, "The family LogNormal has no link called `log`", "Its link is identity"),
]


@pytest.mark.parametrize(("family", "y", "said", "hint"), BAD, ids=[f"{f}-{s}" for f, _, s, _ in BAD])
def test_a_response_that_does_not_fit(family, y, said, hint):
    with pytest.raises(pf.ProbflowError) as caught:
        pf.lme("y ~ x + (1 | g)", frame(y), family=family)
    assert said in caught.value.message
    assert hint in (caught.value.hint or "")
    assert "^" in str(caught.value)


@pytest.mark.parametrize(
    ("family", "line", "said"),
    [
        ("gamma", "shape ~ Normal(0, 1)", "shape is positive, but Normal allows negative values."),
        ("gamma", "df ~ Gamma(2, 0.1)", "The family Gamma(link = log) has no df."),
        ("poisson", "shape ~ Gamma(2, 0.1)", "The family Poisson(link = log) has no shape."),
        ("zip", "zero ~ Normal(0, 1)", "zero is a probability, but Normal allows values outside 0 and 1."),
        ("zip", "zero ~ Uniform(0, 2)", "zero is a probability"),
        ("beta", "precision ~ LKJ(1)", "precision is one number, but LKJ is a distribution of correlation matrices."),
        ("gamma", "x ~ Beta(1, 2)", "x may be any number, but Beta allows values between 0 and 1 only."),
        ("gaussian", "cut ~ Normal(0, 1)", "has no cut."),
        ("gamma", "shape ~ Beta(0, 2)", "The argument `a` of Beta must be above 0, not 0."),
    ],
)
def test_a_prior_of_a_further_parameter_that_does_not_fit(family, line, said):
    with pytest.raises(pf.SpecError) as caught:
        pf.prepare(f"y ~ x + (1 | g)\n{line}", frame(np.round(POSITIVE)), family=family)
    assert said in caught.value.message
    assert "^" in str(caught.value)


def priors(text, y, family):
    model = pf.prepare(text, frame(y), family=family).model
    return {prior.target.label: prior.distribution for prior in model.spec.priors}


def test_a_written_prior_stands_and_the_text_shows_the_rest():
    found = priors("y ~ x + (1 | g)\nshape ~ Gamma(2, 0.5)", POSITIVE, "gamma")
    assert found["shape"].label == "Gamma(2, 0.5)"
    assert found["centered(Intercept)"].arguments == (pytest.approx(np.log(POSITIVE.mean()), abs=0.01), 2.5)
    written = pf.prepare("y ~ x + (1 | g)\ndf ~ Exponential(0.2)", frame(POSITIVE), family="student_t").model.spec
    assert "Exponential(0.2)" in written.text()


def test_defaults_have_the_scale_of_eta_and_of_the_response():
    y = 100.0 * POSITIVE
    mad = 1.4826 * np.median(np.abs(y - np.median(y)))
    found = priors("y ~ 1 + (1 | g)", y, "student_t")
    assert found["df"].label == "Gamma(2, 0.1)"
    assert found["sigma"].arguments[2] == pytest.approx(2.5 * mad, rel=1e-3)
    assert found["centered(Intercept)"].arguments == pytest.approx((np.median(y), 2.5 * mad), rel=1e-2)
    found = priors("y ~ 1 + (1 | g)", y, "log_normal")
    assert found["sigma"].arguments[2] == pytest.approx(2.5 * np.log(y).std(ddof=1), rel=1e-3)
    found = priors("y ~ 1 + (1 | g)", y, "Gamma(link = inverse)")
    centre, width = found["centered(Intercept)"].arguments
    assert centre == pytest.approx(1 / y.mean(), rel=1e-2)
    assert width == pytest.approx(2.5 * y.std(ddof=1) / y.mean() ** 2, rel=1e-3)
    assert found["shape"].label == "LogNormal(2, 2)"
    assert priors("y ~ 1 + (1 | g)", SHARE, "beta")["precision"].label == "LogNormal(2, 2)"
    found = priors("y ~ 1 + (1 | g)", y, "Gaussian(link = log)")
    assert found["sigma"].arguments[2] == pytest.approx(2.5 * y.std(ddof=1), rel=1e-3)
