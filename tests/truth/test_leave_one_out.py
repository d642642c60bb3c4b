"""Rows and levels left out of Gaussian models: against dense covariances, and against refits without each of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress
from probflow_nb.fit.leave_one_out import levels_left_out, units_of
from probflow_nb.inference.target import target
from probflow_nb.model.left_out import left_out

REFERENCE = json.loads((Path(__file__).parent / "reference" / "loo_sleepstudy.json").read_text())
RNG = np.random.default_rng(21)
N = 48
DATA = pd.DataFrame(
    {
        "y": RNG.normal(3.0, 2.0, N),
        "x": RNG.normal(size=N),
        "t": RNG.normal(2.0, 1.0, N),
        "g": RNG.choice(list("abcdefg"), N),
        "h": RNG.choice(list("uvw"), N),
        "w": RNG.uniform(0.5, 3.0, N),
        "o": RNG.normal(size=N),
    }
)
CROSSED = "y ~ x + (1 + x | g) + (1 + t | h) + (0 + t | g) + weights(w) + offset(o)"
TEXTS = {
    "crossed": CROSSED + "\nIntercept ~ Normal(1, 3)\nx ~ Normal(0.5, 2)",
    "one factor": "y ~ x + (x | g)\nIntercept ~ Normal(1, 3)\nx ~ Normal(0.5, 2)",
    "three columns": "y ~ x + (x + t | g)\nIntercept ~ Normal(1, 3)\nx ~ Normal(0.5, 2)",
    "no intercept": "y ~ 0 + x + (1 | h)\nx ~ Normal(0.5, 2)",
    "no groups": "y ~ x\nIntercept ~ Normal(1, 3)\nx ~ Normal(0.5, 2)",
    "no columns": "y ~ 0 + (1 | g) + (1 | h)",
}


def covariance(model: Any, values: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance (n, n) of y given the variance parameters, from the model's own arrays."""
    design = model.design
    prior = {"Intercept": (1.0, 3.0), "x": (0.5, 2.0)}
    mean = np.zeros(N) if design.offset is None else design.offset.copy()
    w = np.ones(N) if design.weights is None else design.weights
    V = np.diag(values["sigma"] ** 2 / w)
    for name, column in zip(design.column_names, design.X.T, strict=True):
        mean += prior[name][0] * column
        V += prior[name][1] ** 2 * np.outer(column, column)
    for group in design.groups:
        sd = np.array([values[f"sd({c} | {group.factor})"] for c in group.column_names])
        R = np.eye(len(sd))
        for i in range(len(sd)):
            for j in range(i):
                name = f"cor({group.column_names[j]}, {group.column_names[i]} | {group.factor})"
                R[i, j] = R[j, i] = values[name]
        same = group.index[:, None] == group.index
        V += np.where(same, group.z @ (R * np.outer(sd, sd)) @ group.z.T, 0.0)
    return mean, V


