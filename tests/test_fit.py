"""What a fit answers: the names that others may rely on."""

from __future__ import annotations

import matplotlib.figure
import numpy as np
import pytest

import probflow_nb as pf

TEXT = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def fit() -> pf.Fit:
    return pf.lme(TEXT, pf.datasets.sleepstudy(), engine=pf.Exact(draws=4000), seed=1, name="sleep")


def test_summary_has_the_rows_and_columns_promised(fit: pf.Fit) -> None:
    s = fit.summary()
    assert list(s.columns) == [
        "mean", "sd", "median", "q2.5", "q97.5", "ess_bulk", "ess_tail", "rhat", "khat", "mcse",
    ]  # fmt: skip
    assert list(s.index) == [
        "Intercept", "Days", "sd(Intercept | Subject)", "sd(Days | Subject)", "cor(Intercept, Days | Subject)", "sigma",
    ]  # fmt: skip
    np.testing.assert_allclose(s["mean"], [fit.draws.flat(name).mean() for name in s.index], rtol=1e-12)


def test_tables_are_labelled(fit: pf.Fit) -> None:
    assert list(fit.fixef.index) == ["Intercept", "Days"]
    assert fit.ranef["Subject"].shape == (18, 2)
    assert fit.ranef["Subject"].index[0] == "308"
    assert fit.ranef_sd["Subject"].columns.tolist() == ["Intercept", "Days"]
    assert fit.varcorr["grp"].tolist() == ["Subject", "Subject", "Subject", "Residual"]
    assert (fit.varcorr["q2.5"] < fit.varcorr["sdcor"]).all()


