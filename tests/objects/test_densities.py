"""Log densities against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from probflow_nb.backend.tensorflow import load
from probflow_nb.objects.densities import log_prob
from probflow_nb.spec.priors import SIGNATURES, Distribution

X = np.array([0.01, 0.3, 1.0, 2.5, 17.0])

TRUTH = {
    Distribution("Normal", (0.5, 2.0)): stats.norm(0.5, 2.0).logpdf,
    Distribution("HalfNormal", (2.0,)): stats.halfnorm(scale=2.0).logpdf,
    Distribution("StudentT", (3.0, 0.5, 2.0)): stats.t(3, 0.5, 2.0).logpdf,
    Distribution("HalfStudentT", (3.0, 0.0, 2.0)): lambda x: stats.t(3, 0, 2.0).logpdf(x) + np.log(2),
    Distribution("HalfStudentT", (3.0, 1.0, 2.0)): lambda x: np.log(
        stats.t(3, 1, 2.0).pdf(x) + stats.t(3, 1, 2.0).pdf(-x)
    ),
    Distribution("Cauchy", (0.5, 2.0)): stats.cauchy(0.5, 2.0).logpdf,
    Distribution("HalfCauchy", (2.0,)): stats.halfcauchy(scale=2.0).logpdf,
    Distribution("Exponential", (0.5,)): stats.expon(scale=2.0).logpdf,
    Distribution("Gamma", (2.0, 3.0)): stats.gamma(2.0, scale=1 / 3).logpdf,
    Distribution("InverseGamma", (2.0, 3.0)): stats.invgamma(2.0, scale=3.0).logpdf,
    Distribution("LogNormal", (0.3, 0.8)): stats.lognorm(0.8, scale=np.exp(0.3)).logpdf,
    Distribution("Uniform", (0.2, 5.0)): stats.uniform(0.2, 4.8).logpdf,
    Distribution("Beta", (1.5, 9.0)): stats.beta(1.5, 9.0).logpdf,
    Distribution("Flat"): np.zeros_like,
}


@pytest.mark.parametrize("distribution", TRUTH, ids=lambda d: d.label)
def test_density_is_scipys(distribution: Distribution) -> None:
    np.testing.assert_allclose(log_prob(distribution, load().constant(X)).numpy(), TRUTH[distribution](X), rtol=1e-12)


def test_every_distribution_of_numbers_has_a_case() -> None:
    assert {d.name for d in TRUTH} == set(SIGNATURES) - {"LKJ"}
