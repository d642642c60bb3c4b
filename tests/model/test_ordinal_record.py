"""Ordered categories far out, in narrow intervals and of any number of them, and their probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import ndtr

from probflow_nb.backend.tensorflow import load
from probflow_nb.model.families.auxiliary import constrained, unconstrained
from probflow_nb.model.families.interval import interval_slopes, tensor_interval
from probflow_nb.model.families.ordinal import ordinal

LINKS = ("logit", "probit", "cloglog")
DENSITY = {"logit": stats.logistic.logpdf, "probit": stats.norm.logpdf, "cloglog": stats.gumbel_l.logpdf}


def log_mass(link, low, width):
    """log of int f from low to low + width, by quadrature of f over its largest value."""
    t = np.linspace(0.0, width, 20_001)
    log_f = DENSITY[link](low + t)
    return log_f.max() + np.log(integrate.simpson(np.exp(log_f - log_f.max()), x=t))


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("width", [1e-12, 1e-6, 1e-3, 0.02, 0.3, 2.0])
def test_intervals_in_both_tails(link, width):
    tf = load()
    for place in (-60.0, -26.0, -24.0, -8.0, -1.0, -0.5 * width, 0.3, 3.0, 6.0, 27.0, 80.0):
        if link == "cloglog" and place > 6.0:
            place = 5.0
        low, high, eta = np.array(0.25), np.array(0.25 + width), np.array(0.25 - place)
        # The width that the numbers have.
        exact = log_mass(link, place, float(high - low))
        found = interval_slopes(link, low, high, eta)
        np.testing.assert_allclose(found.value, exact, rtol=3e-9, atol=3e-9)
        ends = (tf.constant(value) for value in (low, high, high - low, eta))
        np.testing.assert_allclose(tensor_interval(link, *ends).numpy(), exact, rtol=3e-9, atol=3e-9)


@pytest.mark.parametrize("width", [1e-12, 1e-4, 2e-3, 0.02, 0.1, 2.0])
def test_derivatives_of_the_normal_are_moments_of_what_is_between(width):
    for place in (-200.0, -40.0, -26.0, -25.0, -20.0, -3.0, 0.2, 4.0, 30.0):
        t = np.linspace(0.0, width, 20_001)
        f = np.exp(stats.norm.logpdf(place + t) - stats.norm.logpdf(place + t).max())
        mass = integrate.simpson(f, x=t)
        mean = integrate.simpson(t * f, x=t) / mass
        variance = integrate.simpson((t - mean) ** 2 * f, x=t) / mass
        found = interval_slopes("probit", np.array(0.0), np.array(width), np.array(-place))
        np.testing.assert_allclose(found.first, place + mean, rtol=2e-5)
        np.testing.assert_allclose(found.information, 1.0 - variance, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("link", LINKS)
def test_nothing_is_not_a_number_however_far(link):
    record = ordinal(link, "abcd", np.array([1.0, 2.0, 3.0, 4.0]), np.zeros((4, 0)))
    y, eta = np.array([1.0, 2.0, 3.0, 4.0]), np.array([-1e300, -1e9, -50.0, 0.0, 50.0, 1e9, 1e300])[:, None]
    free = ((-1e9, -90.0, 90.0), (0.0, -200.0, -200.0), (1e9, 300.0, 0.0), (30.0, -36.0, 5.0))
    tf = load()
    for numbers in free:
        aux = constrained(record.auxiliary, [np.array(x) for x in numbers])
        with np.errstate(all="raise", under="ignore"):
            found = record.slopes(y, None, eta, aux)
            p = record.probabilities(eta[:, 0], aux)
            others = (record.mean(None, eta, aux), record.variance(None, eta, aux), record.deviance(y, None, eta, aux))
        assert all(np.isfinite(value).all() for value in (*found, *others, p))
        assert (found.information >= 0).all()
        np.testing.assert_allclose(p.sum(axis=-1), 1.0)
        tensors = [tf.constant(x, tf.float64) for x in numbers]
        at = tf.constant(np.clip(eta, -1e30, 1e30))
        with tf.GradientTape() as tape:
            tape.watch([at, *tensors])
            cuts = constrained(record.auxiliary, tensors, tf)
            value = record.tensor(tf.constant(y), None, at, cuts)
        assert all(np.isfinite(g).all() for g in (value, *tape.gradient(value, [at, *tensors])))


def test_probabilities_for_draws_and_rows():
    record = ordinal("probit", ("low", "mid", "high"), np.array([1.0, 2.0, 2.0, 3.0]), np.zeros((4, 0)))
    assert [one.name for one in record.auxiliary] == ["cut[low|mid]", "cut[mid|high]"]
    rng = np.random.default_rng(0)
    eta, first = rng.normal(size=(6, 5)), rng.normal(size=(6, 1))
    aux = (first, first + 0.8)
    p = record.probabilities(eta, aux)
    assert p.shape == (6, 5, 3)
    np.testing.assert_allclose(p[..., 0], ndtr(aux[0] - eta), rtol=1e-12)
    np.testing.assert_allclose(p[..., 2], ndtr(eta - aux[1]), rtol=1e-12)
    np.testing.assert_allclose(p @ np.array([1.0, 2.0, 3.0]), record.mean(None, eta, aux), rtol=1e-12)


@pytest.mark.parametrize("link", LINKS)
def test_cuts_start_where_the_categories_shares_and_the_predictors_means_put_them(link):
    rng = np.random.default_rng(2)
    x = rng.normal(50.0, 3.0, 4000)
    latent = 0.4 * x + (rng.logistic(size=4000) if link == "logit" else rng.normal(size=4000))
    y = 1.0 + np.sum(latent[:, None] > np.array([19.0, 20.0, 21.5]), axis=1)
    record = ordinal(link, "abcd", y, x[:, None])
    starts = np.array([one.start for one in record.auxiliary])
    assert np.all(np.diff(starts) > 0)
    if link == "logit":
        np.testing.assert_allclose(starts, [19.0, 20.0, 21.5], atol=1.5)
    np.testing.assert_allclose(
        np.array(constrained(record.auxiliary, list(unconstrained(record.auxiliary, starts)))), starts, rtol=1e-12
    )
    # 2.5 sqrt(1 + (mean / sd)^2)
    width = record.auxiliary[0].prior.arguments[2]
    assert width == pytest.approx(2.5 * np.hypot(1.0, x.mean() / x.std(ddof=1)), rel=5e-3)


def test_one_category_more_or_two():
    y = np.array([1.0, 2.0, 1.0, 2.0, 2.0])
    record = ordinal("logit", "ab", y, np.zeros((5, 0)))
    (cut,) = (np.array(0.3),)
    np.testing.assert_allclose(
        record.kernel(y, None, np.array(0.1), (cut,)), np.where(y == 2, *(-np.log1p(np.exp([0.2, -0.2]))))
    )
