"""Laplace against brute-force quadrature, long runs of NUTS, and what it says where the data say little."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, gammaln, log_expit

import probflow_nb as pf
from probflow_nb.inference import Laplace

NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
NODE_WEIGHTS = NODE_WEIGHTS / NODE_WEIGHTS.sum()

GROUPS = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
EVENTS = np.array([1, 1, 0, 0, 0, 1, 1, 1, 1, 0.0])
COUNTS = np.array([4, 6, 3, 1, 0, 2, 3, 2, 5, 1.0])


def log_lik(family, y, eta):
    if family == "bernoulli":
        return log_expit(eta if y > 0 else -eta)
    return y * eta - np.exp(np.minimum(eta, 300)) - gammaln(y + 1)


class Grid:
    """The posterior of (beta, sd) and of b_0 on a grid; each group's integral by a rule that is fine enough for its sd.

    Up to an sd of 0.3, 61 Gauss-Hermite nodes; beyond, eta in steps of 0.025.
    """

    def __init__(self, family, y, centre):
        self.beta = np.linspace(centre - 6, centre + 6, 161)
        self.log_sd = np.linspace(-7, 3.2, 171)
        self.eta = np.arange(-45, 45, 0.025)
        sd = np.exp(self.log_sd)
        log_p = stats.norm(centre, 2.5).logpdf(self.beta)[:, None] + 0.0 * sd
        log_p = log_p + stats.t(3, 0, 2.5).logpdf(sd) + np.log(2) + self.log_sd
        first, second = np.zeros(log_p.shape), np.zeros(log_p.shape)
        for column, size in enumerate(sd):
            for g in range(3):
                b, weights, log_top = self.group(family, y[g == GROUPS], size)
                log_p[:, column] += np.log(weights.sum(axis=1)) + log_top
                if g == 0:
                    first[:, column] = (weights * b).sum(axis=1) / weights.sum(axis=1)
                    second[:, column] = (weights * b * b).sum(axis=1) / weights.sum(axis=1)
        cell = (self.beta[1] - self.beta[0]) * (self.log_sd[1] - self.log_sd[0])
        mass = np.exp(log_p - log_p.max())
        self.evidence = float(np.log(mass.sum() * cell) + log_p.max())
        self.mass = mass / mass.sum()
        self.effect = float((self.mass * first).sum())
        self.effect_sd = float(np.sqrt((self.mass * second).sum() - self.effect**2))

    def group(self, family, y, sd):
        """Return b (beta, points), weights whose sum is the integral over exp(log_top), and log_top."""
        if sd < 0.3:
            b = np.broadcast_to(sd * NODES, (len(self.beta), len(NODES)))
            inside = sum(log_lik(family, value, self.beta[:, None] + b) for value in y) + np.log(NODE_WEIGHTS)
        else:
            b = self.eta - self.beta[:, None]
            inside = sum(log_lik(family, value, self.eta) for value in y) - 0.5 * (b / sd) ** 2
            inside = inside - np.log(sd * np.sqrt(2 * np.pi)) + np.log(0.025)
        top = inside.max(axis=1)
        return b, np.exp(inside - top[:, None]), top

    def moments(self):
        pairs = []
        for values, axis in ((self.beta, 1), (np.exp(self.log_sd), 0)):
            share = self.mass.sum(axis=axis)
            mean = share @ values
            ends = np.interp([0.025, 0.975], np.cumsum(share) - 0.5 * share, values)
            pairs.append((mean, np.sqrt(share @ (values - mean) ** 2), *ends))
        return pairs


@pytest.mark.parametrize(("family", "y"), [("bernoulli", EVENTS), ("poisson", COUNTS)])
def test_three_groups_against_quadrature(family, y):
    frame = {"y": y, "g": np.array(list("abc"))[GROUPS]}
    centre = 0.0 if family == "bernoulli" else round(float(np.log(y.mean())), 3)
    truth = Grid(family, y, centre)
    fit = pf.lme("y ~ 1 + (1 | g)", frame, family=family, engine=Laplace(draws=20_000), seed=3)
    assert fit.verdict.level == "fine"
    for name, (mean, sd, low, high) in zip(("Intercept", "sd(Intercept | g)"), truth.moments(), strict=True):
        draws = fit.draws.flat(name)
        assert draws.mean() == pytest.approx(mean, abs=0.04 * sd)
        assert draws.std() == pytest.approx(sd, rel=0.05)
        # The tail of an sd of three groups is long: its points are held in their own unit.
        assert np.quantile(draws, 0.025) == pytest.approx(low, abs=0.06 * sd)
        assert np.quantile(draws, 0.975) == pytest.approx(high, rel=0.06)
    assert fit.answer.evidence.value == pytest.approx(truth.evidence, abs=4 * fit.answer.evidence.error + 0.005)
    b = fit.draws["b[g]"][:, :, 0, 0].reshape(-1)
    assert b.mean() == pytest.approx(truth.effect, abs=0.05 * truth.effect_sd)
    assert b.std() == pytest.approx(truth.effect_sd, rel=0.05)


# Means, sds and 2.5% and 97.5% points of a long run of NUTS on the statements of the same model.
HARD = {
    "Intercept": (0.137705, 0.093533, -0.044741, 0.321765),
    "x": (0.412835, 0.086320, 0.247764, 0.585316),
    "sd(Intercept | g)": (1.246176, 0.186497, 0.882464, 1.619807),
}


def agrees(fit, table, ends=0.1):
    for name, (mean, sd, low, high) in table.items():
        draws = fit.draws.flat(name)
        assert draws.mean() == pytest.approx(mean, abs=0.05 * sd), name
        assert draws.std() == pytest.approx(sd, rel=0.05), name
        np.testing.assert_allclose(np.quantile(draws, (0.025, 0.975)), (low, high), atol=ends * sd, err_msg=name)


def hard():
    """500 groups of 2 events: the Laplace approximation alone is far off, its correction is not."""
    rng = np.random.default_rng(1)
    g, x = np.repeat(np.arange(500), 2), rng.standard_normal(1000)
    eta = 0.2 + 0.5 * x + 1.5 * rng.standard_normal(500)[g]
    return {"y": (rng.random(1000) < expit(eta)).astype(int), "x": x, "g": g.astype(str)}


def test_pairs_of_events_agree_with_nuts():
    # Real data are held to long runs made elsewhere, see tests/truth/test_family_reference.py.
    fit = pf.lme("y ~ x + (1 | g)", hard(), family="bernoulli", engine=Laplace(draws=16_000), seed=5)
    assert fit.verdict.level == "fine"
    # Of the sd NUTS itself has 2,800 effective draws only.
    agrees(fit, HARD, 0.15)


def test_same_seed_same_draws_and_effects_do_not_hang_on_how_many_are_asked_for():
    text, frame = "incidence / size ~ period + (1 | herd)", pf.datasets.cbpp()
    one, two = (pf.lme(text, frame, family="binomial", seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.draws.scalars, two.draws.scalars)
    few = two.draws.effects[0].sample(10)
    np.testing.assert_array_equal(one.draws.effects[0].sample(200)[:10], few)
    assert type(one.engine).__name__ == "Laplace"
    assert one.reason == "the response is a count of events among trials (binomial, link logit)"


def test_slopes_and_crossed_factors_recover_what_made_them():
    rng = np.random.default_rng(9)
    n, J = 1200, 60
    g, h, x = rng.integers(0, J, n), rng.integers(0, 10, n), rng.standard_normal(n)
    b = rng.multivariate_normal([0, 0], [[0.5, 0.1], [0.1, 0.2]], J)
    eta = 0.4 + 0.5 * x + b[g, 0] + b[g, 1] * x + 0.4 * rng.standard_normal(10)[h]
    frame = {"y": rng.poisson(np.exp(eta)), "x": x, "g": g.astype(str), "h": h.astype(str)}
    fit = pf.lme("y ~ x + (x | g) + (1 | h)", frame, family="poisson", seed=1, engine=Laplace(draws=2000))
    assert fit.verdict.level == "fine"
    found = fit.summary()
    for name, value in {"x": 0.5, "sd(Intercept | g)": 0.5**0.5, "sd(x | g)": 0.2**0.5}.items():
        assert abs(found.loc[name, "mean"] - value) < 4 * found.loc[name, "sd"]
    labels = [f"{j}" for j in range(J)]
    effects = fit.ranef["g"].loc[[name for name in fit.ranef["g"].index if name in labels]]
    assert np.corrcoef(effects["x"], b[effects.index.astype(int), 1])[0, 1] > 0.8


def test_no_group_terms_offset_weights_and_huge_etas():
    rng = np.random.default_rng(2)
    x, time = rng.standard_normal(300), rng.uniform(1, 9, 300)
    y = rng.poisson(time * np.exp(0.2 + 0.5 * x))
    frame = {"y": y, "x": x, "time": time, "twice": np.full(300, 2.0), "big": 18.0 * x}
    once = pf.lme("y ~ x + offset(log(time))", frame, family="poisson", seed=1)
    assert once.summary().loc["x", "mean"] == pytest.approx(0.5, abs=0.1)
    double = pf.lme("y ~ x + offset(log(time)) + weights(twice)", frame, family="poisson", seed=1)
    ratio = double.summary()["sd"].to_numpy() / once.summary()["sd"].to_numpy()
    np.testing.assert_allclose(ratio, np.sqrt(0.5), rtol=0.1)
    wild = pf.lme("y ~ 1 + offset(big)", frame, family="poisson", seed=1)
    assert np.isfinite(wild.draws.scalars).all()


def test_separation_is_said_and_the_answer_is_finite():
    x = np.linspace(-1, 1, 40)
    frame = {"y": (x > 0).astype(int), "x": x, "g": np.tile(list("abcd"), 10)}
    fit = pf.lme("y ~ x + (1 | g)", frame, family="bernoulli", seed=1)
    assert np.isfinite(fit.summary()["mean"]).all()
    assert any("do not bound Intercept, x" in note for note in fit.verdict.notes)


@pytest.mark.parametrize("options", [{"draws": 50}, {"draws": 1001}, {"draws": 2.5}, {"chains": 0}])
def test_options_are_checked(options):
    with pytest.raises(pf.EngineError, match="Laplace"):
        Laplace(**options)
