"""Every plot of a fit: no words are cut or stand on each other, and each says what it shows; names of any length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import probflow_nb as pf

DATA = pf.datasets


def faults(figure: Any) -> list[tuple[str, str]]:
    """Return the texts that are not whole on the paper, and the pairs that stand on each other."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    texts = [t for t in figure.findobj(lambda a: hasattr(a, "get_text")) if t.get_text() and t.get_visible()]
    boxes = [(t.get_text(), t.get_window_extent(renderer).extents) for t in texts]
    width, height = figure.bbox.width, figure.bbox.height
    found = [
        (text, "cut") for text, (a, b, c, d) in boxes if a < -1 or b < -1 or c > width + 1 or d > height + 1
    ]  # fmt: skip
    for i, (text, (a, b, c, d)) in enumerate(boxes):
        for other, (e, f, g, h) in boxes[:i]:
            if min(c, g) - max(a, e) > 0.5 and min(d, h) - max(b, f) > 1.5:
                found.append((text, other))
    return found


def named() -> pf.Fit:
    """Return a fit whose names and numbers are long."""
    d = DATA.sleepstudy()
    d = d.assign(
        a_rather_long_response_name=d.Reaction * 1e4,
        a_covariate_of_some_length=d.Days * 1e-5,
        arm=["the first arm of the trial", "control with $ and _", "c"] * 60,
        participant="subject identified by " + d.Subject.astype(str),
    )
    text = "a_rather_long_response_name ~ a_covariate_of_some_length * arm + (a_covariate_of_some_length | participant)"
    return pf.lme(text, d, engine=pf.Point())


@pytest.fixture(scope="module")
def fits() -> dict[str, pf.Fit]:
    return {
        "sleep": pf.lme("Reaction ~ Days + (Days | Subject)", DATA.sleepstudy(), seed=1),
        "named": named(),
        "counts": pf.lme(
            "count ~ zBase * Trt + zAge + (1 | patient)", DATA.epilepsy(), family="poisson", engine=pf.Point()
        ),
        "use": pf.lme(
            "use ~ age + urban * livch + (1 | district)", DATA.Contraception(), family="binomial", engine=pf.Point()
        ),
    }


PLOTS: dict[str, Callable[[pf.Fit], Any]] = {
    "sleep posterior": lambda f: f.plot_posterior(),
    "sleep prior": lambda f: f.plot_prior_posterior(),
    "sleep influence": lambda f: f.plot_influence(),
    "sleep calibration": lambda f: f.plot_calibration(),
    "named ranef": lambda f: f.plot_ranef(),
    "named fit": lambda f: f.plot_fit(),
    "named ppc by": lambda f: f.plot_ppc(by="participant"),
    "named residuals": lambda f: f.plot_residuals(),
    "named shrinkage": lambda f: f.plot_shrinkage(),
    "named trellis": lambda f: f.plot_trellis(),
    "named trellis of one": lambda f: f.plot_trellis(n=1),
    "named means": lambda f: f.plot_means("arm"),
    "named curves": lambda f: f.plot_means(by="arm"),
    "named slopes": lambda f: f.plot_slopes("a_covariate_of_some_length", by="arm"),
    "counts ppc": lambda f: f.plot_ppc(),
    "counts ppc by": lambda f: f.plot_ppc(by="patient"),
    "counts prior": lambda f: f.plot_ppc(prior=True, draws=100),
    "counts statistic": lambda f: f.plot_ppc(statistic="mean", by="patient", draws=100),
    "counts shrinkage": lambda f: f.plot_shrinkage(),
    "use shrinkage": lambda f: f.plot_shrinkage(),
    "use ratios": lambda f: f.plot_contrasts("livch", by="urban", scale="ratio"),
    "use panels": lambda f: f.plot_means("age", by=["urban", "livch"]),
    "use trellis": lambda f: f.plot_trellis(n=24),
}


@pytest.mark.parametrize("name", PLOTS)
def test_no_words_are_cut_or_stand_on_each_other(fits: dict[str, pf.Fit], name: str) -> None:
    figure = PLOTS[name](fits[name.split()[0]])
    assert faults(figure) == []
    assert len(figure.words) > 60
    assert figure.words.endswith(".")


def test_the_prior_of_counts_is_drawn_where_the_data_are(fits: dict[str, pf.Fit]) -> None:
    figure = fits["counts"].plot_ppc(prior=True, draws=100)
    names = [label.get_text() for label in figure.axes[0].get_xticklabels() if label.get_text()]
    assert names[-1] == "300+"  # three times the largest count, 102


def test_levels_with_as_many_rows_stand_in_their_order(fits: dict[str, pf.Fit]) -> None:
    figure = fits["counts"].plot_shrinkage()
    multilevel = next(line for line in figure.axes[0].lines if len(line.get_xdata()) == 59)
    assert sorted(np.asarray(multilevel.get_xdata(), float)) == list(range(59))
    assert any("4 rows each" in text.get_text() for text in figure.texts)


def test_sizes_of_studies_are_marked_where_they_were_tried() -> None:
    from probflow_nb.display.power_figure import PowerCurve, power_figure

    def marks(sizes: list[int]) -> list[str]:
        half = np.full(len(sizes), 0.5)
        curve = PowerCurve("", np.array(sizes, float), half, half - 0.1, half + 0.1)
        figure = power_figure([curve], "Subject", "Power to find Days above 0")
        assert faults(figure) == []
        return [label.get_text() for label in figure.axes[0].get_xticklabels()]

    assert marks([6, 12, 18, 24]) == ["6", "12", "18", "24"]
    many = marks(list(range(2, 90)))
    assert 3 < len(many) < 12
    assert all("." not in mark for mark in many)


def test_replicates_of_very_many_rows_are_fewer_and_the_picture_says_how_many() -> None:
    from probflow_nb.fit.replicated_picture import affordable

    assert [affordable(n) for n in (1, 180, 30_000, 73_421, 10_000_000)] == [1000, 1000, 1000, 408, 200]
    d = pf.datasets.Dyestuff()
    many = pf.lme("Yield ~ (1 | Batch)", d.loc[d.index.repeat(2000)], engine=pf.Point())
    assert "500 replicates" in many.plot_ppc(statistic="mean").words
