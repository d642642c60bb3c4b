"""New levels of known factors: their population's covariance, what they share, and what other rows change."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress
from probflow_nb.predict.levels import root

DRAWS = 1000


@pytest.fixture(scope="module")
def sleep() -> pf.Fit:
    engine = pf.Exact(draws=DRAWS)
    return pf.lme("Reaction ~ Days + (Days | Subject)", pf.datasets.sleepstudy(), engine=engine, seed=1)


@pytest.fixture(scope="module")
def nested() -> pf.Fit:
    rng = np.random.default_rng(4)
    g, h = np.repeat([f"g{i}" for i in range(8)], 20), np.tile(np.repeat([f"h{i}" for i in range(5)], 4), 8)
    effect = np.repeat(rng.normal(size=8) * 3, 20) + np.repeat(rng.normal(size=40) * 0.3, 4)
    data = pd.DataFrame({"y": 5 + effect + rng.normal(size=160) * 0.2, "g": g, "h": h})
    return pf.lme("y ~ 1 + (1 | g / h)", data, engine=pf.Exact(draws=DRAWS), seed=1, progress=NullProgress())


def test_new_levels_have_the_covariance_of_their_draw(sleep: pf.Fit) -> None:
    names = [f"new {i}" for i in range(60)]
    at_0 = sleep.predict(pd.DataFrame({"Days": 0.0, "Subject": names}), draws=True).to_numpy()
    at_1 = sleep.predict(pd.DataFrame({"Days": 1.0, "Subject": names}), draws=True).to_numpy()
    intercept, slope = (sleep.draws.flat(name)[:, None] for name in ("Intercept", "Days"))
    b = np.stack([at_0 - intercept, at_1 - at_0 - slope], axis=-1)
    sd = np.stack([sleep.draws.flat(f"sd({name} | Subject)") for name in ("Intercept", "Days")], axis=-1)
    rho = sleep.draws.flat("cor(Intercept, Days | Subject)")
    # Whitened by hand with each draw's own sds and correlation, 60,000 pairs are standard normal and independent.
    first = b[..., 0] / sd[:, None, 0]
    second = (b[..., 1] / sd[:, None, 1] - rho[:, None] * first) / np.sqrt(1 - rho[:, None] ** 2)
    count = first.size
    for z in (first, second):
        assert abs(z.mean()) < 4 / np.sqrt(count)
        assert abs(z.std() - 1) < 4 / np.sqrt(2 * count)
        assert abs((z**4).mean() - 3) < 4 * np.sqrt(96 / count)
    assert abs(np.mean(first * second)) < 4 / np.sqrt(count)
    # Neither two levels nor two draws have anything in common.
    assert abs(np.mean(first[:, 1:] * first[:, :-1])) < 4 / np.sqrt(count)
    assert abs(np.mean(first[1:] * first[:-1])) < 4 / np.sqrt(count)


def test_rows_of_one_level_share_its_effects(sleep: pf.Fit) -> None:
    rows = pd.DataFrame({"Days": [0.0, 3.0, 6.0], "Subject": "new"})
    drawn = sleep.predict(rows, draws=True).to_numpy()
    # Three points of one line in every draw.
    np.testing.assert_allclose(drawn[:, 1] - drawn[:, 0], drawn[:, 2] - drawn[:, 1], rtol=1e-9)


def test_a_level_does_not_depend_on_other_rows_but_on_the_seed(sleep: pf.Fit) -> None:
    one = pd.DataFrame({"Days": [3.0], "Subject": "new"})
    others = pd.DataFrame({"Days": [1.0, 3.0, 3.0], "Subject": ["308", "another", "new"]})
    alone = sleep.predict(one, draws=True).to_numpy()[:, 0]
    np.testing.assert_allclose(sleep.predict(others, draws=True).to_numpy()[:, 2], alone, rtol=1e-12)
    assert np.abs(sleep.predict(others, draws=True).to_numpy()[:, 1] - alone).mean() > 5
    assert np.abs(sleep.predict(one, draws=True, seed=9).to_numpy()[:, 0] - alone).mean() > 5


def test_the_mean_of_a_gaussian_is_that_of_the_centre(sleep: pf.Fit) -> None:
    rows = pd.DataFrame({"Days": [0.0, 9.0], "Subject": "new"})
    for kind in ("mean", "response", "link"):
        np.testing.assert_array_equal(sleep.predict(rows, kind), sleep.predict(rows, new_levels="zero"))
    np.testing.assert_allclose(sleep.predict(rows), sleep.predict(rows, groups="none"), rtol=1e-12)
    sampled, centre = (sleep.predict(rows, interval=0.9, new_levels=new) for new in ("sample", "zero"))
    assert (sampled["q95"] - sampled["q5"] > 2 * (centre["q95"] - centre["q5"])).all()


def test_a_new_level_within_a_known_one_keeps_its_effect(nested: pf.Fit) -> None:
    rows = pd.DataFrame({"g": ["g1", "g1", "g1", "new"], "h": ["h0", "h9", "h8", "h0"]})
    drawn = nested.predict(rows, draws=True).to_numpy()
    known = nested.draws.flat("Intercept") + nested.draws["b[g]"].reshape(DRAWS, 8)[:, 1]
    sd = {name: nested.draws.flat(f"sd(Intercept | {name})") for name in ("g", "g:h")}
    for column in (1, 2):
        z = (drawn[:, column] - known) / sd["g:h"]
        assert abs(z.mean()) < 4 / np.sqrt(DRAWS)
        assert abs(z.std() - 1) < 4 / np.sqrt(2 * DRAWS)
    both = (drawn[:, 3] - nested.draws.flat("Intercept")) / np.hypot(sd["g"], sd["g:h"])
    assert abs(both.std() - 1) < 4 / np.sqrt(2 * DRAWS)
    assert abs(np.corrcoef(drawn[:, 1] - known, drawn[:, 2] - known)[0, 1]) < 4 / np.sqrt(DRAWS)
    # Without the terms of g:h all rows of g1 are one.
    assert nested.predict(rows.iloc[:3], groups="g").nunique() == 1


def test_a_family_is_averaged_over_its_population() -> None:
    fit = pf.lme("incidence / size ~ period + (1 | herd)", pf.datasets.cbpp(), family="binomial", seed=1)
    row = pd.DataFrame({"period": ["1"], "herd": "new", "size": 10})
    p = fit.predict(row, scale="probability")
    eta = fit.predict(row, "link", draws=True).to_numpy()[:, 0]
    assert p.iloc[0] == pytest.approx(np.mean(1 / (1 + np.exp(-eta))), rel=1e-9)
    # By quadrature over the population of each draw.
    z, weight = np.polynomial.hermite_e.hermegauss(30)
    b = fit.draws.flat("Intercept")[:, None] + fit.draws.flat("sd(Intercept | herd)")[:, None] * z
    exact = ((1 / (1 + np.exp(-b))) @ weight / weight.sum()).mean()
    spread = np.std(1 / (1 + np.exp(-eta))) / np.sqrt(len(eta))
    assert abs(p.iloc[0] - exact) < 4 * spread
    assert fit.predict(row, scale="probability", new_levels="zero").iloc[0] < exact - 8 * spread


def test_a_singular_correlation_has_a_root() -> None:
    R = np.array([[[1.0, 1.0, 0.5], [1.0, 1.0, 0.5], [0.5, 0.5, 1.0]], np.eye(3)])
    np.testing.assert_allclose(root(R) @ root(R).transpose(0, 2, 1), R, atol=1e-7)


REFUSED = {
    "new levels": (
        lambda f, d: f.predict(d.assign(Subject=["308", "999", "998"]), new_levels="error"),
        "The fit has not seen the levels 999, 998 of Subject, the first in row 1",
    ),
    "a word": (lambda f, d: f.predict(d, new_levels="mean"), "New levels cannot be 'mean'."),
    "a factor": (lambda f, d: f.predict(d, groups="Days"), 'The model has no grouping factor "Days".'),
    "a number": (lambda f, d: f.predict(d, groups=3), 'groups is "all", "none" or a list of grouping factors, not 3.'),
    "a list of numbers": (lambda f, d: f.predict(d, groups=[3]), 'groups is "all", "none" or a list of grouping'),
    "a kind": (lambda f, d: f.predict(d, kind="odds"), "There is nothing to predict of the kind 'odds'."),
    "two frames": (lambda f, d: f.predict(d, newdata=d), "x and newdata are two names of the same rows."),
    "interval and draws": (lambda f, d: f.predict(d, interval=0.9, draws=True), "A frame has intervals or draws"),
    "residuals": (lambda f, d: f.residuals(d, [1.0, 2, 3], kind="student"), "There are no residuals of the kind"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_predicted(sleep: pf.Fit, case: str) -> None:
    question, sentence = REFUSED[case]
    with pytest.raises(pf.FitError) as caught:
        question(sleep, pd.DataFrame({"Days": [0.0, 1.0, 2.0], "Subject": "308"}))
    assert caught.value.message.startswith(sentence)
    assert caught.value.hint
