"""Leave-one-out by importance weights against closed forms, and what is said of its figures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from probflow_nb.posterior.loo import Pointwise, joined, loo_advice, psis_loo, waic, waic_advice

RNG = np.random.default_rng(11)
N, S, SIGMA, TAU = 30, 40_000, 1.5, 2.0
Y = RNG.normal(0.7, SIGMA, N)


def posterior(y: np.ndarray) -> tuple[float, float]:
    """Return mean and variance of m given y_i ~ N(m, SIGMA^2), m ~ N(0, TAU^2)."""
    variance = 1.0 / (len(y) / SIGMA**2 + 1.0 / TAU**2)
    return variance * y.sum() / SIGMA**2, variance


MEAN, VARIANCE = posterior(Y)
LOG_LIK = norm.logpdf(Y, RNG.normal(MEAN, np.sqrt(VARIANCE), S)[:, None], SIGMA)


def apart(i: int) -> float:
    mean, variance = posterior(np.delete(Y, i))
    return float(norm.logpdf(Y[i], mean, np.sqrt(variance + SIGMA**2)))


def test_psis_loo_is_the_density_given_the_other_rows() -> None:
    found = psis_loo(LOG_LIK)
    truth = np.array([apart(i) for i in range(N)])
    seen = norm.logpdf(Y, MEAN, np.sqrt(VARIANCE + SIGMA**2))
    np.testing.assert_allclose(found.elpd, truth, atol=0.005)
    np.testing.assert_allclose(found.p, seen - truth, atol=0.005)
    assert found.khat.max() < 0.5
    assert found.total == pytest.approx(truth.sum(), abs=0.02)
    assert found.se == pytest.approx(np.sqrt(N) * truth.std(ddof=1), rel=0.01)


def test_waic_is_lppd_less_the_variance_over_draws() -> None:
    found = waic(LOG_LIK)
    seen = norm.logpdf(Y, MEAN, np.sqrt(VARIANCE + SIGMA**2))
    # Of log N(y; m, s^2) with m ~ N(a, v): v^2 / (2 s^4) + v (y - a)^2 / s^4.
    p = VARIANCE**2 / (2 * SIGMA**4) + VARIANCE * (Y - MEAN) ** 2 / SIGMA**4
    np.testing.assert_allclose(found.p, p, rtol=0.06, atol=1e-4)
    np.testing.assert_allclose(found.elpd, seen - p, atol=0.01)
    assert np.isnan(found.khat).all()


def test_blocks_of_rows_are_joined_in_their_order() -> None:
    whole, parts = psis_loo(LOG_LIK), joined([psis_loo(LOG_LIK[:, :7]), psis_loo(LOG_LIK[:, 7:])])
    for name in ("elpd", "p", "khat"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_an_impossible_row_is_told_by_its_khat() -> None:
    table = LOG_LIK[:400].copy()
    table[0, 3] = -np.inf
    found = psis_loo(table)
    assert found.khat[3] == np.inf
    assert found.elpd[3] == -np.inf
    assert (np.delete(found.khat, 3) < 0.7).all()


@pytest.mark.parametrize(
    ("khat", "sentence"),
    [
        ([0.1, 0.2, -np.inf], "khat is below 0.5 for all 3 rows: the figures can be trusted."),
        ([0.1, 0.6, 0.5], "khat is below 0.7 everywhere; from 0.5 to 0.7, usable but rough, for 2 of 3 rows."),
        ([0.1, 0.6, 0.7], "khat is 0.7 or more for 1 of 3 rows: their figures cannot be trusted. Do this."),
        ([np.inf, np.nan, 0.1], "khat is 0.7 or more for 2 of 3 rows: their figures cannot be trusted. Do this."),
    ],
)
def test_what_is_said_of_khat(khat: list[float], sentence: str) -> None:
    none = np.zeros(3)
    assert loo_advice(Pointwise(none, none, np.array(khat)), "rows", "Do this.") == (sentence,)


def test_what_is_said_of_unsteady_rows() -> None:
    none = np.zeros(3)
    assert waic_advice(Pointwise(none, np.array([0.1, 0.3, 0.4]), none), "rows") == ()
    (sentence,) = waic_advice(Pointwise(none, np.array([0.1, 0.41, 9.0]), none), "rows")
    assert sentence.startswith("The log density of 2 of 3 rows varies by more than 0.4")
