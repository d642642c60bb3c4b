"""What is asked of rows is answered, or refused in a sentence, by every kind of fit; data sets drawn from a fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress

QUIET = NullProgress()


class Line(pf.Model):
    """A straight line."""

    def __init__(self) -> None:
        self.w = pf.Parameter([2, 1])
        self.sigma = pf.ScaleParameter()

    def __call__(self, x: Any) -> Any:
        return pf.Normal(x @ self.w(), self.sigma())


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    g = np.repeat([f"g{i}" for i in range(6)], 10)
    x = rng.normal(size=60)
    y = 1 + x + np.repeat(rng.normal(size=6), 10) + 0.5 * rng.normal(size=60)
    return pd.DataFrame({"y": y, "x": x, "g": g, "count": rng.poisson(np.exp(0.3 * y.clip(-3, 3)))})


@pytest.fixture(scope="module")
def fits(data: pd.DataFrame) -> dict[str, pf.Fit]:
    short = pf.NUTS(draws=100, warmup=100, chains=2)
    text = "y ~ x + (x | g)"
    matrix = np.column_stack([np.ones(60), data.x])
    return {
        "exact": pf.lme(text, data, engine=pf.Exact(draws=200), seed=1, progress=QUIET),
        "point": pf.lme(text, data, engine=pf.Point(), progress=QUIET),
        "nuts": pf.lme(text, data, engine=short, seed=1, progress=QUIET),
        "family": pf.lme("count ~ x + (1 | g)", data, family="poisson", seed=1, progress=QUIET),
        "point of a family": pf.lme("count ~ x + (1 | g)", data, family="poisson", engine=pf.Point(), progress=QUIET),
        "formulas": pf.lme("y ~ x + (1 | g)\nsigma ~ x", data, engine=short, seed=1, progress=QUIET),
        "class": Line().fit(matrix, data.y.to_numpy(), engine=short, seed=1),
    }


KINDS = ["exact", "point", "nuts", "family", "point of a family", "formulas", "class"]
QUESTIONS = {
    "mean": lambda f: f.predict(),
    "mean and interval": lambda f: f.predict(interval=0.9),
    "new responses": lambda f: f.predict(kind="response", interval=0.9),
    "draws": lambda f: f.predict(kind="response", draws=True),
    "draws of the mean": lambda f: f.predict(draws=True),
    "link": lambda f: f.predict(kind="link"),
    "no groups": lambda f: f.predict(groups="none", interval=0.9),
    "one factor": lambda f: f.predict(groups=["g"]),
    "predictive interval": lambda f: f.predictive_interval(groups="none"),
    "epistemic interval": lambda f: f.epistemic_interval(groups="none"),
    "sample": lambda f: f.predictive_sample(20, groups="none"),
    "log prob": lambda f: f.log_prob(groups="none"),
    "response residuals": lambda f: f.residuals(),
    "pearson residuals": lambda f: f.residuals(kind="pearson"),
    "quantile residuals": lambda f: f.residuals(kind="quantile"),
    "data sets": lambda f: f.simulate(2),
    "data sets of new groups": lambda f: f.simulate(2, groups="new"),
}
# What has no answer, and the beginning of the sentence that says so.
NO_POSTERIOR = "A point fit has no posterior"
REFUSED = {
    **{("point", q): NO_POSTERIOR for q in ("mean and interval", "new responses", "draws", "draws of the mean")},
    **{("point", q): NO_POSTERIOR for q in ("no groups", "predictive interval", "epistemic interval", "sample")},
    ("point", "log prob"): NO_POSTERIOR,
    ("class", "link"): "A model of one's own has no link",
    **{
        ("class", q): "A model of one's own does not say which of its parameters"
        for q in ("no groups", "one factor", "predictive interval", "epistemic interval", "sample", "log prob")
    },
    ("class", "data sets"): "The data of this model are no frame",
    ("class", "data sets of new groups"): "The data of this model are no frame",
    ("formulas", "link"): "A model of one's own has no link",
    ("formulas", "data sets of new groups"): "New groups are drawn for a single formula",
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_fit_answers_or_says_why_not(fits: dict[str, pf.Fit], kind: str, question: str) -> None:
    sentence = REFUSED.get((kind.removesuffix(" of a family"), question))
    if sentence is not None:
        with pytest.raises(pf.FitError) as caught:
            QUESTIONS[question](fits[kind])
        assert caught.value.message.startswith(sentence)
        assert caught.value.hint
        return
    found = QUESTIONS[question](fits[kind])
    for frame in found if isinstance(found, list) else [found]:
        numbers = frame.select_dtypes("number") if isinstance(frame, pd.DataFrame) else frame
        assert 60 in frame.shape
        assert np.isfinite(numbers.to_numpy(float)).all()


def test_formulas_without_groups_are_their_common_part(fits: dict[str, pf.Fit], data: pd.DataFrame) -> None:
    fit = fits["formulas"]
    expected = fit.fixef["Intercept"] + fit.fixef["x"] * data.x
    np.testing.assert_allclose(fit.predict(groups="none"), expected, rtol=1e-6)
    assert np.abs(fit.predict() - expected).max() > 0.2


def test_simulated_data_have_the_moments_of_the_fit(fits: dict[str, pf.Fit], data: pd.DataFrame) -> None:
    fit = fits["point"]
    sets = fit.simulate(400, groups="new", seed=5)
    assert all(list(one.columns) == ["y", "x", "g"] for one in sets)
    y = np.stack([one.y for one in sets])
    fixed = fit.predict(groups="none").to_numpy()
    sd, rho, sigma = fit.varcorr.sdcor[:2].to_numpy(), fit.varcorr.sdcor[2], fit.varcorr.sdcor.iloc[-1]
    x = data.x.to_numpy()
    variance = sd[0] ** 2 + 2 * rho * sd[0] * sd[1] * x + sd[1] ** 2 * x**2 + sigma**2
    z = (y - fixed) / np.sqrt(variance)
    # 400 sets of six groups of ten rows that hang together.
    assert abs(z.mean()) < 4 / np.sqrt(2400)
    assert abs((z**2).mean() - 1) < 4 * np.sqrt(2 / 2400)
    # Rows of one group move together, rows of two do not.
    same, other = np.mean(z[:, 0] * z[:, 1]), np.mean(z[:, 0] * z[:, 11])
    between = sd[0] ** 2 + rho * sd[0] * sd[1] * (x[0] + x[1]) + sd[1] ** 2 * x[0] * x[1]
    assert same == pytest.approx(between / np.sqrt(variance[0] * variance[1]), abs=4 / 20)
    assert abs(other) < 4 / 20
    kept = np.stack([one.y for one in fit.simulate(400, seed=5)])
    assert kept.std(axis=0).mean() == pytest.approx(sigma, rel=0.03)
    np.testing.assert_allclose(kept.mean(axis=0), fit.predict(), atol=4.5 * sigma / 20)


def test_simulated_responses_are_in_the_words_of_the_data() -> None:
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": [f"g{i}" for i in rng.integers(0, 8, 80)], "n": rng.integers(2, 9, 80)})
    data["won"] = rng.binomial(data.n, 0.4)
    data["answer"] = rng.choice(["no", "yes"], 80)
    data["size"] = np.exp(rng.normal(size=80))
    counts = pf.lme("won / n ~ 1 + (1 | g)", data, family="binomial", seed=1, progress=QUIET).simulate(3)
    assert all(((one.won >= 0) & (one.won <= one.n)).all() and one.won.dtype.kind == "i" for one in counts)
    words = pf.lme("answer ~ 1 + (1 | g)", data, family="bernoulli", seed=1, progress=QUIET).simulate(3)
    assert set(words[0]["answer"]) == {"no", "yes"}
    logs = pf.lme("log(size) ~ 1 + (1 | g)", data, seed=1, progress=QUIET)
    for one in logs.simulate(2):
        assert (one["size"] > 0).all()
        refit = pf.lme("log(size) ~ 1 + (1 | g)", one, engine=pf.Point(), progress=QUIET)
        assert abs(refit.fixef["Intercept"] - logs.fixef["Intercept"]) < 1
    new = logs.simulate(1, pd.DataFrame({"g": ["g1", "nobody"]}))[0]
    assert new.columns.tolist() == ["g", "size"]


def test_the_same_seed_draws_the_same_data(fits: dict[str, pf.Fit]) -> None:
    one, other = fits["exact"].simulate(3), fits["exact"].simulate(3)
    for a, b in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(a, b)
    assert not one[0].equals(fits["exact"].simulate(3, seed=9)[0])
    assert not one[0].equals(one[1])


def test_an_unknown_level_of_a_common_factor_is_told_by_row(data: pd.DataFrame) -> None:
    fit = pf.lme("y ~ g + x", data, engine=pf.Exact(draws=100), seed=1, progress=QUIET)
    rows = pd.DataFrame({"x": 0.0, "g": ["g1", "g7", "g2"]})
    with pytest.raises(pf.DataError, match="g7") as caught:
        fit.predict(rows)
    assert "row 1" in caught.value.message
