"""The log priors that power-scaling weighs by, against scipy, and the log joint density that they are a part of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

import probflow_nb as pf
from probflow_nb.model.prior_density import log_priors

TEXT = """Reaction ~ Days + (Days | Subject)
centered(Intercept) ~ Normal(290, 60)
Days ~ StudentT(3, 5, 4)
sd(Subject) ~ HalfNormal(30)
sd(Days | Subject) ~ Exponential(0.2)
cor(Subject) ~ LKJ(2)
sigma ~ HalfStudentT(4, 0, 20)
"""


def half(distribution: object, x: np.ndarray) -> np.ndarray:
    return distribution.logpdf(x) + math.log(2)  # type: ignore[attr-defined]


def test_a_formulas_priors() -> None:
    model = pf.prepare(TEXT, pf.datasets.sleepstudy()).model
    rng = np.random.default_rng(1)
    R = np.broadcast_to(np.eye(2), (5, 2, 2)).copy()
    R[:, 0, 1] = R[:, 1, 0] = rng.uniform(-0.9, 0.9, 5)
    beta, sd, sigma = rng.normal([250, 8], [10, 3], (5, 2)), rng.uniform(1, 20, (5, 2)), rng.uniform(10, 30, 5)
    found = log_priors(model, {"beta": beta, "sd[Subject]": sd, "cor[Subject]": R, "sigma": sigma})
    expected = {
        "Intercept": stats.norm(290, 60).logpdf(beta[:, 0] + 4.5 * beta[:, 1]),
        "Days": stats.t(3, 5, 4).logpdf(beta[:, 1]),
        "sd(Intercept | Subject)": half(stats.norm(0, 30), sd[:, 0]),
        "sd(Days | Subject)": stats.expon(scale=5).logpdf(sd[:, 1]),
        # Of two columns LKJ(eta) is (1 + r) / 2 ~ Beta(eta, eta).
        "cor(Subject)": stats.beta(2, 2).logpdf((1 + R[:, 0, 1]) / 2) - math.log(2),
        "sigma": half(stats.t(4, 0, 20), sigma),
    }
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-10), name


class Line(pf.Model):
    def __init__(self) -> None:
        self.tau = pf.ScaleParameter(prior=pf.HalfNormal(2.0))
        self.u = pf.Parameter([4, 1], prior=pf.Normal(0, self.tau))
        self.a = pf.Parameter([1, 1], prior=pf.Normal(1.0, 3.0))
        self.sigma = pf.ScaleParameter(prior=pf.Exponential(1.0))

    def __call__(self, x: Any) -> Any:
        return pf.Normal(self.a() + x @ self.u(), self.sigma())


def test_only_priors_on_numbers_count() -> None:
    rng = np.random.default_rng(2)
    fit = Line().fit(
        rng.normal(size=(30, 4)), rng.normal(size=(30, 1)), engine=pf.NUTS(draws=100, chains=1, warmup=100)
    )
    values = fit._values
    found = log_priors(fit.model, values)
    assert set(found) == {"tau", "a", "sigma"}
    assert found["tau"] == pytest.approx(half(stats.norm(0, 2), values["tau"].ravel()), rel=1e-10)
    assert found["a"] == pytest.approx(stats.norm(1, 3).logpdf(values["a"].ravel()), rel=1e-10)
    assert found["sigma"] == pytest.approx(stats.expon().logpdf(values["sigma"].ravel()), rel=1e-10)
    frame = fit.prior_sensitivity()
    assert list(frame.index) == list(fit.draws.names)
    assert np.isfinite(frame[["prior", "likelihood"]].to_numpy()).all()
