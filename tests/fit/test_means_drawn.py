"""Drawn marginal means, contrasts and slopes: against emmeans' numbers, closed forms and their own tables."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.errors import FitError

DATA = pf.datasets
REFERENCE = pd.read_csv(Path(__file__).parent / "reference" / "margins.csv")


def dots(figure: Any, panel: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the centres (m,) and the ends (m, 2) of every series of dots of a panel."""
    ax = figure.axes[panel]
    series = [line for line in ax.lines if line.get_marker() not in ("None", None)]
    spans = [np.array([s[:, 0] for s in c.get_segments()]) for c in ax.collections]
    return {str(line.get_label()): (np.asarray(line.get_xdata(), float), span)
            for line, span in zip(series, spans, strict=True)}  # fmt: skip


def curves(figure: Any, panel: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return x, y and the area between the ends of the band of every curve of a panel."""
    ax = figure.axes[panel]
    lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    found = {}
    for line, band in zip(lines, ax.collections, strict=True):
        x, y = (np.asarray(v, float) for v in line.get_data())
        points = band.get_paths()[0].vertices
        ends = np.array([[points[points[:, 0] == at, 1].min(), points[points[:, 0] == at, 1].max()] for at in x])
        found[str(line.get_label())] = (x, y, ends)
    return found


@pytest.fixture(scope="module")
def radon() -> pf.Fit:
    return pf.lme("log_radon ~ floor * log_uranium + (floor | county)", DATA.radon(), engine=pf.Point(reml=False))


@pytest.fixture(scope="module")
def use() -> pf.Fit:
    text = "use ~ age + I(age^2) + urban * livch + (1 | district)"
    return pf.lme(text, DATA.Contraception(), family="binomial", engine=pf.Point())


def test_dots_stand_at_the_means_of_emmeans(use: pf.Fit) -> None:
    found = dots(use.plot_means("livch", by="urban"))
    assert list(found) == ["urban = N", "urban = Y"]
    told = REFERENCE[(REFERENCE.case == "use") & (REFERENCE.question == "means livch by urban")]
    for i, level in enumerate("NY"):
        own = told[told.label.str.endswith(f"|{level}")]
        assert len(own) == 4
        centre, ends = list(found.values())[i]
        np.testing.assert_allclose(centre, own.estimate, rtol=1e-5)
        # glmer's own standard errors are 3e-4 from those of the exact Hessian.
        np.testing.assert_allclose(ends, own[["lower", "upper"]], atol=2e-3 * own.se.max())


def test_ratios_stand_on_a_scale_of_logarithms(use: pf.Fit) -> None:
    figure = use.plot_contrasts("livch", by="urban", scale="ratio")
    assert figure.axes[0].get_xscale() == "log"
    expected = use.contrasts("livch", by="urban", scale="ratio")
    both = np.concatenate([centre for centre, _ in dots(figure).values()])
    np.testing.assert_allclose(both, expected["estimate"])
    assert "odds ratio" in figure.words


def test_a_curve_of_means_is_a_line_with_the_error_of_a_line(radon: pf.Fit) -> None:
    """Of floor 0 the mean at u is b0 + u b_u, its variance that of the sum; the last end of x is the data's."""
    found = curves(radon.plot_means("log_uranium", by="floor"))
    V = np.asarray(radon.answer.covariance)
    names = list(radon.model.design.column_names)
    u = DATA.radon().log_uranium
    for i, label in enumerate(("floor = 0", "floor = 1")):
        x, y, ends = found[label]
        assert (x[0], x[-1]) == (u.min(), u.max())
        L = np.zeros((len(x), len(names)))
        L[:, names.index("Intercept")], L[:, names.index("log_uranium")] = 1.0, x
        L[:, names.index("floor")], L[:, names.index("floor:log_uranium")] = i, i * x
        np.testing.assert_allclose(y, L @ radon.fixef.to_numpy())
        error = 1.959964 * np.sqrt(np.einsum("mi,ij,mj->m", L, V, L))
        np.testing.assert_allclose(ends, np.stack([y - error, y + error], axis=1), rtol=1e-6)


def test_a_slope_along_the_other_column_of_an_interaction(radon: pf.Fit) -> None:
    x, y, ends = curves(radon.plot_slopes("floor", along="log_uranium"))["mean"]
    names, V = list(radon.model.design.column_names), np.asarray(radon.answer.covariance)
    a, c = names.index("floor"), names.index("floor:log_uranium")
    beta = radon.fixef.to_numpy()
    np.testing.assert_allclose(y, beta[a] + beta[c] * x, rtol=1e-6)
    error = 1.959964 * np.sqrt(V[a, a] + 2 * x * V[a, c] + x**2 * V[c, c])
    np.testing.assert_allclose(ends[:, 1] - ends[:, 0], 2 * error, rtol=1e-6)


def test_a_slope_along_itself_is_the_derivative_of_the_means(use: pf.Fit) -> None:
    """Averaged over the grid on the scale of the response: d/dx of a mean of inverse logits."""
    x, y, _ = curves(use.plot_slopes("age"))["mean"]
    step = 0.01
    for at, slope in zip(x[::8], y[::8], strict=True):
        ends = use.means(at={"age": [at - step, at + step], "livch": ["2"], "urban": ["Y"]}, specs="age")["estimate"]
        held = use.slopes("age", at={"age": at, "livch": ["2"], "urban": ["Y"]})["estimate"].iloc[0]
        assert held == pytest.approx((ends.iloc[1] - ends.iloc[0]) / (2 * step), rel=1e-4)
        assert slope == pytest.approx(use.slopes("age", at={"age": at})["estimate"].iloc[0], rel=1e-9)


def test_a_number_divides_the_picture_at_its_mean_and_one_sd(radon: pf.Fit) -> None:
    found = dots(radon.plot_means("floor", by="log_uranium"))
    u = DATA.radon().log_uranium
    values = [u.mean() - u.std(), u.mean(), u.mean() + u.std()]
    assert [label.replace("\u2212", "-") for label in found] == [f"log_uranium = {v:.3f}" for v in values]
    beta = dict(radon.fixef)
    expected = [beta["Intercept"] + v * beta["log_uranium"] for v in values]
    np.testing.assert_allclose([centre[0] for centre, _ in found.values()], expected)


def test_a_posterior_shows_its_own_quantiles() -> None:
    fit = pf.lme("Reaction ~ Days + (Days | Subject)", DATA.sleepstudy(), seed=1)
    x, y, ends = curves(fit.plot_means())["mean"]
    draws = fit.draws.flat("Intercept")[:, None] + fit.draws.flat("Days")[:, None] * x
    np.testing.assert_allclose(y, draws.mean(axis=0))
    np.testing.assert_allclose(ends, np.quantile(draws, [0.025, 0.975], axis=0).T)
    half = curves(fit.plot_means(interval=0.5))["mean"][2]
    np.testing.assert_allclose(half, np.quantile(draws, [0.25, 0.75], axis=0).T)


def test_many_levels_have_a_panel_each(use: pf.Fit) -> None:
    figure = use.plot_means("age", by=["urban", "livch"])
    assert len(figure.axes) == 8
    assert figure.axes[7].texts[0].get_text() == "urban = Y, livch = 3+"
    x = curves(figure, 7)["urban = Y, livch = 3+"][0]
    assert math.isclose(x[0], DATA.Contraception().age.min())


REFUSED: dict[str, tuple[str, tuple, dict[str, Any], str]] = {
    "unknown": ("plot_means", ("flor",), {}, 'no column "flor"'),
    "grouping": ("plot_means", ("county",), {}, "grouping factor"),
    "slope along a text": ("plot_slopes", ("floor",), {"along": "county"}, "grouping factor"),
    "ratio": ("plot_contrasts", ("floor",), {"scale": "ratio"}, "no ratio"),
    "scale": ("plot_means", (), {"scale": "odds"}, "no scale 'odds'"),
    "interval": ("plot_means", (), {"interval": 95}, "between 0 and 1"),
    "panels": ("plot_means", ("floor",), {"by": "log_uranium", "at": {"log_uranium": range(25)}}, "25 panels"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_drawn_is_said_in_a_sentence(radon: pf.Fit, case: str) -> None:
    name, asked, options, sentence = REFUSED[case]
    with pytest.raises(FitError, match=sentence):
        getattr(radon, name)(*asked, **options)
