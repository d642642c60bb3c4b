"""Predictions against the draws worked out by hand, and the sentences for rows that do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import probflow_nb as pf
from probflow_nb.predict import response as responses

TEXT = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleep() -> pd.DataFrame:
    d = pf.datasets.sleepstudy()
    d["known"] = 2.0 * d.Days
    d["w"] = np.where(d.Days > 4, 4.0, 1.0)
    return d


@pytest.fixture(scope="module")
def fit(sleep: pd.DataFrame) -> pf.Fit:
    return pf.lme(TEXT, sleep, engine=pf.Exact(draws=4000), seed=1)


@pytest.fixture(scope="module")
def weighted(sleep: pd.DataFrame) -> pf.Fit:
    return pf.lme("Reaction ~ Days + (1 | Subject) + offset(known) + weights(w)", sleep, seed=1)


def by_hand(fit: pf.Fit, d: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of every draw and row, (S, n), and sigma of every draw, (S, 1)."""
    b = fit.draws["b[Subject]"].reshape(4000, 18, -1)
    j = pd.Categorical(d.Subject.astype(str), categories=list(fit.ranef["Subject"].index)).codes
    mu = fit.draws.flat("Intercept")[:, None] + fit.draws.flat("Days")[:, None] * d.Days.to_numpy()
    mu = mu + b[:, j, 0] + (b[:, j, 1] * d.Days.to_numpy() if b.shape[2] > 1 else 0.0)
    return mu, fit.draws.flat("sigma")[:, None]


def test_means_and_their_intervals_are_those_of_the_draws(fit: pf.Fit, sleep: pd.DataFrame) -> None:
    mu, _ = by_hand(fit, sleep)
    np.testing.assert_allclose(fit.predict(), mu.mean(axis=0), rtol=1e-10)
    interval = fit.epistemic_interval(interval=0.8)
    np.testing.assert_allclose(interval.to_numpy().T, np.quantile(mu, [0.1, 0.9], axis=0), rtol=1e-10)
    assert interval.columns.tolist() == ["q10", "q90"]


def test_predictive_intervals_hold_their_probability(fit: pf.Fit, sleep: pd.DataFrame) -> None:
    mu, sigma = by_hand(fit, sleep)
    interval = fit.predictive_interval(interval=0.9)
    for column, probability in (("q5", 0.05), ("q95", 0.95)):
        below = stats.norm.cdf((interval[column].to_numpy() - mu) / sigma).mean(axis=0)
        # 4,000 draws know a 5% point to about 0.0035.
        assert np.abs(below - probability).max() < 0.018
        assert np.abs(below.mean() - probability) < 0.001


def test_noise_alone_is_that_of_the_mean_parameters(fit: pf.Fit, sleep: pd.DataFrame) -> None:
    mu, sigma = by_hand(fit, sleep)
    interval = fit.aleatoric_interval()
    np.testing.assert_allclose(interval["q97.5"], mu.mean(axis=0) + 1.959964 * sigma.mean(), rtol=1e-6)
    np.testing.assert_allclose(interval["q2.5"], mu.mean(axis=0) - 1.959964 * sigma.mean(), rtol=1e-6)


def test_log_predictive_and_r_squared(fit: pf.Fit, sleep: pd.DataFrame) -> None:
    mu, sigma = by_hand(fit, sleep)
    terms = stats.norm.logpdf(sleep.Reaction.to_numpy(), mu, sigma)
    np.testing.assert_allclose(fit.log_prob(), np.log(np.exp(terms).mean(axis=0)), rtol=1e-10)
    np.testing.assert_allclose(fit.log_prob(draws=True), terms, rtol=1e-10)
    explained = mu.var(axis=1, ddof=1)
    np.testing.assert_allclose(fit.r_squared(draws=True), explained / (explained + sigma[:, 0] ** 2), rtol=1e-10)
    assert fit.r_squared() == pytest.approx(float(np.mean(explained / (explained + sigma[:, 0] ** 2))))


