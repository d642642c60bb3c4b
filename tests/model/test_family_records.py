"""Every record against its truth case, against numeric derivatives and at the ends of what numbers can hold."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from family_truth import TRUTH
from scipy.special import ndtr, zeta

from probflow_nb.backend.tensorflow import load
from probflow_nb.model.families import RECORDS, log_prob
from probflow_nb.model.families.trigamma import trigamma

CASES = [(name, link) for name, (links, _) in RECORDS.items() for link in links]
# Of these eta may be of one sign only.
POSITIVE = ("sqrt", "identity", "inverse")
FAR = np.array([-1e300, -1e5, -745.0, -40.0, 0.0, 40.0, 745.0, 1e5, 1e300])


def record_of(name, link):
    return RECORDS[name][1](link, TRUTH[name].design())


def arrays(values):
    return tuple(np.array(value) for value in values)


def log_known(known, y):
    return known.logpmf(y) if hasattr(known, "logpmf") else known.logpdf(y)


def test_every_record_has_a_truth_case():
    assert set(TRUTH) == set(RECORDS)


@pytest.mark.parametrize(("name", "link"), CASES)
def test_density_moments_and_derivatives(name, link):
    record, truth = record_of(name, link), TRUTH[name]
    y, trials, eta = truth.rows(link)
    for values in truth.aux:
        aux, known = arrays(values), truth.known(link, eta, trials, values)
        # A whole number of y digits is lost in the difference of two log gammas of a large shape.
        close = {"rtol": 1e-9, "atol": 1e-9 * max(1.0, *values)} if values else {"rtol": 1e-9, "atol": 1e-9}
        np.testing.assert_allclose(log_prob(record, y, trials, eta, aux), log_known(known, y), **close)
        np.testing.assert_allclose(record.mean(trials, eta, aux), known.mean(), rtol=1e-9)
        np.testing.assert_allclose(record.variance(trials, eta, aux), known.var(), rtol=1e-9)
        slopes = record.slopes(y, trials, eta, aux)
        np.testing.assert_allclose(slopes.value, record.kernel(y, trials, eta, aux), rtol=1e-12, atol=1e-12)
        # Of the value and of the slope, so that no digit is asked for that they lack.
        h = 1e-4 * np.minimum(1.0, np.abs(eta))
        value = _difference(partial(_slope, record, 0, y, trials, aux), eta, h)
        slope = _difference(partial(_slope, record, 1, y, trials, aux), eta, h)
        np.testing.assert_allclose(slopes.first, value, rtol=1e-7, atol=1e-10 * np.max(np.abs(value) + 1.0))
        np.testing.assert_allclose(slopes.information, -slope, rtol=1e-7, atol=1e-9 * np.abs(slope).max())


def _slope(record, which, y, trials, aux, eta):
    return record.slopes(y, trials, eta, aux)[which]


def _difference(f, x, h):
    """Return the derivative to fourth order."""
    return (8.0 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12.0 * h)


@pytest.mark.parametrize(("name", "link"), CASES)
def test_expected_information_is_the_mean_of_the_observed(name, link):
    record, truth = record_of(name, link), TRUTH[name]
    low, high = truth.range_of(link)
    eta = low + (high - low) * np.array([0.6, 0.75, 0.83])
    for values in truth.aux:
        aux = arrays(values)
        if truth.support is not None:
            trials = np.full(3, truth.support[-1]) if truth.trials else None
            y = truth.support[:, None]
            weights = np.exp(log_prob(record, y, trials, eta, aux))
        else:
            # int f(y(t)) phi(t) dt with y the quantile of Phi(t): the trapezoid rule of a smooth function.
            trials, t = None, np.linspace(-8.2, 8.2, 1641)[:, None]
            known = truth.known(link, eta, None, values)
            y = np.where(t < 0, known.ppf(ndtr(np.minimum(t, 0))), known.isf(ndtr(-np.maximum(t, 0))))
            inside = np.broadcast_to((y > 1e-300) & (y < 1.0) if name == "beta" else np.isfinite(y), y.shape)
            weights = np.where(inside, 0.01 * np.exp(-0.5 * t * t) / np.sqrt(2 * np.pi), 0.0)
            y = np.where(inside, y, 0.5)
        mean = (weights * record.slopes(y, trials, eta, aux).information).sum(axis=0)
        np.testing.assert_allclose(record.expected(y[0], trials, eta, aux), mean, rtol=1e-6)


@pytest.mark.parametrize(("name", "link"), CASES)
def test_no_eta_gives_a_number_that_is_not_one(name, link):
    record, truth = record_of(name, link), TRUTH[name]
    eta = np.minimum(FAR, 1e100)[:, None] if link in POSITIVE else FAR[:, None]
    y = truth.values(np.array([0.1, 0.9]))
    y, trials = (np.array([0.0, 1.0]), np.ones(2)) if truth.trials else (y, None)
    for values in truth.aux:
        aux = arrays(values)
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            found = record.slopes(y, trials, eta, aux)
            moments = [record.mean(trials, eta, aux), record.variance(trials, eta, aux)]
            expected = record.expected(y, trials, eta, aux)
            kernel = record.kernel(y, trials, eta, aux)
        assert not np.isnan(found.value).any()
        assert not np.isnan(kernel).any()
        assert all(np.isfinite(value).all() for value in (*found[1:], *moments, expected))
        assert (expected > 0).all()
        if record.log_concave:
            assert (found.information >= 0).all()


@pytest.mark.parametrize(("name", "link"), CASES)
def test_a_record_that_is_not_log_concave_says_so(name, link):
    record, truth = record_of(name, link), TRUTH[name]
    y, trials, eta = truth.rows(link, 400)
    least = min(record.slopes(y, trials, eta, arrays(v)).information.min() for v in truth.aux)
    assert record.log_concave == (least >= 0)


@pytest.mark.parametrize(("name", "link"), CASES)
def test_the_density_of_tensors_is_the_same_with_finite_gradients(name, link):
    tf, record, truth = load(), record_of(name, link), TRUTH[name]
    y, trials, eta = truth.rows(link)
    of_trials = None if trials is None else tf.constant(trials)
    for values in truth.aux:
        aux = arrays(values)
        known = log_prob(record, y, trials, eta, aux)
        at, free = tf.constant(eta), [tf.constant(v) for v in aux]
        with tf.GradientTape() as tape:
            tape.watch([at, *free])
            value = record.tensor(tf.constant(y), of_trials, at, tuple(free))
        np.testing.assert_allclose(value, known, rtol=1e-9, atol=1e-9 * max(1.0, *values, 1.0))
        slope, *by_aux = tape.gradient(value, [at, *free])
        first = record.slopes(y, trials, eta, aux).first
        np.testing.assert_allclose(slope, first, rtol=1e-6, atol=1e-9 * np.abs(first).max())
        for i, found in enumerate(by_aux):
            h = 1e-4 * aux[i]
            up, low = ((*aux[:i], aux[i] + d, *aux[i + 1 :]) for d in (h, -h))
            numeric = np.sum(log_prob(record, y, trials, eta, up) - log_prob(record, y, trials, eta, low)) / (2 * h)
            np.testing.assert_allclose(found, numeric, rtol=1e-4, atol=1e-7 * np.abs(known).sum() / abs(aux[i]))
        if link not in POSITIVE:
            edge = tf.constant(np.clip(FAR, -1e30, 1e30)[:, None])
            with tf.GradientTape() as tape:
                tape.watch([edge, *free])
                value = record.tensor(tf.constant(y), of_trials, edge, tuple(free))
            assert not np.isnan(value).any()
            assert all(np.isfinite(g).all() for g in tape.gradient(value, [edge, *free]))


@pytest.mark.parametrize(("name", "link"), CASES)
def test_sampler_has_the_moments_and_deviance_is_least_at_the_best(name, link):
    record, truth = record_of(name, link), TRUTH[name]
    y, trials, eta = truth.rows(link)
    for values in truth.aux:
        aux, known = arrays(values), truth.known(link, eta[0], trials, values)
        drawn = record.sample(np.random.default_rng(1), trials, np.broadcast_to(eta[0], (20_000, 40)), aux)
        sd = known.std()
        assert np.all(np.abs(drawn.mean(axis=0) - known.mean()) < 5 * sd / np.sqrt(20_000))
        # The sd of a variance of independent draws is sqrt((kurtosis - 1) / n), of those of a tail by the sample's own.
        heavy = np.sqrt(np.mean(((drawn - known.mean()) / sd) ** 4, axis=0) / 20_000)
        assert np.all(np.abs(drawn.var(axis=0) / sd**2 - 1) < np.maximum(5 * heavy, 0.02))
        deviance = record.deviance(y, trials, eta, aux)
        assert (deviance >= -1e-9 * max(1.0, *values, 1.0)).all()
        # Between any two eta it is twice the difference of log densities.
        change = 2 * (log_prob(record, y, trials, eta[0], aux) - log_prob(record, y, trials, eta[1], aux))
        np.testing.assert_allclose(deviance[1] - deviance[0], change, rtol=1e-7, atol=1e-9 * max(1.0, *values, 1.0))


@pytest.mark.parametrize(("name", "link"), CASES)
def test_further_parameters_start_within_their_priors(name, link):
    record = record_of(name, link)
    assert len(record.auxiliary) == len(TRUTH[name].aux[0])
    assert all(np.isfinite(one.start) for one in record.auxiliary)
    y, trials, _ = TRUTH[name].rows(link)
    y = np.abs(y) if link in ("log", "inverse") else y
    assert np.isfinite(record.start(y, trials)).all()


@pytest.mark.parametrize(
    ("name", "y", "trials", "said"),
    [
        ("poisson", [1, -1, 2], None, "at least 0"),
        ("poisson", [1, 1.5, 2], None, "whole"),
        ("poisson", [2, 2, 2], None, "2 in every row"),
        ("bernoulli", [0, 1, 2], None, "0 or 1"),
        ("bernoulli", [1, 1, 1], None, "1 in every row"),
        ("binomial", [1, 5, 2], [3, 4, 3], "above their trials"),
        ("binomial", [1, 0.5, 2], [3, 4, 3], "whole"),
        ("binomial", [1, -2, 2], [3, 4, 3], "at least 0"),
        ("binomial", [0, 0, 0], [3, 0, 3], "Trials"),
        ("binomial", [3, 4, 3], [3, 4, 3], "number of trials in every row"),
        ("gamma", [1, 0, 2], None, "above 0"),
        ("gamma", [2, 2, 2], None, "2 in every row"),
        ("log_normal", [1, -3, 2], None, "above 0"),
        ("beta", [0.1, 1, 0.4], None, "strictly between 0 and 1"),
        ("beta", [0.4, 0.4, 0.4], None, "0.4 in every row"),
        ("gaussian", [-3, 1, -2], None, "above 0 on the whole"),
        ("student_t", [5, 5, 5], None, "5 in every row"),
    ],
)
def test_faults_of_a_response(name, y, trials, said):
    record = record_of(name, RECORDS[name][0][0])
    fault = record.fault(np.array(y, float), None if trials is None else np.array(trials, float))
    assert fault is not None
    assert said in fault.message


def test_trigamma_is_scipys():
    x = 1.0 + np.exp(np.linspace(-30.0, 40.0, 400))
    np.testing.assert_allclose(trigamma(x), zeta(2.0, x), rtol=2e-12)
