"""Residuals on three scales: distribution functions against scipy's, and standard normal where the model holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress
from probflow_nb.model.families import RECORDS
from probflow_nb.model.families.binomial import Binomial
from probflow_nb.model.families.poisson import Poisson
from probflow_nb.predict.cumulative import cumulative

ETA = np.array([[-0.4, 0.3, 0.9], [0.2, -1.0, 0.5]])
MU = np.exp(ETA)
P = 1 / (1 + np.exp(-ETA))


def draws_of(record: object, trials: np.ndarray | None, aux: tuple[np.ndarray, ...], n: int = 40_000) -> np.ndarray:
    """Return draws of the record's own sampler, (n, 2, 3)."""
    rng = np.random.default_rng(3)
    wide = np.broadcast_to(ETA, (n, *ETA.shape)).reshape(-1, 3)
    tall = tuple(np.broadcast_to(one, (n, *one.shape)).reshape(-1, 1) for one in aux)
    return record.sample(rng, trials, wide, tall).reshape(n, *ETA.shape)  # type: ignore[attr-defined]


class Held:
    """The parts of a design that a record is made from."""

    y = np.array([0.2, 0.4, 0.6, 0.7])
    X = np.ones((4, 1))
    response_levels = ("a", "b", "c", "d")


AUX = {
    "beta": (np.array([[5.0], [2.0]]),),
    "gamma": (np.array([[3.0], [0.7]]),),
    "gaussian": (np.array([[0.5], [1.5]]),),
    "log_normal": (np.array([[0.5], [1.5]]),),
    "student_t": (np.array([[0.5], [1.5]]), np.array([[4.0], [9.0]])),
    "negative_binomial": (np.array([[1.5], [6.0]]),),
    "zero_inflated_poisson": (np.array([[0.2], [0.4]]),),
    "zero_inflated_negative_binomial": (np.array([[1.5], [6.0]]), np.array([[0.2], [0.4]])),
    "ordinal": tuple(np.full((2, 1), cut) for cut in (-0.5, 0.4, 1.2)),
}
SEEN = {
    "beta": np.array([0.3, 0.6, 0.8]),
    "bernoulli": np.array([0.0, 1.0, 1.0]),
    "ordinal": np.array([1.0, 2.0, 4.0]),
}


@pytest.mark.parametrize("name", RECORDS)
def test_distribution_functions_are_those_of_the_samplers(name: str) -> None:
    link = RECORDS[name][0][0]
    record = RECORDS[name][1](link, Held())  # type: ignore[arg-type]
    y, aux = SEEN.get(name, np.array([0.0, 1.0, 3.0])), AUX.get(name, ())
    y = np.maximum(y, 0.2) if name in ("gamma", "log_normal") else y
    trials = np.array([3.0, 5.0, 3.0]) if name == "binomial" else None
    low, high = cumulative(record, y, trials, ETA, aux)
    drawn = draws_of(record, trials, aux)
    # 40,000 draws know a share to 0.0025.
    np.testing.assert_allclose(low, (drawn < y).mean(axis=0), atol=0.011)
    np.testing.assert_allclose(high, (drawn <= y).mean(axis=0), atol=0.011)


def test_distribution_functions_are_those_of_scipy() -> None:
    y, trials = np.array([0.0, 1.0, 3.0]), np.array([3.0, 5.0, 3.0])
    low, high = cumulative(Binomial("binomial", "logit"), y, trials, ETA, ())
    np.testing.assert_allclose(high, stats.binom.cdf(y, trials, P), rtol=1e-12)
    np.testing.assert_allclose(low, stats.binom.cdf(y - 1, trials, P), rtol=1e-12)
    low, high = cumulative(Poisson(link="log"), y, None, ETA, ())
    np.testing.assert_allclose(high, stats.poisson.cdf(y, MU), rtol=1e-12)
    np.testing.assert_allclose(low, stats.poisson.cdf(y - 1, MU), rtol=1e-12)
    for name, frozen in (
        ("negative_binomial", lambda r: stats.nbinom(r, r / (r + MU))),
        ("gamma", lambda shape: stats.gamma(shape, scale=MU / shape)),
        ("beta", lambda phi: stats.beta(P * phi, (1 - P) * phi)),
    ):
        aux = AUX[name]
        seen = np.array([0.3, 0.6, 0.8]) if name == "beta" else y + 1
        record = RECORDS[name][1](RECORDS[name][0][0], Held())  # type: ignore[arg-type]
        np.testing.assert_allclose(cumulative(record, seen, None, ETA, aux)[1], frozen(aux[0]).cdf(seen), rtol=1e-10)


def test_they_are_standard_normal_where_the_model_holds() -> None:
    rng = np.random.default_rng(6)
    n = 1500
    x, g = rng.normal(size=n), rng.integers(0, 30, n)
    count = rng.poisson(np.exp(0.3 + 0.5 * x + 0.5 * rng.normal(size=30)[g]))
    data = pd.DataFrame({"count": count, "x": x, "g": [f"g{i}" for i in g]})
    fit = pf.lme("count ~ x + (1 | g)", data, family="poisson", seed=1, progress=NullProgress())
    found = fit.residuals(kind="quantile")
    assert stats.kstest(found, "norm").pvalue > 0.05
    assert found.std() == pytest.approx(1, abs=4 / np.sqrt(2 * n))
    pd.testing.assert_series_equal(found, fit.residuals(kind="quantile"))
    assert not found.equals(fit.residuals(kind="quantile", seed=5))
    pearson = fit.residuals(kind="pearson")
    mean = fit.predict()
    assert np.corrcoef(pearson, (data["count"] - mean) / np.sqrt(mean))[0, 1] > 0.99999
    assert pearson.std() == pytest.approx(1, abs=0.08)
    # Counts twice as wide as the model says are seen.
    wide = fit.residuals(y=np.round(mean + 2 * (count - mean)).clip(0), kind="quantile")
    assert wide.std() > 1.3


def test_a_point_fit_has_them_too() -> None:
    point = pf.lme("Reaction ~ Days + (Days | Subject)", pf.datasets.sleepstudy(), engine=pf.Point())
    sigma = point.varcorr.iloc[-1]["sdcor"]
    np.testing.assert_allclose(point.residuals(kind="pearson"), point.residuals() / sigma, rtol=1e-9)
    # Of one normal the quantile residual is the Pearson one, up to where probabilities end.
    np.testing.assert_allclose(point.residuals(kind="quantile"), point.residuals() / sigma, rtol=1e-8)


def test_ordered_categories_have_quantile_residuals_alone() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=200)
    y = pd.Categorical(np.array(["low", "mid", "high"])[np.digitize(x + rng.logistic(size=200), [-0.5, 1])],
                       categories=["low", "mid", "high"], ordered=True)  # fmt: skip
    data = pd.DataFrame({"y": y, "x": x, "g": [f"g{i}" for i in rng.integers(0, 8, 200)]})
    fit = pf.lme("y ~ x + (1 | g)", data, family="ordinal", seed=1, progress=NullProgress())
    assert stats.kstest(fit.residuals(kind="quantile"), "norm").pvalue > 0.05
    with pytest.raises(pf.FitError, match="Ordered categories have no distance"):
        fit.residuals()
