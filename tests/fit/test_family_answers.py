"""What a fit of a family answers: ratios, both scales, probabilities, whole numbers, comparison; small real fits."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import binom

import probflow_nb as pf
from probflow_nb.errors import FitError
from probflow_nb.fit.group_curves import shares_of
from probflow_nb.fit.ratios import ratio_kind
from probflow_nb.notebook.walk.tabs import TABS, answer
from probflow_nb.spec.families import family_from

CBPP = "incidence / size ~ period + (1 | herd)"


@pytest.fixture(scope="module")
def cbpp() -> pf.Fit:
    return pf.lme(CBPP, pf.datasets.cbpp(), family="binomial", seed=1)


@pytest.fixture(scope="module")
def cbpp_point() -> pf.Fit:
    return pf.lme(CBPP, pf.datasets.cbpp(), family="binomial", engine=pf.Point())


@pytest.fixture(scope="module")
def rated() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(8), 12)
    x = rng.normal(size=96)
    latent = 0.8 * x + 0.5 * rng.normal(size=8)[group] + rng.logistic(size=96)
    names = ["low", "medium", "high"]
    rating = pd.Categorical(np.array(names)[np.digitize(latent, [-0.6, 0.9])], categories=names, ordered=True)
    count = rng.poisson(np.exp(0.5 + 0.4 * x))
    return pd.DataFrame({"x": x, "g": [f"g{i}" for i in group], "rating": rating, "yes": latent > 0, "count": count})


@pytest.fixture(scope="module")
def ordinal(rated) -> pf.Fit:
    return pf.lme("rating ~ x + (1 | g)", rated, family="ordinal", seed=1)


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        ("binomial", "odds ratio"),
        ("Bernoulli(link = cloglog)", "hazard ratio"),
        ("Bernoulli(link = log)", "risk ratio"),
        ("Bernoulli(link = probit)", ""),
        ("poisson", "rate ratio"),
        ("Poisson(link = sqrt)", ""),
        ("Gamma(link = log)", "ratio of means"),
        ("log_normal", "ratio of medians"),
        ("ordinal", "odds ratio"),
        ("Ordinal(link = cloglog)", ""),
        ("gaussian", ""),
    ],
)
def test_a_ratio_is_called_by_its_link_and_family(family, kind):
    assert ratio_kind(family_from(family)) == kind


def test_ratios_are_exp_of_the_coefficients_quantiles(cbpp):
    found = cbpp.ratios(interval=0.9)
    assert list(found.index) == ["period[2]", "period[3]", "period[4]"]
    assert list(found.columns) == ["odds ratio", "lower", "upper"]
    draws = cbpp.draws["period[3]"].ravel()
    expected = np.exp(np.quantile(draws, [0.5, 0.05, 0.95]))
    assert found.loc["period[3]"].to_numpy() == pytest.approx(expected)


def test_ratios_of_a_point_fit_rest_on_standard_errors(cbpp_point):
    found = cbpp_point.ratios()
    estimate, error = cbpp_point.fixef["period[2]"], cbpp_point.se["period[2]"]
    ends = np.exp([estimate, estimate - 1.959964 * error, estimate + 1.959964 * error])
    assert found.loc["period[2]"].to_numpy() == pytest.approx(ends, rel=1e-6)
    # glmer on the same data: coefficient -0.992, so that the odds fall to 0.371.
    assert found.loc["period[2]", "odds ratio"] == pytest.approx(0.371, abs=0.001)


def test_a_model_without_ratios_says_so():
    fit = pf.lme("Reaction ~ Days + (1 | Subject)", pf.datasets.sleepstudy(), engine=pf.Point())
    with pytest.raises(FitError, match="is no ratio"):
        fit.ratios()
    assert fit.card.ratios is None


def test_both_scales_agree_draw_by_draw(cbpp):
    sizes = pf.datasets.cbpp()["size"].to_numpy(float)
    p, counts = cbpp.predict(scale="probability"), cbpp.predict()
    assert counts.to_numpy() == pytest.approx(sizes * p.to_numpy())
    assert (counts.name, p.name) == ("incidence", "incidence / size")
    link = cbpp.epistemic_interval(scale="link")
    shares = cbpp.epistemic_interval(scale="probability")
    # Quantiles go through the logit, but for interpolation between two draws.
    assert expit(link.to_numpy()) == pytest.approx(shares.to_numpy(), rel=1e-4)
    beta, herd = cbpp.posterior_mean("beta"), cbpp.ranef["herd"]["Intercept"]
    eta = cbpp.predict(scale="link")
    assert eta.iloc[0] == pytest.approx(beta["Intercept"] + herd["1"])


def test_new_rows_need_no_trials_for_a_probability(cbpp):
    new = pd.DataFrame({"period": ["1", "4"], "herd": ["1", "15"]})
    p = cbpp.predict(new, scale="probability")
    assert ((p > 0) & (p < 1)).all()
    with pytest.raises(pf.DataError, match="size"):
        cbpp.predict(new)
    assert cbpp.predict(new.assign(size=10)).to_numpy() == pytest.approx(10 * p.to_numpy())


def test_a_scale_that_is_not_there_is_refused(cbpp, rated):
    with pytest.raises(FitError, match="no scale"):
        cbpp.predict(scale="odds")
    with pytest.raises(FitError, match="no probability"):
        pf.lme("count ~ x + (1 | g)", rated, family="poisson", engine=pf.Point()).predict(scale="probability")


def test_intervals_of_counts_are_counts_and_hold_what_they_say(cbpp):
    sizes = pf.datasets.cbpp()["size"].to_numpy()
    found = cbpp.predictive_interval(interval=0.8)
    assert (found == found.round()).all(axis=None)
    # With the parameters at their means the noise is binomial, whose quantiles are known.
    fixed = cbpp.aleatoric_interval(interval=0.8)
    eta = cbpp.predict(scale="link").to_numpy()
    upper = binom.ppf(0.9, sizes, expit(eta))
    assert (np.abs(fixed["q90"] - upper) <= 1).all()
    assert (fixed["q90"] == upper).mean() > 0.8
    shares = cbpp.predictive_interval(interval=0.8, scale="probability")
    assert shares["q90"].to_numpy() * sizes == pytest.approx(found["q90"].to_numpy())


def test_new_responses_follow_the_model(cbpp):
    drawn = cbpp.predictive_sample(2000, seed=3)
    assert drawn.shape == (2000, 56)
    mean = cbpp.predict().to_numpy()
    error = drawn.std(axis=0).to_numpy() / np.sqrt(2000)
    assert (np.abs(drawn.mean(axis=0).to_numpy() - mean) < 4.5 * error).all()
    assert np.array_equal(drawn, cbpp.predictive_sample(2000, seed=3))


def test_arviz_has_the_log_density_of_every_row(cbpp):
    pytest.importorskip("arviz")
    held = cbpp.to_arviz()["log_likelihood"]
    (values,) = [np.asarray(held[name]) for name in held.data_vars]
    assert values.shape == (4, 1000, 56)
    total = np.logaddexp.reduce(values.reshape(4000, 56), axis=0) - np.log(4000)
    assert total == pytest.approx(cbpp.log_prob().to_numpy())


def test_coverage_of_events_is_nominal(rated):
    fit = pf.lme("yes ~ x + (1 | g)", rated, family="bernoulli", seed=1)
    curve = fit.calibration_curve()
    assert ((curve["coverage"] - curve["probability"]).abs() < 3 * curve["error"]).all()


def test_ordered_categories_are_predicted_by_probability(ordinal, rated):
    found = ordinal.predict()
    assert list(found.columns) == ["low", "medium", "high"]
    assert found.sum(axis=1).to_numpy() == pytest.approx(1.0)
    cuts = [ordinal.draws[name].ravel() for name in ("cut[low|medium]", "cut[medium|high]")]
    eta = ordinal.draws["x"].ravel() * rated["x"][0] + ordinal.draws["b[g]"][:, :, 0, 0].ravel()
    assert found["low"].iloc[0] == pytest.approx(expit(cuts[0] - eta).mean())
    assert found["high"].iloc[0] == pytest.approx(1 - expit(cuts[1] - eta).mean())
    assert list(ordinal.epistemic_interval().columns.get_level_values(0).unique()) == list(found.columns)
    assert ordinal.predict(scale="link").ndim == 1
    assert "probability of rating" in {text.get_text() for text in ordinal.plot_fit().texts}


@pytest.mark.parametrize("tab", [tab.name for tab in TABS])
@pytest.mark.parametrize("which", ["cbpp", "cbpp_point", "ordinal"])
def test_every_tab_of_the_walk_answers(tab, which, request):
    found, buffers = answer(request.getfixturevalue(which), tab, {})
    assert "fault" not in found
    assert json.dumps(found, allow_nan=False)
    if tab == "Summary":
        assert found["ratios"]["headers"] == ["odds ratio", "2.5%", "97.5%"]
    if tab == "Fit" and which != "ordinal":
        observed, fitted = (np.frombuffer(b, "<f8") for b in buffers)
        data = pf.datasets.cbpp()
        assert observed == pytest.approx((data["incidence"] / data["size"]).to_numpy())
        assert ((fitted > 0) & (fitted < 1)).all()


def test_curves_of_events_are_probabilities(cbpp, rated):
    found = cbpp.curves.at({"period": "1"})
    draws = expit(cbpp.draws["Intercept"].ravel())
    assert found.mean == pytest.approx(draws.mean())
    assert found.mean_interval == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])))
    assert found.new_interval is None
    fit = pf.lme("yes ~ x + (1 | g)", rated, family="bernoulli", engine=pf.Point())
    curve = fit.curves.curve("x")
    assert curve.new_band is None
    assert ((curve.mean > 0) & (curve.mean < 1)).all()
    assert "P(yes = True)" in {text.get_text() for text in fit.plot_fit().texts}


def test_shares_of_neighbouring_rows_keep_every_event():
    x = np.array([0.0] * 25 + [1.0] * 5 + [2.0] * 20)
    y = np.tile([0.0, 1.0], 25)
    at, share = shares_of(x, y)
    assert at == pytest.approx([0.0, 1.0, 2.0])
    assert share == pytest.approx([12 / 25, 3 / 5, 10 / 20])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=200), (rng.random(200) < 0.3).astype(float)
    at, share = shares_of(x, y)
    assert len(at) == 10
    assert (np.diff(at) > 0).all()
    assert share.mean() == pytest.approx(y.mean())


def test_families_are_compared_but_not_tested_against_each_other(rated):
    text = "count ~ x + (1 | g)"
    a, b = (pf.lme(text, rated, family=name, engine=pf.Point()) for name in ("poisson", "negative_binomial"))
    found = pf.compare(a, b)
    assert list(found.frame()["family"]) == ["Poisson(link = log)", "NegativeBinomial(link = log)"]
    assert found.frame()["p_value"].isna().all()
    assert "is not nested in" in " ".join(found.notes)
    logged = rated.assign(logged=np.log(rated["count"] + 1.0))
    gaussian = pf.lme("logged ~ x + (1 | g)", logged, engine=pf.Point(reml=False))
    with pytest.raises(FitError, match="their values differ"):
        pf.compare(a, gaussian)
    smaller = pf.lme(CBPP.replace("size", "twice"), pf.datasets.cbpp().assign(twice=lambda d: 2 * d["size"]),
                     family="binomial", engine=pf.Point())  # fmt: skip
    whole = pf.lme(CBPP, pf.datasets.cbpp(), family="binomial", engine=pf.Point())
    with pytest.raises(FitError, match="different trials"):
        pf.compare(whole, smaller)


def test_an_exposure_is_said(rated):
    data = rated.assign(hours=2.0 + np.arange(96) % 5)
    fit = pf.lme("count ~ x + offset(log(hours)) + (1 | g)", data, family="poisson", engine=pf.Point())
    assert "count is modelled as a rate per unit of hours, its exposure." in fit.facts.notes