def test_offset_and_weights(weighted: pf.Fit, sleep: pd.DataFrame) -> None:
    mu, sigma = by_hand(weighted, sleep)
    mu, sd = mu + sleep.known.to_numpy(), sigma / np.sqrt(sleep.w.to_numpy())
    np.testing.assert_allclose(weighted.predict(), mu.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(weighted.predict(sleep), weighted.predict(), rtol=1e-12)
    terms = stats.norm.logpdf(sleep.Reaction.to_numpy(), mu, sd)
    np.testing.assert_allclose(weighted.log_prob(draws=True), terms, rtol=1e-9)
    # Without noise the weights are not needed.
    np.testing.assert_allclose(weighted.predict(sleep.drop(columns="w")), weighted.predict(), rtol=1e-12)
    with pytest.raises(pf.DataError, match="w"):
        weighted.predictive_interval(sleep.drop(columns="w"))


def test_new_rows_are_coded_as_the_old(fit: pf.Fit, sleep: pd.DataFrame) -> None:
    part = sleep.iloc[37:61]
    shown = fit.predict(part)
    np.testing.assert_allclose(shown, fit.predict().iloc[37:61], rtol=1e-12)
    assert shown.index.equals(part.index)
    np.testing.assert_allclose(fit.residuals(part), part.Reaction - shown, rtol=1e-12)
    np.testing.assert_allclose(fit.residuals(), sleep.Reaction - fit.predict(), rtol=1e-12)
    np.testing.assert_allclose(fit.log_prob(part), fit.log_prob().iloc[37:61], rtol=1e-12)


def test_a_missing_value_makes_its_row_missing_and_no_other(fit: pf.Fit, sleep: pd.DataFrame) -> None:
    part = sleep.iloc[:6].copy()
    part["Days"] = part.Days.astype(float)
    part.iloc[2, part.columns.get_loc("Days")] = np.nan
    told = "1 row has no prediction, because a value is missing in `Days`, the first in row 2"
    with pytest.warns(UserWarning, match=told):
        assert fit.predict(part).isna().tolist() == [False, False, True, False, False, False]
    with pytest.warns(UserWarning, match=told):
        assert fit.predictive_interval(part)["q2.5"].isna().sum() == 1


def test_the_same_seed_gives_the_same_answer(fit: pf.Fit, sleep: pd.DataFrame) -> None:
    part = sleep.iloc[:5]
    a, b = fit.predictive_interval(part, seed=3), fit.predictive_interval(part, seed=3)
    pd.testing.assert_frame_equal(a, b)
    assert not a.equals(fit.predictive_interval(part, seed=4))
    pd.testing.assert_frame_equal(fit.predictive_interval(part), fit.predictive_interval(part, seed=fit.seed))


def test_small_blocks_change_nothing_that_is_not_random(
    fit: pf.Fit, sleep: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (fit.predict(), fit.epistemic_interval(), fit.log_prob(), fit.r_squared(), fit.predictive_interval())
    monkeypatch.setattr(responses, "_AT_ONCE", 70_000)
    np.testing.assert_allclose(fit.predict(), whole[0], rtol=1e-12)
    np.testing.assert_allclose(fit.epistemic_interval(), whole[1], rtol=1e-12)
    np.testing.assert_allclose(fit.log_prob(), whole[2], rtol=1e-12)
    assert fit.r_squared() == pytest.approx(whole[3])
    np.testing.assert_allclose(fit.predictive_interval(), whole[4], rtol=1e-12)


def test_a_point_fit_predicts_its_modes(sleep: pd.DataFrame) -> None:
    point = pf.lme(TEXT, sleep, engine=pf.Point())
    b = point.ranef["Subject"].loc[sleep.Subject.astype(str)]
    mu = point.fixef["Intercept"] + b["Intercept"].to_numpy()
    mu = mu + (point.fixef["Days"] + b["Days"].to_numpy()) * sleep.Days.to_numpy()
    np.testing.assert_allclose(point.predict(), mu, rtol=1e-10)
    with pytest.raises(pf.FitError, match="point fit has no posterior to predict with"):
        point.predictive_interval()


def test_coverage_is_nominal_for_data_of_the_model() -> None:
    rng = np.random.default_rng(5)
    n = 4000
    x, g = rng.normal(size=n), rng.integers(0, 40, n)
    y = 1.0 + 0.5 * x + rng.normal(size=40)[g] + rng.normal(size=n) * 0.7
    fit = pf.lme("y ~ x + (1 | g)", {"y": y, "x": x, "g": g.astype(str)}, seed=2)
    curve = fit.calibration_curve()
    assert curve["probability"].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
    # In the sample, with 42 effects for 4,000 rows, coverage is about 0.5% too high.
    assert ((curve["coverage"] - curve["probability"]).abs() < 4 * curve["error"] + 0.006).all()
    wrong = fit.calibration_curve(y=y + 0.7)
    assert wrong["coverage"].iloc[4] < 0.4


def test_prior_sample_has_the_moments_of_the_priors(sleep: pd.DataFrame) -> None:
    text = (
        TEXT
        + "\nDays ~ Normal(3, 5)\nIntercept ~ Normal(200, 30)\nsd(Subject) ~ HalfNormal(10)\nsigma ~ Exponential(0.1)"
    )
    drawn = pf.prepare(text, sleep).fit(seed=1).prior_sample(20_000, seed=4)
    assert drawn["beta"]["Days"].mean() == pytest.approx(3, abs=0.15)
    assert drawn["beta"]["Days"].std() == pytest.approx(5, rel=0.03)
    assert drawn["beta"]["Intercept"].std() == pytest.approx(30, rel=0.03)
    assert drawn["sd[Subject]"]["Days"].mean() == pytest.approx(10 * np.sqrt(2 / np.pi), rel=0.03)
    assert drawn["sigma"].mean() == pytest.approx(10, rel=0.05)
    # b ~ Normal(0, sd): its variance is E sd^2 = 100, each level apart.
    assert drawn["b[Subject]"].to_numpy().var() == pytest.approx(100, rel=0.05)


class Page(pf.Model):
    """The model of the page, with u learned."""

    def __init__(self, Nf: int, Nr: int) -> None:
        self.Nf = Nf
        self.w = pf.Parameter([Nf, 1])
        self.tau = pf.ScaleParameter(prior=pf.HalfNormal(1))
        self.u = pf.Parameter([Nr, 1], prior=pf.Normal(0, self.tau))
        self.sigma = pf.ScaleParameter([1, 1])

    def __call__(self, x: Any) -> Any:
        return pf.Normal(x[:, : self.Nf] @ self.w() + x[:, self.Nf :] @ self.u(), self.sigma())


class OneByOne(Page):
    """The same, in code that takes one set of values alone."""

    def __call__(self, x: Any) -> Any:
        import tensorflow as tf

        w, u, sigma = (tf.reshape(p(), [-1]) for p in (self.w, self.u, self.sigma))
        return pf.Normal(tf.linalg.matvec(x, tf.concat([w, u], axis=0)), sigma[0])


def page_data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(18), 10)
    X = np.column_stack([np.ones(180), rng.normal(size=180)])
    y = X @ [1, 0.5] + rng.normal(size=18)[g] + 0.5 * rng.normal(size=180)
    return np.column_stack([X, np.eye(18)[g]]), y


@pytest.fixture(scope="module")
def page() -> pf.Fit:
    return Page(2, 18).fit(*page_data(), engine=pf.Exact(draws=1000), seed=1)


def page_by_hand(fit: pf.Fit, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    w = np.stack([fit.draws.flat("w[0]"), fit.draws.flat("w[1]")], axis=1)
    return np.hstack([w, fit.draws["u"].reshape(1000, 18)]) @ x.T, fit.draws.flat("sigma")[:, None]


def test_a_class_predicts_as_its_draws_say(page: pf.Fit) -> None:
    x, y = page_data()
    mu, sigma = page_by_hand(page, x)
    np.testing.assert_allclose(page.predict(), mu.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(page.predict(x[5:9]), mu.mean(axis=0)[5:9], rtol=1e-9)
    ends = np.quantile(mu, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(page.epistemic_interval().to_numpy().T, ends, rtol=1e-9)
    terms = stats.norm.logpdf(y, mu, sigma)
    np.testing.assert_allclose(page.log_prob(draws=True), terms, rtol=1e-9)
    np.testing.assert_allclose(page.log_prob(x[:7], y[:7]), np.log(np.exp(terms).mean(axis=0))[:7], rtol=1e-9)
    noise = mu.mean(axis=0) + 1.959964 * sigma.mean()
    np.testing.assert_allclose(page.aleatoric_interval()["q97.5"], noise, rtol=1e-6)
    interval = page.predictive_interval(interval=0.5, seed=2)
    inside = stats.norm.cdf((interval["q75"].to_numpy() - mu) / sigma).mean(axis=0)
    assert np.abs(inside - 0.75).max() < 0.06
    explained = mu.var(axis=1, ddof=1)
    np.testing.assert_allclose(page.r_squared(draws=True), explained / (explained + sigma[:, 0] ** 2), rtol=1e-9)
    np.testing.assert_allclose(page.residuals(), y - mu.mean(axis=0), rtol=1e-9)


def test_code_for_one_set_of_values_predicts_alike(page: pf.Fit) -> None:
    from probflow_nb.predict.build import response_at
    from probflow_nb.predict.values import Values

    x, y = page_data()
    few = page.draws["u"].reshape(1000, 18)[:5]
    values = {
        "w": page.posterior_sample(name="w").to_numpy()[:5].reshape(5, 2, 1),
        "tau": page.draws.flat("tau")[:5],
        "u": few.reshape(5, 18, 1),
        "sigma": page.draws.flat("sigma")[:5].reshape(5, 1, 1),
    }
    held = Values(page._values.quantities, 5, {name: (lambda v=v: v) for name, v in values.items()})
    batched, single = (response_at(kind(2, 18).program(x, y), held, None, noise=True) for kind in (Page, OneByOne))
    for question in (responses.mean, responses.bayes_r_squared, lambda r: responses.log_predictive(r, y)):
        np.testing.assert_allclose(question(single), question(batched), rtol=1e-9)
    assert responses.predictive(single, 0.9, 3).lower.shape == (180,)


def test_answers_carry_names(page: pf.Fit) -> None:
    frame = pd.DataFrame(page_data()[0][:, :2], columns=["one", "dose"])
    means = page.posterior_mean()
    assert list(means) == ["w", "tau", "u", "sigma"]
    assert isinstance(means["sigma"], float)
    np.testing.assert_allclose(means["u"], page.draws["u"].reshape(1000, 18).mean(axis=0), rtol=1e-12)
    assert page.posterior_interval("u").shape == (18, 2)
    assert page.posterior_interval("tau", 0.5).index.tolist() == ["q25", "q75"]
    sample = page.posterior_sample(10, seed=1)
    whole = page.posterior_sample()
    # Row i of each parameter is one draw.
    rows = [int(np.flatnonzero(whole["tau"] == value)[0]) for value in sample["tau"]]
    np.testing.assert_array_equal(sample["u"], whole["u"].to_numpy()[rows])
    assert len(set(rows)) == 10
    assert page.posterior_mean("w[1]") == pytest.approx(page.draws["w[1]"].mean())
    assert page.predict(frame.assign(**{f"z{j}": float(j == 0) for j in range(18)})).name == "y"


# question -> the beginning of the sentence
REFUSED = {
    "a level not seen": (
        lambda f, d: f.predict(d.assign(Subject="999"), new_levels="error"),
        "The fit has not seen the level 999 of Subject, the first in row 0",
    ),
    "a column missing": (lambda f, d: f.predict(d[["Subject"]]), "There is no column `Days` in the data."),
    "no frame": (lambda f, d: f.predict(3), ""),
    "y too short": (lambda f, d: f.residuals(d, [1.0]), "y has the shape (1,), but the rows predicted for have (180,)"),
    "y of text": (lambda f, d: f.residuals(d, ["a"] * 180), "The response y holds something that is not a number."),
    "no probability": (lambda f, d: f.predictive_interval(interval=95), "An interval's probability lies between 0 and"),
    "a probability of text": (lambda f, d: f.posterior_interval(interval="x"), "An interval's probability lies"),
    "a seed of text": (lambda f, d: f.predictive_interval(seed="x"), "seed is a whole number, not 'x'."),
    "too many draws": (lambda f, d: f.posterior_sample(10_000), "The fit has 4,000 draws, not 10,000."),
    "a parameter unknown": (lambda f, d: f.posterior_mean("tau"), 'There is no parameter "tau" in this model.'),
    "a parameter by number": (lambda f, d: f.posterior_mean(3), "A parameter is asked for by its name, not by 3."),
    "no prior draws": (lambda f, d: f.prior_sample(0), "n is a whole number of at least 1, not 0."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_answered(fit: pf.Fit, sleep: pd.DataFrame, case: str) -> None:
    question, sentence = REFUSED[case]
    with pytest.raises(pf.ProbflowError) as caught:
        question(fit, sleep)
    assert caught.value.message.startswith(sentence)


def test_a_class_refuses_other_columns(page: pf.Fit) -> None:
    x, _ = page_data()
    with pytest.raises(pf.DataError, match="The new x has 3 columns, but the model was fitted to 20"):
        page.predict(x[:, :3])
    with pytest.raises(pf.FitError, match="New rows are given without their response"):
        page.residuals(x)


def test_a_flat_prior_has_no_sample(sleep: pd.DataFrame) -> None:
    flat = pf.lme("Reaction ~ Days + (1 | Subject)\nDays ~ Flat()", sleep, seed=1)
    with pytest.raises(pf.FitError, match="The prior of Days is flat"):
        flat.prior_sample()
