"""Zero-inflated counts and ordered categories: probabilities, moments and distribution functions by sums."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

import probflow_nb as pf

COUNTS = np.arange(600.0)
CASES = {
    "poisson": (pf.ZeroInflatedPoisson(log=np.log(2.3), zero=0.3), stats.poisson(2.3)),
    "negative binomial": (pf.ZeroInflatedNegativeBinomial(2.3, 1.7, 0.3), stats.nbinom(1.7, 1.7 / 4.0)),
}


@pytest.mark.parametrize("name", CASES)
def test_zero_inflated_counts(name: str) -> None:
    found, counts = CASES[name]
    p = 0.7 * counts.pmf(COUNTS) + 0.3 * (COUNTS == 0)
    np.testing.assert_allclose(np.exp(found.log_prob(COUNTS)), p, rtol=1e-10, atol=1e-200)
    mean = p @ COUNTS
    assert float(found.mean()) == pytest.approx(mean)
    assert float(found.variance()) == pytest.approx(p @ (COUNTS - mean) ** 2)
    np.testing.assert_allclose(found.cdf(COUNTS), np.cumsum(p), rtol=1e-10)
    for share in (0.1, 0.5, 0.9):
        assert found.quantile(share) == COUNTS[np.cumsum(p) >= share][0]
    drawn = found.sample(1, 20000)
    assert abs((drawn == 0).mean() - p[0]) < 4 * (p[0] * (1 - p[0]) / 20000) ** 0.5
    assert found.log_prob(-1.0) == -np.inf


@pytest.mark.parametrize(
    ("link", "below"),
    [("logit", special.expit), ("probit", special.ndtr), ("cloglog", lambda x: -np.expm1(-np.exp(x)))],
)
def test_ordered_categories(link: str, below) -> None:
    eta, cut = np.array([0.3, -1.0]), np.array([-1.0, 0.0, 1.5])
    found, k = pf.Ordinal(**{link: eta}, cut=cut), np.arange(1.0, 5.0)
    p = np.diff(below(cut[:, None] - eta), axis=0, prepend=0.0, append=1.0)
    np.testing.assert_allclose(np.exp(found.log_prob(k[:, None])), p, rtol=1e-10)
    np.testing.assert_allclose(found.mean(), k @ p)
    np.testing.assert_allclose(found.variance(), k**2 @ p - (k @ p) ** 2)
    np.testing.assert_allclose(found.cdf(2.0), p[:2].sum(axis=0))
    assert found.log_prob(5.0)[0] == -np.inf
    shares = np.stack([(found.sample(2, 20000) == one).mean(axis=0) for one in k])
    assert (np.abs(shares - p) < 4 * np.sqrt(p * (1 - p) / 20000)).all()
