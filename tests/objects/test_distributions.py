"""Distributions against scipy, element by element, and draws against moments."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import probflow_nb as pf
from probflow_nb.backend.tensorflow import load
from probflow_nb.errors import SpecError

tf = load()
POINTS = np.array([-2.5, -1.0, 0.0, 0.3, 0.8, 1.0, 2.0, 7.5])
COUNTS = np.array([-1.0, 0.0, 1.0, 2.0, 2.5, 5.0, 9.0])

# What is written, scipy's, whether discrete.
CASES = {
    "Normal": (pf.Normal(0.5, 2.0), stats.norm(0.5, 2.0), False),
    "HalfNormal": (pf.HalfNormal(1.5), stats.halfnorm(scale=1.5), False),
    "StudentT": (pf.StudentT(5.0, 0.3, 2.0), stats.t(5.0, 0.3, 2.0), False),
    "Cauchy": (pf.Cauchy(0.2, 1.3), stats.cauchy(0.2, 1.3), False),
    "HalfCauchy": (pf.HalfCauchy(0.7), stats.halfcauchy(scale=0.7), False),
    "Exponential": (pf.Exponential(1.7), stats.expon(scale=1 / 1.7), False),
    "Gamma": (pf.Gamma(2.5, 1.2), stats.gamma(2.5, scale=1 / 1.2), False),
    "Gamma by mean": (pf.Gamma(2.5, mean=3.0), stats.gamma(2.5, scale=3.0 / 2.5), False),
    "Gamma by log": (pf.Gamma(2.5, log=np.log(3.0)), stats.gamma(2.5, scale=3.0 / 2.5), False),
    "InverseGamma": (pf.InverseGamma(5.0, 2.0), stats.invgamma(5.0, scale=2.0), False),
    "LogNormal": (pf.LogNormal(0.3, 0.6), stats.lognorm(0.6, scale=np.exp(0.3)), False),
    "Uniform": (pf.Uniform(-1.5, 2.5), stats.uniform(-1.5, 4.0), False),
    "Laplace": (pf.Laplace(0.3, 1.2), stats.laplace(0.3, 1.2), False),
    "Logistic": (pf.Logistic(0.3, 1.2), stats.logistic(0.3, 1.2), False),
    "Weibull": (pf.Weibull(1.7, 1.2), stats.weibull_min(1.7, scale=1.2), False),
    "Beta": (pf.Beta(2.0, 3.0), stats.beta(2.0, 3.0), False),
    "Beta by mean": (pf.Beta(mean=0.4, precision=5.0), stats.beta(2.0, 3.0), False),
    "Beta by logit": (pf.Beta(logit=np.log(0.4 / 0.6), precision=5.0), stats.beta(2.0, 3.0), False),
    "Bernoulli": (pf.Bernoulli(0.3), stats.bernoulli(0.3), True),
    "Bernoulli by logit": (pf.Bernoulli(logit=1.2), stats.bernoulli(1 / (1 + np.exp(-1.2))), True),
    "Binomial": (pf.Binomial(7, 0.3), stats.binom(7, 0.3), True),
    "Binomial by logit": (pf.Binomial(7, logit=-0.4), stats.binom(7, 1 / (1 + np.exp(0.4))), True),
    "Poisson": (pf.Poisson(2.3), stats.poisson(2.3), True),
    "Poisson by log": (pf.Poisson(log=np.log(2.3)), stats.poisson(2.3), True),
    "NegativeBinomial": (pf.NegativeBinomial(2.3, 1.7), stats.nbinom(1.7, 1.7 / 4.0), True),
    "NegativeBinomial by log": (
        pf.NegativeBinomial(log=np.log(2.3), shape=1.7),
        stats.nbinom(1.7, 1.7 / 4.0),
        True,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_log_densities_inside_and_outside_the_support(name):
    ours, scipys, discrete = CASES[name]
    points = COUNTS if discrete else POINTS
    # At the very edge of a support conventions differ and nothing depends on it.
    points = points[points != scipys.support()[0]] if not discrete else points
    expected = scipys.logpmf(points) if discrete else scipys.logpdf(points)
    found = ours.log_prob(points).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    assert np.isfinite(found).any()


@pytest.mark.parametrize("name", CASES)
def test_moments_and_distribution_functions(name):
    ours, scipys, discrete = CASES[name]
    if "Cauchy" not in name:
        np.testing.assert_allclose(ours.mean(), scipys.mean(), rtol=1e-9)
        np.testing.assert_allclose(ours.variance(), scipys.var(), rtol=1e-9)
    points = COUNTS if discrete else POINTS
    np.testing.assert_allclose(ours.cdf(points), scipys.cdf(points), atol=1e-12)
    levels = np.array([0.05, 0.4, 0.9])
    np.testing.assert_allclose(ours.quantile(levels), scipys.ppf(levels), rtol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_draws_have_the_distribution(name):
    ours, scipys, discrete = CASES[name]
    draws = ours.sample(3, 20_000)
    np.testing.assert_array_equal(draws, ours.sample(3, 20_000))
    assert draws.shape == (20_000,)
    if discrete:
        values = np.arange(draws.max() + 1)
        found = np.array([(draws <= v).mean() for v in values])
        # Kolmogorov's bound at p = 1e-4 holds for discrete distributions too.
        assert np.abs(found - scipys.cdf(values)).max() < 2.23 / np.sqrt(20_000)
    else:
        assert stats.kstest(draws, scipys.cdf).pvalue > 1e-3


def test_half_student_t_is_that_of_the_absolute_value():
    for location in (0.0, 1.3):
        ours, t = pf.HalfStudentT(6.0, location, 2.0), stats.t(6.0, location, 2.0)
        x = np.array([0.2, 1.0, 4.0])
        np.testing.assert_allclose(ours.log_prob(x), np.log(t.pdf(x) + t.pdf(-x)), rtol=1e-12)
        np.testing.assert_allclose(ours.cdf(x), t.cdf(x) - t.cdf(-x), rtol=1e-12)
        np.testing.assert_allclose(ours.cdf(ours.quantile([0.1, 0.7])), [0.1, 0.7], rtol=1e-9)
        draws = np.abs(t.rvs(400_000, random_state=1))
        np.testing.assert_allclose(ours.mean(), draws.mean(), rtol=0.01)
        np.testing.assert_allclose(ours.variance(), draws.var(), rtol=0.05)
        assert stats.kstest(ours.sample(1, 20_000), ours.cdf).pvalue > 1e-3


def test_categorical_counts_its_categories():
    p = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])
    for ours in (pf.Categorical(p), pf.Categorical(logits=np.log(p) + 3.0)):
        assert ours.shape == (2,)
        np.testing.assert_allclose(np.exp(ours.log_prob([1.0, 2.0])), [0.5, 0.1], rtol=1e-12)
        assert ours.log_prob([3.0, 0.5]).numpy().tolist() == [-np.inf, -np.inf]
        np.testing.assert_allclose(ours.mean(), [1.1, 0.5], rtol=1e-12)
        np.testing.assert_allclose(ours.variance(), [0.49, 0.45], rtol=1e-12)
        np.testing.assert_allclose(ours.cdf([1.0, -1.0]), [0.7, 0.0])
        draws = ours.sample(1, 20_000)
        share = np.stack([(draws == i).mean(axis=0) for i in range(3)], axis=-1)
        np.testing.assert_allclose(share, p, atol=0.015)


def correlation(k, seed):
    a = np.random.default_rng(seed).standard_normal((k, 3 * k))
    c = a @ a.T
    return c / np.sqrt(np.outer(np.diag(c), np.diag(c)))


@pytest.mark.parametrize("k", [1, 2, 3, 6, 8])
def test_multivariate_normal(k):
    rng = np.random.default_rng(k)
    mean, sd, R = rng.standard_normal(k), rng.uniform(0.5, 2.0, k), correlation(k, k)
    cov = sd[:, None] * R * sd
    expected = stats.multivariate_normal(mean, cov)
    x = rng.standard_normal((4, 3, k))
    for ours in (pf.MultivariateNormal(mean, sd=sd, cor=R), pf.MultivariateNormal(mean, cov=cov)):
        np.testing.assert_allclose(ours.log_prob(x), expected.logpdf(x).reshape(4, 3), rtol=1e-9)
        np.testing.assert_allclose(ours.variance(), np.diag(cov), rtol=1e-12)
        draws = ours.sample(0, 40_000)
        np.testing.assert_allclose(np.cov(draws.T).reshape(k, k), cov, atol=0.03 * sd.max() ** 2 * 4)
        np.testing.assert_allclose(ours.colour(ours.whiten(tf.constant(x))), x, rtol=1e-9)
    independent = pf.MultivariateNormal(mean, sd=2.0)
    np.testing.assert_allclose(independent.log_prob(x[0, 0]), stats.norm(mean, 2.0).logpdf(x[0, 0]).sum(), rtol=1e-12)


def test_dirichlet():
    alpha = np.array([0.7, 2.0, 3.5])
    ours, expected = pf.Dirichlet(alpha), stats.dirichlet(alpha)
    x = expected.rvs(5, random_state=0)
    np.testing.assert_allclose(ours.log_prob(x), [expected.logpdf(row) for row in x], rtol=1e-9)
    assert ours.log_prob([0.5, 0.6, 0.1]).numpy() == -np.inf
    np.testing.assert_allclose(ours.mean(), expected.mean())
    np.testing.assert_allclose(ours.variance(), expected.var())
    draws = ours.sample(1, 20_000)
    np.testing.assert_allclose(draws.var(axis=0), expected.var(), rtol=0.05)


@pytest.mark.parametrize("eta", [0.8, 2.5])
def test_lkj_integrates_to_one_and_draws_have_its_marginals(eta):
    # For k = 2: p(r) proportional to (1 - r^2)^(eta - 1).
    r = np.linspace(-1, 1, 40_001)[1:-1]
    R = np.stack([np.ones_like(r), r, r, np.ones_like(r)], axis=-1).reshape(-1, 2, 2)
    density = np.exp(pf.LKJ(eta).log_prob(R).numpy())
    np.testing.assert_allclose(density, stats.beta(eta, eta, -1, 2).pdf(r), rtol=1e-9)
    # Marginally every correlation is Beta(eta + k / 2 - 1) on (-1, 1) (Lewandowski, Kurowicka and Joe 2009).
    k = 4
    draws = pf.LKJ(eta).draw(np.random.default_rng(0), (20_000, k, k))
    b = eta + k / 2 - 1
    for i, j in ((1, 0), (3, 2), (3, 0)):
        assert stats.kstest(draws[:, i, j], stats.beta(b, b, -1, 2).cdf).pvalue > 1e-3
    # The normalising constant by importance sampling from uniform matrices.
    uniform = pf.LKJ(1.0).draw(np.random.default_rng(1), (40_000, 3, 3))
    weights = np.exp(pf.LKJ(eta).log_prob(uniform).numpy() - pf.LKJ(1.0).log_prob(uniform).numpy())
    np.testing.assert_allclose(weights.mean(), 1.0, atol=6 * weights.std() / 200)


def test_binomial_and_bernoulli_at_certainty():
    assert pf.Binomial(3, 0.0).log_prob([0.0, 1.0]).numpy().tolist() == [0.0, -np.inf]
    assert pf.Binomial(3, 1.0).log_prob(3.0).numpy() == 0.0
    assert pf.Bernoulli(logit=-800.0).log_prob([0.0, 1.0]).numpy().tolist() == [0.0, -800.0]
    np.testing.assert_allclose(pf.Poisson(log=-800.0).log_prob(0.0), 0.0)
    assert np.isfinite(pf.NegativeBinomial(log=300.0, shape=2.0).log_prob(3.0))


def test_huge_rates_can_be_drawn():
    draws = pf.Poisson(log=np.array([1.0, 45.0, 800.0])).sample(0, 5)
    assert draws.shape == (5, 3)
    assert np.isinf(draws[:, 2]).all()
    np.testing.assert_allclose(draws[:, 1], np.exp(45.0), rtol=1e-6)


@pytest.mark.parametrize("given", [np.float32(2.0), [1, 2, 3], np.ones((2, 1), np.float32), True])
def test_everything_is_float64(given):
    found = pf.Normal(given, 1)
    assert found.mean().dtype == tf.float64
    assert found.log_prob(np.float32(1.0)).dtype == tf.float64
    assert pf.Normal(tf.constant(1.0), 1).mean().dtype == tf.float64


SENTENCES = {
    "negative": (lambda: pf.Normal(0, -1), "The sd of Normal is -1, but it must be positive and finite."),
    "one of many": (lambda: pf.HalfNormal([1, 2, 0]), "The sd of HalfNormal is 0, but it must be positive and finite."),
    "not a number": (lambda: pf.Normal(np.nan, 1), "The mean of Normal is nan, but it must be finite."),
    "text": (lambda: pf.Normal("a", 1), "The mean of Normal is 'a', but it must be a number, an array"),
    "none": (lambda: pf.Normal(None, 1), "The mean of Normal is None"),
    "ragged": (lambda: pf.Normal([[1], [1, 2]], 1), "The mean of Normal is of type list"),
    "probability": (lambda: pf.Bernoulli(1.5), "The p of Bernoulli is 1.5, but it must be between 0 and 1."),
    "two forms": (
        lambda: pf.Bernoulli(0.5, logit=0.0),
        "Bernoulli takes exactly one of p= or logit=, but p= and logit=",
    ),
    "no form": (lambda: pf.Poisson(rate=None), "Poisson takes exactly one of rate= or log=, but none was given."),
    "trials": (
        lambda: pf.Binomial(2.5, 0.5),
        "The trials of Binomial is 2.5, but it must be a whole number, 0 or more.",
    ),
    "bounds": (lambda: pf.Uniform(2, 1), "The bounds of Uniform(2, 1) are not in order: low must be below high."),
    "beta": (lambda: pf.Beta(1), "Beta takes a and b, or precision= with mean= or logit=."),
    "lengths": (
        lambda: pf.MultivariateNormal([0, 0], sd=[1, 1, 1]),
        "The arguments of MultivariateNormal are of different lengths: mean of 2, sd of 3.",
    ),
    "square": (lambda: pf.MultivariateNormal(0, cor=[1, 2]), "The cor of MultivariateNormal has shape (2,), but"),
    "definite": (lambda: pf.MultivariateNormal(0, cov=[[1, 2], [2, 1]]), "is not symmetric and positive definite."),
    "diagonal": (lambda: pf.MultivariateNormal(0, cor=[[2, 0], [0, 1]]), "has a diagonal that is not 1."),
    "both": (lambda: pf.MultivariateNormal(0, sd=1, cov=[[1.0]]), "takes sd= and cor=, or cov=, not both."),
    "flat draws": (lambda: pf.Flat().sample(0, 3), "Nothing can be drawn from a Flat prior."),
    "no cdf": (lambda: pf.Dirichlet([1, 1]).cdf(0.5), "Dirichlet has no distribution function of single numbers."),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_every_wrong_argument_gets_its_sentence(name):
    make, sentence = SENTENCES[name]
    with pytest.raises(SpecError) as caught:
        make()
    assert sentence in str(caught.value)


def test_labels_are_what_was_written():
    tau = pf.ScaleParameter(name="tau")
    assert pf.Normal(0, 2.5).label == "Normal(0, 2.5)"
    assert pf.Normal(0, tau).label == "Normal(0, tau)"
    assert pf.Normal(0, 2 * tau).label == "Normal(0, 2 * tau)"
    assert pf.Poisson(log=0).label == "Poisson(log=0)"
    assert pf.MultivariateNormal(0, sd=tau).label == "MultivariateNormal(0, sd=tau)"
    assert pf.Normal(np.zeros((3, 1)), 1).label == "Normal(array(3, 1), 1)"
