"""Figures that a fit's plots return: shown by a notebook without pyplot, with words, kept as plain Figures."""

from __future__ import annotations

import pickle
import re

import pytest
from IPython.core.formatters import DisplayFormatter

import probflow_nb as pf


@pytest.fixture(scope="module")
def fit() -> pf.Fit:
    return pf.lme("Reaction ~ Days + (Days | Subject)", pf.datasets.sleepstudy(), seed=1)


PLOTS = {
    "posterior": (lambda fit: fit.plot_posterior(["Days"]), r"Days: mean 10\.\d, 95% interval 7\.\d"),
    "ranef": (lambda fit: fit.plot_ranef(), r"lowest 309: -4\d"),
    "fit": (lambda fit: fit.plot_fit(groups=["308"]), r"Reaction along Days, .*; 308: from 25\d to 43\d"),
}


@pytest.mark.parametrize("name", PLOTS)
def test_a_notebook_shows_a_figure_with_words(fit: pf.Fit, name: str) -> None:
    make, words = PLOTS[name]
    figure = make(fit)
    data, _ = DisplayFormatter().format(figure)
    assert re.search(r'<img [^>]*src="data:image/png;base64,iVBOR', data["text/html"])
    alt = re.search(r'alt="([^"]*)"', data["text/html"])
    assert alt is not None
    assert re.search(words, alt[1]), alt[1]
    assert data["text/plain"] == figure.words


def test_a_model_without_a_covariate_is_described_too() -> None:
    figure = pf.lme("Yield ~ (1 | Batch)", pf.datasets.Dyestuff(), seed=1).plot_fit()
    sentence = r"Observed Yield against its fitted means, 30 rows; their correlation is (0\.\d\d)\."
    found = re.fullmatch(sentence, figure.words)
    assert found is not None, figure.words
    assert 0.4 < float(found[1]) < 0.9


def test_a_figure_turns_dark_with_the_page_unless_its_paper_is_its_own(fit: pf.Fit) -> None:
    figure = fit.plot_posterior(["Days"])
    shown = figure._repr_mimebundle_()["text/html"]
    assert 'class="pfnb-figure"' in shown
    assert "filter:invert" in shown
    figure.set_facecolor("#102030")
    assert 'class="pfnb-figure"' not in figure._repr_mimebundle_()["text/html"]


def test_a_figure_can_be_kept(fit: pf.Fit) -> None:
    from matplotlib.figure import Figure

    again = pickle.loads(pickle.dumps(fit.plot_posterior()))
    assert type(again) is Figure
    assert len(again.axes) == 6