def test_ranef_is_the_mean_of_the_draws(fit: pf.Fit) -> None:
    b = fit.draws["b[Subject]"].reshape(-1, 18, 2)
    np.testing.assert_allclose(fit.ranef["Subject"], b.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(fit.ranef_sd["Subject"], b.std(axis=0, ddof=1), rtol=1e-9)


def test_draws_are_a_mapping_with_coordinates(fit: pf.Fit) -> None:
    assert list(fit.draws) == [*fit.summary().index, "b[Subject]"]
    assert fit.draws["Days"].shape == (4, 1000)
    assert fit.draws.coords("Days") == {}
    assert "b[Subject]" in fit.draws
    with pytest.raises(KeyError):
        fit.draws["b[Batch]"]


def test_to_arviz_keeps_names_and_coordinates(fit: pf.Fit) -> None:
    idata = fit.to_arviz()
    b = idata.posterior["b[Subject]"]
    assert b.shape == (4, 1000, 18, 2)
    assert b.coords["Subject level"].values[0] == "308"
    np.testing.assert_array_equal(idata.posterior["sigma"], fit.draws["sigma"])


def test_plots_are_figures(fit: pf.Fit) -> None:
    assert isinstance(fit.plot_posterior(), matplotlib.figure.Figure)
    assert isinstance(fit.plot_posterior(["Days"]), matplotlib.figure.Figure)
    assert isinstance(fit.plot_ranef("Subject", "Days"), matplotlib.figure.Figure)
    with pytest.raises(pf.FitError, match='no parameter "Dayz"'):
        fit.plot_posterior(["Dayz"])
    with pytest.raises(pf.FitError, match="no effects"):
        fit.plot_ranef("Batch")


def test_it_shows_itself_in_four_forms(fit: pf.Fit) -> None:
    bundle = fit._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain", "text/latex", "text/markdown"}
    assert len(bundle["text/html"]) < 200_000
    assert "sleep" in bundle["text/html"]
    assert "trusted" in bundle["text/plain"]
    assert set(fit._repr_mimebundle_(include=["text/plain"])) == {"text/plain"}


def test_missing_rows_and_dropped_columns_are_told() -> None:
    d = pf.datasets.sleepstudy()
    d.loc[[3, 8, 20], "Reaction"] = np.nan
    d["Hours"] = 24 * d.Days
    shown = repr(pf.lme("Reaction ~ Days + Hours + (1 | Subject)", d, seed=1))
    assert "3 of 180 rows were left out for missing values (Reaction 3)." in shown
    assert "Hours = 24 x Days; dropped." in shown


def test_prepare_shows_a_model_without_fitting_it() -> None:
    model = pf.prepare(TEXT, pf.datasets.sleepstudy(), name="later")
    html = model._repr_mimebundle_()["text/html"]
    assert "Not fitted yet" in html
    assert "LKJ(1)" in html
    assert model.verdict.level == "none"


def test_any_frame_gives_the_same_fit(fit: pf.Fit) -> None:
    import polars
    import pyarrow

    d = pf.datasets.sleepstudy()
    as_text = d.assign(Subject=d.Subject.astype(str))
    frames = [
        polars.from_pandas(as_text),
        pyarrow.Table.from_pandas(as_text),
        {name: as_text[name].to_numpy() for name in as_text},
    ]
    for frame in frames:
        np.testing.assert_array_equal(pf.lme(TEXT, frame, seed=1).draws["Days"], fit.draws["Days"])


STATEMENTS = """\
X = design(1 + Days)
Z = design(1 + Days) by Subject
w ~ Normal(0, 300)
tau ~ HalfNormal(50)
R ~ LKJ(1)
u ~ MultivariateNormal(0, sd = tau, cor = R)
sigma ~ HalfNormal(50)
Reaction ~ Normal(X @ w + Z @ u, sigma)
"""


def test_statements_keep_the_letters_of_their_person() -> None:
    d = pf.datasets.sleepstudy()
    fit = pf.lme(STATEMENTS, d, seed=1)
    assert list(fit.summary().index) == [
        "w[Intercept]", "w[Days]", "tau[Intercept]", "tau[Days]", "R[Intercept, Days]", "sigma",
    ]  # fmt: skip
    # The formula's names still find their draws.
    np.testing.assert_array_equal(fit.draws["Days"], fit.draws["w[Days]"])
    np.testing.assert_array_equal(fit.draws["b[Subject]"], fit.draws["u"])
    assert list(fit.posterior_mean()) == ["w", "tau", "R", "u", "sigma"]
    assert fit.posterior_mean("sd[Subject]").equals(fit.posterior_mean("tau"))
    assert fit.posterior_mean("R").loc["Days", "Days"] == 1.0
    shown = repr(fit)
    assert "Reaction ~ Normal(X w + Z u, σ)" in shown
    assert "τ[Days] ~ HalfNormal(50)" in shown
    formula = (
        "Reaction ~ Days + (Days | Subject)\nIntercept ~ Normal(0, 300)\nDays ~ Normal(0, 300)\n"
        "sd(Subject) ~ HalfNormal(50)\nsigma ~ HalfNormal(50)"
    )
    same = pf.lme(formula, d, seed=1)
    np.testing.assert_array_equal(same.draws["Days"], fit.draws["w[Days]"])
    assert same.varcorr.equals(fit.varcorr)
    assert same.predict().equals(fit.predict())


def test_nuts_tells_arviz_and_its_card_how_it_went() -> None:
    engine = pf.NUTS(draws=400, warmup=100)
    fit = pf.lme("Reaction ~ Days + (1 | Subject)", pf.datasets.sleepstudy(), engine=engine, seed=1)
    stats = fit.to_arviz().sample_stats
    assert stats["diverging"].dtype == bool
    assert stats["diverging"].shape == (4, 100)
    assert {"energy", "tree_depth", "n_steps", "acceptance_rate", "lp"} <= set(stats)
    lines = dict(fit.card.run)
    assert lines["engine"] == "NUTS"
    assert lines["divergences"] == str(int(stats["diverging"].sum()))
    assert lines["tree depth"].endswith("0% at the limit of 10")


def test_a_parameter_shows_its_prior_and_then_its_posterior() -> None:
    class Mean(pf.Model):
        def __init__(self) -> None:
            self.tau = pf.ScaleParameter(prior=pf.HalfNormal(1))
            self.mu = pf.Parameter([2], prior=pf.Normal(0, self.tau))
            self.sigma = pf.ScaleParameter()

        def __call__(self, x: np.ndarray) -> pf.Normal:
            return pf.Normal(x[:, :1] * self.mu()[..., :1, None] + x[:, 1:] * self.mu()[..., 1:, None], self.sigma())

    model = Mean()
    before = model.mu._repr_mimebundle_()
    assert set(before) == {"text/html", "text/plain", "text/latex", "text/markdown"}
    assert before["text/plain"].startswith("Parameter ~ Normal(0, ") or before["text/plain"].startswith("mu ~ Normal(0")
    x = np.random.default_rng(1).normal(size=(40, 2))
    model.fit(x, x @ [0.5, -0.5] + 0.3 * np.random.default_rng(2).normal(size=40), engine=pf.Exact(draws=400), seed=1)
    after = model.mu._repr_mimebundle_()["text/plain"]
    assert after.startswith("mu ~ Normal(0, tau), shape (2,)")
    assert "mu[1]" in after
    assert "sigma" not in after
    assert "<img" in model.mu._repr_mimebundle_()["text/html"]
