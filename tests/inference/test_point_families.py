"""Point of families against glmer: deviance, coefficients, standard errors, sds, conditional modes."""

from __future__ import annotations

import numpy as np
import pytest

import probflow_nb as pf

CBPP = "incidence / size ~ period + (1 | herd)"
EPILEPSY = "count ~ zAge + zBase * Trt + (1 | patient)"
CONTRACEPTION = "use ~ age + I(age**2) + livch + urban + (1 | district)"

# dataset, formula, family, nodes, then glmer's deviance, fixef, their se, sd of the group effects.
CASES = [
    ("cbpp", CBPP, "binomial", 1, 184.053132775,
     [-1.39833158, -0.99192382, -1.12821433, -1.57975011], [0.2312121, 0.3031499, 0.3228294, 0.4220490], 0.64206428),
    # glmer leaves the binomial coefficients out of the deviance with several nodes.
    ("cbpp", CBPP, "binomial", 25, 100.010030537 + 83.9567075,
     [-1.39923044, -0.99140367, -1.12781960, -1.57947075], [0.2335116, 0.3067679, 0.3267683, 0.4275945], 0.64751848),
    ("epilepsy", EPILEPSY, "poisson", 1, 1345.58336973548,
     [1.776518464626, 0.09367210871, 0.70058608929, -0.2628262958, 0.04831252959],
     [0.1100666162, 0.0802554536, 0.1106271725, 0.1541312986, 0.1507308599], 0.5337276876),
    ("Contraception", CONTRACEPTION, "bernoulli", 1, 2372.72870661893,
     [-1.034989715757, 0.003534741661, -0.004562217857, 0.8149892292, 0.9164049999, 0.9149972621, 0.69725068],
     [0.1757506407, 0.0092784821, 0.000729370028, 0.1631936445, 0.1863480979, 0.1873168688, 0.1208604938], 0.475212325),
    ("Contraception", CONTRACEPTION, "bernoulli", 15, 2372.45888523577,
     [-1.035338305286, 0.003535543623, -0.004563400166, 0.8150862581, 0.9164276647, 0.9152857524, 0.6967105501],
     [0.176100972, 0.0092871339, 0.000730254215, 0.1633517151, 0.1865067399, 0.1874892188, 0.1209566148], 0.4786347463),
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "text", "family", "nodes", "deviance", "beta", "se", "sd"), CASES, ids=[f"{c[0]}-{c[3]}" for c in CASES]
)
def test_deviance_and_estimates_are_glmers(data, text, family, nodes, deviance, beta, se, sd):
    fit = pf.lme(text, getattr(pf.datasets, data)(), family=family, engine=pf.Point(nodes=nodes))
    assert fit.criterion < deviance + 1e-3
    assert fit.criterion > deviance - 3e-3
    found = fit.summary()
    assert fit.verdict.level == "fine"
    p = len(beta)
    assert np.max(np.abs(found["estimate"].to_numpy()[:p] - beta) / se) < 1e-2
    np.testing.assert_allclose(found["se"].to_numpy()[:p], se, rtol=0.02)
    assert found["estimate"].iloc[p] == pytest.approx(sd, rel=5e-3)


def test_conditional_modes_are_glmers():
    fit = pf.lme(CBPP, pf.datasets.cbpp(), family="binomial", engine=pf.Point())
    known = {"1": 0.58961821, "2": -0.29909969, "3": 0.40585553, "4": 0.03901612, "5": -0.19029268}
    ours = fit.ranef["herd"].loc[list(known)].to_numpy()[:, 0]
    np.testing.assert_allclose(ours, list(known.values()), atol=2e-3)


def test_crossed_factors_and_slopes_reach_an_optimum():
    rng = np.random.default_rng(5)
    n = 1500
    g, h, x = rng.integers(0, 40, n), rng.integers(0, 12, n), rng.standard_normal(n)
    eta = 0.3 + 0.5 * x + 0.6 * rng.standard_normal(40)[g] + 0.3 * rng.standard_normal(40)[g] * x
    eta += 0.4 * rng.standard_normal(12)[h]
    frame = {"y": rng.poisson(np.exp(eta)), "x": x, "g": g.astype(str), "h": h.astype(str)}
    fit = pf.lme("y ~ x + (x | g) + (1 | h)", frame, family="poisson", engine=pf.Point())
    assert fit.verdict.level == "fine"
    found = fit.summary()["estimate"]
    assert found["x"] == pytest.approx(0.5, abs=0.25)
    assert found["sd(Intercept | g)"] == pytest.approx(0.6, abs=0.2)
    assert found["sd(x | g)"] == pytest.approx(0.3, abs=0.1)


def test_complete_separation_is_said():
    x = np.linspace(-1, 1, 40)
    frame = {"y": (x > 0).astype(int), "x": x, "g": np.tile(list("abcd"), 10)}
    fit = pf.lme("y ~ x + (1 | g)", frame, family="bernoulli", engine=pf.Point())
    assert fit.verdict.level == "bad"
    assert "do not bound Intercept, x" in fit.verdict.sentence


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("y ~ 1 + (1 | g) + (1 | h)", {"nodes": 5}, "one grouping factor"),
        ("y ~ x + (x | g)", {"nodes": 5}, "one column"),
        ("y ~ 1 + (1 | g)", {"nodes": 0}, "from 1 to 99"),
    ],
)
def test_nodes_that_cannot_be_used(text, options, said):
    rng = np.random.default_rng(1)
    letters = {"g": list("ab") * 6, "h": list("abc") * 4}
    frame = {"y": rng.poisson(2.0, 12), "x": rng.standard_normal(12), **letters}
    with pytest.raises(pf.EngineError, match=said):
        pf.lme(text, frame, family="poisson", engine=pf.Point(**options))


def test_overdispersed_counts_are_glmers_at_25_nodes():
    # glmer with family negative.binomial(theta) and nAGQ = 25 at the theta found here; with one node it takes the
    # expected information in place of the observed one, and so differs from the Laplace approximation.
    fit = pf.lme(EPILEPSY, pf.datasets.epilepsy(), family="negative_binomial", engine=pf.Point(nodes=25))
    found = fit.summary()["estimate"]
    assert found["shape"] == pytest.approx(7.179724, rel=1e-4)
    glmer = [1.793191607, 0.093782668, 0.701149658, -0.262135188, 0.047864928]
    np.testing.assert_allclose(found.to_numpy()[:5], glmer, atol=2e-5)
    assert found["sd(Intercept | patient)"] == pytest.approx(0.50187, abs=1e-5)
