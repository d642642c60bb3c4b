"""The trellis of levels: its three lines against regressions by hand, and sentences for what cannot be drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from scipy.special import expit

import probflow_nb as pf
from probflow_nb.errors import FitError

DATA = pf.datasets


def lines(figure: Any, i: int) -> dict[str, np.ndarray]:
    """Return x and the curves of panel i by their labels."""
    found = {line.get_label(): np.asarray(line.get_ydata(), float) for line in figure.axes[i].lines}
    mean = next(line for line in figure.axes[i].lines if line.get_label() == "mean")
    return found | {"x": np.asarray(mean.get_xdata(), float)}


def titles(figure: Any) -> list[str]:
    return [ax.texts[next(i for i, t in enumerate(ax.texts) if t.get_text().startswith("n = ")) - 1].get_text()
            for ax in figure.axes]  # fmt: skip


@pytest.fixture(scope="module")
def sleep() -> pf.Fit:
    return pf.lme("Reaction ~ Days + (Days | Subject)", DATA.sleepstudy(), seed=1)


def logistic(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the maximum of the likelihood of a logistic regression, by scipy."""
    found = optimize.minimize(
        lambda b: np.sum(np.logaddexp(0, X @ b) - y * (X @ b)), np.zeros(X.shape[1]), method="BFGS",
        jac=lambda b: X.T @ (expit(X @ b) - y), options={"gtol": 1e-9},
    )  # fmt: skip
    return np.asarray(found.x)


def test_lines_of_sleepstudy_are_those_of_regressions(sleep: pf.Fit) -> None:
    data = DATA.sleepstudy()
    figure = sleep.plot_trellis(groups=["309", "337"])
    for i, subject in enumerate(("309", "337")):
        found, own = lines(figure, i), data[data.Subject.astype(str) == subject]
        np.testing.assert_allclose(found["no pooling"], np.polyval(np.polyfit(own.Days, own.Reaction, 1), found["x"]))
        both = np.polyval(np.polyfit(data.Days, data.Reaction, 1), found["x"])
        np.testing.assert_allclose(found["complete pooling"], both)
        rows = pd.DataFrame({"Days": found["x"], "Subject": subject})
        expected = sleep.predict(rows)
        np.testing.assert_allclose(found["mean"], expected.iloc[:, 0] if expected.ndim > 1 else expected, rtol=1e-9)


def test_levels_are_spread_over_the_estimates(sleep: pf.Fit) -> None:
    figure = sleep.plot_trellis(n=5)
    effects = sleep.ranef["Subject"]
    middle = (effects.iloc[:, 0] + 4.5 * effects.iloc[:, 1]).sort_values()
    assert titles(figure) == [str(middle.index[i]) for i in (0, 4, 8, 13, 17)]
    assert "5 of 18 levels of Subject, spread over the estimates" in figure.words
    assert titles(sleep.plot_trellis(n=1)) == [str(middle.index[9])]
    assert len(sleep.plot_trellis(n=24).axes) == 18


def test_an_intercept_of_its_own_keeps_the_slope_of_all() -> None:
    data = DATA.sleepstudy()
    fit = pf.lme("Reaction ~ Days + (1 | Subject)", data, engine=pf.Point())
    found = lines(fit.plot_trellis(groups="335"), 0)
    own = data[data.Subject.astype(str) == "335"]
    slope = float(fit.fixef["Days"])
    expected = own.Reaction.mean() + slope * (found["x"] - own.Days.mean())
    np.testing.assert_allclose(found["no pooling"], expected)