def log_density(y: np.ndarray, mean: np.ndarray, V: np.ndarray, rows: np.ndarray) -> float:
    return float(multivariate_normal.logpdf(y[rows], mean[rows], V[np.ix_(rows, rows)])) if len(rows) else 0.0


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_left_out_has_the_density_that_the_dense_covariance_gives(name: str) -> None:
    model = pf.prepare(TEXTS[name], DATA).model
    marginal = model.marginal
    theta = 0.5 * RNG.normal(size=(3, marginal.size))
    scalars = target(model).scalars(theta, np.zeros((3, marginal.n_common)))
    left = left_out(marginal, model.design)
    sets = [np.array([4]), np.array([0, 7, 8, 30]), *(np.flatnonzero(DATA["h"] == h) for h in "uvw")]
    rows, seen = left.rows(theta)
    of_sets = left.sets(theta, sets)
    of_levels = left.levels(theta)
    everything = np.arange(N)
    for s in range(3):
        values = dict(zip(model.scalar_names, scalars[s], strict=True))
        mean, V = covariance(model, values)
        y = model.design.y
        whole = log_density(y, mean, V, everything)

        def without(out: np.ndarray, whole: float = whole, mean: np.ndarray = mean, V: np.ndarray = V) -> float:
            return whole - log_density(model.design.y, mean, V, np.setdiff1d(everything, out))

        np.testing.assert_allclose(rows[s], [without(np.array([i])) for i in range(N)], rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(of_sets[s], [without(out) for out in sets], rtol=1e-8, atol=1e-8)
        levels = [np.flatnonzero(left.index == j) for j in range(int(left.index.max()) + 1)]
        np.testing.assert_allclose(of_levels[s], [without(out) for out in levels], rtol=1e-8, atol=1e-8)
        # A new response beside the one that was seen: the same mean and effects, a residual of its own.
        noise = np.diag(values["sigma"] ** 2 / left.weights)
        gain = (V - noise) @ np.linalg.inv(V)
        again, spread = mean + gain @ (y - mean), V - noise - gain @ (V - noise) + noise
        sd = np.sqrt(np.diag(spread))
        np.testing.assert_allclose(
            seen[s], -0.5 * ((y - again) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi), rtol=1e-7, atol=1e-7
        )


@pytest.fixture(scope="module")
def sleep() -> pf.Fit:
    data = pf.datasets.sleepstudy()
    return pf.lme(REFERENCE["text"], data, engine=pf.Exact(), seed=1, progress=NullProgress())


def test_rows_of_sleepstudy_are_predicted_as_by_180_refits(sleep: pf.Fit) -> None:
    found, truth = sleep.loo(), np.array(REFERENCE["rows"])
    assert found.elpd == pytest.approx(truth.sum(), abs=0.2)
    assert found.se == pytest.approx(np.sqrt(180 * truth.var(ddof=1)), rel=0.02)
    np.testing.assert_allclose(found.frame()["elpd"], truth, atol=0.05)
    assert found.frame()["khat"].max() < 0.5
    assert "the figures can be trusted" in repr(found)


def test_subjects_of_sleepstudy_are_predicted_as_by_18_refits(sleep: pf.Fit) -> None:
    found, truth = sleep.loo("Subject"), pd.Series(REFERENCE["subjects"])
    assert found.elpd == pytest.approx(truth.sum(), abs=0.2)
    assert list(found.frame().index) == list(truth.index)
    np.testing.assert_allclose(found.frame()["elpd"], truth, atol=0.12)
    assert list(found.frame().columns) == ["elpd", "khat"]


def test_rows_left_out_of_the_draws_agree_where_khat_is_good(sleep: pf.Fit) -> None:
    found, truth = sleep.loo(integrated=False).frame(), np.array(REFERENCE["rows"])
    good = (found["khat"] < 0.5).to_numpy()
    assert 170 < good.sum() < 180
    np.testing.assert_allclose(found["elpd"][good], truth[good], atol=0.12)
    error = (found["elpd"] - truth)[good]
    assert np.sqrt(np.mean(error**2)) < 0.025
    assert "cannot be trusted. Ask for loo() with the effects integrated out." in repr(sleep.loo(integrated=False))


def test_two_ways_of_leaving_levels_out_agree(sleep: pf.Fit) -> None:
    marginal, design = sleep.model.marginal, sleep.model.design
    left, theta = left_out(marginal, design), sleep.draws.origin.theta[:40]
    sets = [np.flatnonzero(design.groups[0].index == j) for j in range(18)]
    np.testing.assert_allclose(left.levels(theta), left.sets(theta, sets), rtol=1e-9)


# What a fit says ------------------------------------------------------------------------------------------------------


def test_a_kept_fit_leaves_out_alike(sleep: pf.Fit, tmp_path: Path) -> None:
    back = pf.load(sleep.save(tmp_path / "sleep.fit"))
    for a, b in ((sleep.loo(), back.loo()), (sleep.loo("Subject"), back.loo("Subject")), (sleep.waic(), back.waic())):
        pd.testing.assert_frame_equal(a.frame(), b.frame(), check_exact=True)
        assert repr(a) == repr(b)


@pytest.mark.parametrize("by", ["g", "h"])
def test_levels_of_crossed_factors_are_left_out_as_the_evidence_of_refits_says(by: str) -> None:
    text = (
        "y ~ x + (1 | g) + (1 | h)\nIntercept ~ Normal(1, 3)\nx ~ Normal(0.5, 2)\n"
        "sd(g) ~ HalfNormal(2)\nsd(h) ~ HalfNormal(2)\nsigma ~ HalfNormal(3)"
    )

    def fitted(data: pd.DataFrame) -> pf.Fit:
        return pf.lme(text, data, engine=pf.Exact(draws=8000), seed=4, progress=NullProgress())

    whole = fitted(DATA)
    found = whole.loo(by).frame()["elpd"]
    assert found.index.name == by
    assert list(found.index) == sorted(DATA[by].unique())
    for level in found.index[:2]:
        apart = fitted(DATA[DATA[by] != level])
        difference = float(whole.log_evidence) - float(apart.log_evidence)
        assert found[level] == pytest.approx(difference, abs=0.05)


def test_waic_and_a_family_are_told_as_tables() -> None:
    data = pf.datasets.cbpp()
    text = "incidence / size ~ period + (1 | herd)"
    fit = pf.lme(text, data, family="binomial", engine=pf.Laplace(draws=1000), seed=4, progress=NullProgress())
    loo, waic = fit.loo(), fit.waic()
    assert loo.elpd == pytest.approx(waic.elpd, abs=3.0)
    assert 5 < loo.p < 30
    assert repr(loo).splitlines()[0].split() == ["estimate", "se"]
    assert "56 rows, importance sampling of the draws." in repr(loo)
    assert "elpd_waic" in waic._repr_html_()
    with pytest.raises(pf.FitError, match="cannot be integrated out of its rows"):
        fit.loo(integrated=True)


@pytest.mark.parametrize(
    ("name", "text", "family", "factor", "levels"),
    [
        ("cbpp", "incidence / size ~ period + (1 | herd)", "binomial", "herd", ["1", "2", "8"]),
        ("epilepsy", "count ~ zBase * Trt + (1 | patient)", "poisson", "patient", ["1", "2", "30"]),
    ],
)
def test_levels_of_a_family_against_the_evidence_without_them(
    name: str, text: str, family: str, factor: str, levels: list[str]
) -> None:
    """log p(y_j | y_-j) = log p(y) - log p(y_-j), which two fits say under the same priors."""
    data = getattr(pf.datasets, name)()
    whole = pf.lme(text, data, family=family, seed=1, progress=NullProgress())
    # Where the intercept is centred moves with the rows; under a flat enough prior that does not matter.
    priors = "\n".join(f"{p.target.label} ~ {p.distribution.label}" for p in whole.spec.priors)
    found = whole.loo(factor).frame()
    assert len(found) == data[factor].nunique()
    for level in levels:
        rows = data[data[factor].astype(str) != level]
        without = pf.lme(f"{text}\n{priors}", rows, family=family, seed=2, progress=NullProgress())
        difference = float(whole.log_evidence) - float(without.log_evidence)
        assert found.loc[level, "khat"] < 0.6
        assert found.loc[level, "elpd"] == pytest.approx(difference, abs=0.12), level


def test_levels_of_another_factor_are_weighed_by_their_rows() -> None:
    data = pf.datasets.epilepsy()
    fits = {
        text: pf.lme(text, data, family="poisson", seed=1, progress=NullProgress())
        for text in ("count ~ Trt + (1 | patient)", "count ~ Trt")
    }
    grouped, plain = fits.values()
    found = levels_left_out(plain, units_of(grouped, "patient"))
    data = data.assign(patient=data["patient"].astype(str))
    priors = "\n".join(f"{p.target.label} ~ {p.distribution.label}" for p in plain.spec.priors)
    for level in ("1", "30", "50"):
        left = data["patient"] == level
        without = pf.lme(f"count ~ Trt\n{priors}", data[~left], family="poisson", seed=2, progress=NullProgress())
        of_draws = without.log_prob(data[left], data.loc[left, "count"], draws=True)
        expected = np.logaddexp.reduce(of_draws.sum(axis=1)) - np.log(len(of_draws))
        assert found.frame().loc[level, "elpd"] == pytest.approx(expected, abs=0.15), level
    # Patient 49, with counts in the hundreds, moves the common effects further than weights can follow.
    assert found.frame().loc["49", "khat"] > 0.7
    assert "khat is 0.7 or more for" in repr(found)
    elpd = pf.compare({"grouped": grouped, "plain": plain}, by="patient").frame()["elpd_loo"]
    assert elpd["grouped"] > elpd["plain"] + 50


def test_what_cannot_be_left_out_is_told(sleep: pf.Fit) -> None:
    draws = replace(sleep.draws, origin=None)
    drawn = replace(sleep, answer=replace(sleep.answer, draws=draws))
    assert drawn.loo().frame().equals(sleep.loo(integrated=False).frame())
    assert "cannot be trusted. Fit it with engine=Exact()" in repr(drawn.loo())
    # The draws say of levels what the closed form says, but for their Monte Carlo error.
    weighed = drawn.loo("Subject").frame()
    apart = (weighed["elpd"] - sleep.loo("Subject").frame()["elpd"]).abs()
    assert (weighed["khat"] < 0.5).sum() >= 14
    assert (apart[weighed["khat"] < 0.5] < 0.1).all()
    assert apart.median() < 0.03
    spread = pf.lme("Reaction ~ Days + (1 | Subject)\nsigma ~ Days", pf.datasets.sleepstudy(), progress=NullProgress())
    with pytest.raises(pf.FitError, match=r"cannot be left out of this model without a refit.\n.*of the mean alone"):
        levels_left_out(spread, units_of(sleep, "Subject"))
    with pytest.raises(pf.FitError, match=r"by names a grouping factor of the model, not 'Days'.\nIts factors are Sub"):
        sleep.loo("Days")
    with pytest.raises(pf.FitError, match="integrated is True, False or left out"):
        sleep.loo(integrated="yes")
    point = pf.lme("Reaction ~ Days + (1 | Subject)", pf.datasets.sleepstudy(), engine="point", progress=NullProgress())
    for ask in (point.loo, point.waic):
        with pytest.raises(pf.FitError, match="A point fit has no posterior"):
            ask()
