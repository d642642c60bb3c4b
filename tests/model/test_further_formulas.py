"""Models whose further parameters have formulas: their density by hand, their names, rows and refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import probflow_nb as pf
from probflow_nb import api
from probflow_nb.errors import EngineError, SpecError
from probflow_nb.inference import NUTS, Exact
from probflow_nb.inference.auto import choose

TEXT = "Reaction ~ Days + (Days | Subject)\nsigma ~ Days + (1 | Subject)"


def sleep() -> pd.DataFrame:
    return pf.datasets.sleepstudy()


def counts() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 50
    return pd.DataFrame({"y": rng.poisson(2.0, n) * (rng.random(n) < 0.6), "x": rng.standard_normal(n)})


def test_names_are_those_of_the_formulas():
    program = api.prepare(TEXT, sleep()).model
    assert program.density.names == (
        "Intercept",
        "Days",
        "sd(Intercept | Subject)",
        "sd(Days | Subject)",
        "cor(Intercept, Days | Subject)",
        "sigma_Intercept",
        "sigma_Days",
        "sd(sigma_Intercept | Subject)",
    )
    assert [(axes.factor, axes.columns) for axes in program.density.effects] == [
        ("Subject", ("Intercept", "Days")),
        ("Subject", ("sigma_Intercept",)),
    ]


def test_the_log_density_by_hand():
    data = sleep()
    program = api.prepare("Reaction ~ Days\nsigma ~ Days", data).model
    y, x = data.Reaction.to_numpy(), data.Days.to_numpy(float)
    w, v = np.array([250.0, 9.0]), np.array([3.2, 0.1])
    sd, spread = y.std(ddof=1), x.std(ddof=1)
    expected = stats.norm(w[0] + w[1] * x, np.exp(v[0] + v[1] * x)).logpdf(y).sum()
    priors = dict(program.formulas.priors)
    assert priors["centered(sigma_Intercept)"] == f"Normal({np.log(sd):.3f}, 2.5)"
    assert priors["sigma_Days"] == f"Normal(0, {2.5 / spread:.4g})"
    for name, value in (
        ("centered(Intercept)", w @ [1.0, x.mean()]),
        ("Days", w[1]),
        ("centered(sigma_Intercept)", v @ [1.0, x.mean()]),
        ("sigma_Days", v[1]),
    ):
        mean, scale = (float(word) for word in priors[name][7:-1].split(", "))
        expected += stats.norm(mean, scale).logpdf(value)
    found = float(program.log_joint({"w": w, "w_sigma": v}))
    assert found == pytest.approx(expected, rel=1e-10)


def test_a_probability_is_on_the_logit_scale():
    data = counts()
    text = "y ~ x\nzero ~ x\nfamily = zip\nx ~ Flat\nIntercept ~ Flat\nzero_x ~ Flat\nzero_Intercept ~ Flat"
    program = api.prepare(text, data).model
    w, v = np.array([0.5, 0.2]), np.array([-0.3, 0.4])
    x, y = data.x.to_numpy(), data.y.to_numpy()
    z, p = special.expit(v[0] + v[1] * x), stats.poisson(np.exp(w[0] + w[1] * x)).pmf(y)
    expected = np.log(np.where(y == 0, z, 0.0) + (1 - z) * p).sum()
    assert float(program.log_joint({"w": w, "w_zero": v})) == pytest.approx(expected, rel=1e-10)


def test_rows_are_left_out_that_miss_a_value_of_any_formula():
    data = sleep().assign(x=1.0 * np.arange(180))
    data.loc[3, "x"] = np.nan
    data.loc[5, "Days"] = np.nan
    program = api.prepare("Reaction ~ Days\nsigma ~ x", data).model
    assert program.n_rows == 178
    # Default priors are made of the same rows.
    kept = data.drop(index=[3, 5])
    assert api.prepare("Reaction ~ Days\nsigma ~ x", kept).model.formulas.priors == program.formulas.priors


def test_statements_of_the_same_model_keep_their_letters():
    text = "M = design(1 + Days)\na ~ Default()\nb ~ Normal(0, 1)\nS = design(1 + Days)\n"
    program = api.prepare(f"{text}Reaction ~ Normal(M @ a, exp(S @ b))", sleep()).model
    assert program.density.names == ("a[Intercept]", "a[Days]", "b[Intercept]", "b[Days]")


@pytest.mark.parametrize("engine", [pf.Point(), pf.Laplace()], ids=lambda e: type(e).__name__)
def test_other_engines_name_those_that_fit(engine):
    with pytest.raises(EngineError, match="in which sigma has a formula") as caught:
        api.prepare(TEXT, sleep()).fit(engine)
    assert "NUTS" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Reaction ~ Days + (Days | Subject)\nsigma ~ Days", ""),
        ("Reaction ~ Days\nsigma ~ C(Subject)", "18 numbers cannot be integrated out"),
        (TEXT, "24 numbers cannot be integrated out"),
        ("Reaction ~ Days + (1 | Subject)\nsigma ~ Days\nfamily = StudentT", "its likelihood is StudentT"),
    ],
)
def test_exact_fits_what_is_gaussian_given_a_few_numbers(text, reason):
    model = api.prepare(text, sleep()).model
    chosen = choose(model)
    assert type(chosen.engine) is (NUTS if reason else Exact)
    assert chosen.reason.startswith(reason)
    if reason:
        with pytest.raises(EngineError, match=f"exact does not fit this model, because {reason}"):
            Exact().check(model)


def test_weights_leave_no_room_beside_a_family():
    with pytest.raises(SpecError, match="shape cannot have a formula here"):
        api.prepare("y ~ 1 + weights(x)\nshape ~ x\nfamily = NegativeBinomial", counts().assign(x=1.0))


# 20,000 draws of NumPyro 0.15 for the same model and priors, non-centred, no divergence; means and sds.
SLEEP = {
    "Intercept": (252.796, 7.596),
    "Days": (10.047, 1.782),
    "sd(Intercept | Subject)": (29.272, 6.619),
    "sd(Days | Subject)": (6.905, 1.553),
    "cor(Intercept, Days | Subject)": (-0.018, 0.272),
    "sigma_Intercept": (2.8224, 0.1309),
    "sigma_Days": (0.0844, 0.0248),
}


@pytest.mark.parametrize("engine", [None, pytest.param(pf.NUTS(draws=4000), marks=pytest.mark.slow)], ids=repr)
def test_sleepstudy_against_a_long_run_elsewhere(engine):
    fit = pf.lme("Reaction ~ Days + (Days | Subject)\nsigma ~ Days", sleep(), engine=engine, seed=1)
    assert type(fit.engine) is (Exact if engine is None else NUTS)
    assert fit.verdict.level == "fine"
    for name, (mean, sd) in SLEEP.items():
        draws = fit.draws.flat(name)
        # Some 3,000 effective draws: four standard errors of a mean and of an sd.
        assert abs(draws.mean() - mean) < 4 * sd / 3000**0.5 + 0.02 * sd, name
        assert abs(draws.std() / sd - 1) < 4 / 6000**0.5 + 0.02, name
    assert list(fit.fixef.index) == ["Intercept", "Days", "sigma_Intercept", "sigma_Days"]
    assert list(fit.ranef["Subject"].columns) == ["Intercept", "Days"]
    assert list(fit.varcorr.grp) == ["Subject"] * 3
    new = sleep().head(3)
    np.testing.assert_allclose(fit.predict(new), fit.predict()[:3], rtol=1e-12)
    width = fit.predictive_interval(pd.DataFrame({"Days": [0.0, 9.0], "Subject": ["308", "308"]}))
    assert (width["q97.5"] - width["q2.5"]).pipe(lambda w: w.iloc[1] > 1.4 * w.iloc[0])


@pytest.mark.slow
def test_chains_start_where_the_data_are():
    # From numbers near 0 one of these chains stayed at a spread that no row has.
    fit = pf.lme(TEXT, sleep(), engine=pf.NUTS(draws=1000), seed=1)
    table = fit.summary()
    assert table["rhat"].max() < 1.05
    assert abs(table.loc["Intercept", "mean"] - 252.5) < 3.0
    assert abs(table.loc["sigma_Intercept", "mean"] - 2.97) < 0.1