def test_lines_of_a_family_are_those_of_its_regressions() -> None:
    data = DATA.Contraception()
    fit = pf.lme("use ~ age + urban + (age | district)", data, family="binomial", engine=pf.Point())
    y, urban, age = (data.use == "Y").to_numpy(float), (data.urban == "Y").to_numpy(float), data.age.to_numpy(float)
    pooled = logistic(np.stack([np.ones(len(y)), age, urban], axis=1), y)
    figure = fit.plot_trellis(groups=["30", "52"])
    for i, district in enumerate(("30", "52")):
        found, held = lines(figure, i), (data.district.astype(str) == district).to_numpy()
        # The line is drawn for the most common of the district's places, the rest of the effects as fitted.
        place = float(np.bincount(urban[held].astype(int)).argmax())
        np.testing.assert_allclose(
            found["complete pooling"], expit(pooled[0] + pooled[1] * found["x"] + pooled[2] * place), rtol=1e-6
        )
        offset = float(fit.fixef["urban[Y]"]) * urban[held]
        X = np.stack([np.ones(held.sum()), age[held]], axis=1)
        own = optimize.minimize(
            lambda b, X=X, o=offset, y=y[held]: np.sum(np.logaddexp(0, X @ b + o) - y * (X @ b + o)), np.zeros(2),
            jac=lambda b, X=X, o=offset, y=y[held]: X.T @ (expit(X @ b + o) - y), options={"gtol": 1e-9},
        ).x  # fmt: skip
        eta = own[0] + own[1] * found["x"] + float(fit.fixef["urban[Y]"]) * place
        np.testing.assert_allclose(found["no pooling"], expit(eta), rtol=1e-6)


def test_a_level_that_tells_nothing_by_itself_has_no_line_of_its_own() -> None:
    data = DATA.Contraception()
    fit = pf.lme("use ~ age + (1 | district)", data, family="binomial", engine=pf.Point())
    figure = fit.plot_trellis(groups=["11"])  # nobody there uses any
    assert np.isnan(lines(figure, 0)["no pooling"]).all()
    assert "11, 21 rows: no pooling not told by its rows, complete" in figure.words


def test_large_responses_have_lines_of_their_own() -> None:
    """An identity link of a family, and a log link far from 0: an own estimate is far only from the data's place."""
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"g": np.repeat([f"g{j}" for j in range(8)], 12), "x": np.tile(np.arange(12.0), 8)})
    d["y"] = np.exp(16 + 0.1 * d.x + np.repeat(rng.normal(0, 0.5, 8), 12) + rng.normal(0, 0.1, 96))
    gamma = pf.lme("y ~ x + (1 | g)", d, family="gamma", engine=pf.Point())
    found = lines(gamma.plot_trellis(groups=["g3"]), 0)
    np.testing.assert_allclose(np.log(found["no pooling"] / found["mean"]), 0.0, atol=0.1)
    student = pf.lme("y ~ x + (1 | g)", d.assign(y=np.log(d.y) * 30), family="student", engine=pf.Point())
    found = lines(student.plot_trellis(groups=["g3"]), 0)
    np.testing.assert_allclose(found["no pooling"], found["mean"], rtol=0.01)


def test_lines_run_along_what_varies_within_levels() -> None:
    d = DATA.epilepsy()
    d["week"] = 2.0 * d.visit.astype(int)
    fit = pf.lme("count ~ zBase + week + (1 | patient)", d, family="poisson", engine=pf.Point())
    assert "along week with" in fit.plot_trellis().words


REFUSED: dict[str, tuple[Callable[[], pf.Fit], dict[str, Any], str]] = {
    "no covariate": (lambda: pf.lme("Yield ~ (1 | Batch)", DATA.Dyestuff(), engine=pf.Point()), {},
                     "no numeric covariate"),
    "no groups": (lambda: pf.lme("Reaction ~ Days", DATA.sleepstudy()), {}, "levels of a group term"),
    "no group term": (
        lambda: pf.lme("log_radon ~ floor + log_uranium + (1 | county)", DATA.radon(), engine=pf.Point()),
        {"by": "floor"}, "floor is no factor",
    ),
    "unknown level": (lambda: pf.lme("Reaction ~ Days + (1 | Subject)", DATA.sleepstudy(), engine=pf.Point()),
                      {"groups": ["1"]}, 'has no level "1"'),
    "too many": (lambda: pf.lme("Reaction ~ Days + (1 | Subject)", DATA.sleepstudy(), engine=pf.Point()),
                 {"n": 25}, "room for 24"),
    "none": (lambda: pf.lme("Reaction ~ Days + (1 | Subject)", DATA.sleepstudy(), engine=pf.Point()),
             {"groups": []}, "No groups"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_drawn_is_said_in_a_sentence(case: str) -> None:
    make, asked, sentence = REFUSED[case]
    with pytest.raises(FitError, match=sentence):
        make().plot_trellis(**asked)
