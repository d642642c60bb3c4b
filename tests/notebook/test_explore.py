"""What the sliders and the Fit tab answer, without a page: numbers of the fit, bounded messages, sentences."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.notebook.walk import curve_view
from probflow_nb.notebook.walk.explore import Explore, in_words

HOSTILE = [
    '<img src=x onerror="window.__owned=1">',
    "</style><script>window.__owned=1</script>",
    "\u202ex",
    "z" * 10_000,
]


@pytest.fixture(scope="module")
def sleep() -> pf.Fit:
    return pf.lme("Reaction ~ Days + (Days | Subject)", pf.datasets.sleepstudy(), seed=1)


@pytest.fixture(scope="module")
def large() -> pf.Fit:
    """Return a fit with 3,000 levels."""
    rng = np.random.default_rng(5)
    d = pd.DataFrame({"g": np.repeat([f"level {i}" for i in range(3000)], 3), "x": rng.normal(size=9000)})
    d["y"] = 0.5 * d.x + np.repeat(rng.normal(size=3000), 3) + rng.normal(size=9000)
    return pf.lme("y ~ x + (1 | g)", d, seed=1)


class Page:
    """Stands for the page: asks a widget and keeps what it answers."""

    def __init__(self, widget: Explore) -> None:
        self.widget = widget
        self.answers: list[tuple[dict[str, Any], list[bytes]]] = []
        widget.send = lambda content, buffers=None: self.answers.append((content, buffers or []))

    def ask(self, **question: Any) -> tuple[dict[str, Any], list[np.ndarray]]:
        self.widget._heard(self.widget, {"id": "7", **question}, [])
        content, buffers = self.answers.pop()
        assert content["id"] == "7"
        json.dumps(content)
        return content["content"], [np.frombuffer(b, "<f8") for b in buffers]


@pytest.fixture
def page(sleep: pf.Fit) -> Page:
    return Page(Explore(sleep))


def test_a_point_is_answered_with_the_fits_own_numbers(page: Page, sleep: pf.Fit) -> None:
    found, arrays = page.ask(kind="at", numbers=[7], levels=[1], along=0, value=300, curve=True)
    new = pd.DataFrame({"Days": [7], "Subject": ["309"]})
    assert found["mean"] == sleep.predict(new).iloc[0]
    assert found["meanInterval"] == pytest.approx(tuple(sleep.epistemic_interval(new).iloc[0]), rel=1e-12)
    x, fresh, mean_x, mean_density, along, mean, mean_low, _, new_low, new_high, data_x, data_y = arrays
    assert len(x) == len(fresh)
    assert len(mean_x) == len(mean_density)
    curve = sleep.curves.curve("Days", {"Subject": "309"})
    np.testing.assert_array_equal(along, curve.x)
    np.testing.assert_array_equal(mean, curve.mean[0])
    np.testing.assert_array_equal(mean_low, curve.mean_band[0, 0])
    np.testing.assert_array_equal([new_low, new_high], curve.new_band[0])
    own = pf.datasets.sleepstudy().query("Subject == '309'")
    np.testing.assert_array_equal([data_x, data_y], [own.Days, own.Reaction])
    assert page.widget.point == {"numbers": [7.0], "levels": [1], "names": ["309"], "along": 0, "value": 300.0}


def test_the_curve_is_sent_only_when_it_is_asked_for(page: Page) -> None:
    found, arrays = page.ask(kind="at", numbers=[7], levels=[-1], along=0, value=None, curve=False)
    assert (found["curve"], found["above"], len(arrays)) == (False, None, 4)


WRONG = {
    "too few numbers": ({"numbers": [], "levels": [-1]}, "A point has 1 numbers."),
    "no levels": ({"numbers": [1], "levels": None}, "A point has 1 levels."),
    "a place beyond the levels": ({"numbers": [1], "levels": [18]}, "There is no level of Subject 18"),
    "a place before them": ({"numbers": [1], "levels": [-2]}, "There is no level of Subject -2"),
    "text": ({"numbers": ["a"], "levels": [0]}, "Days is moved to a number"),
    "another curve": ({"numbers": [1], "levels": [0], "along": 3}, "There is no along 3"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_a_page_never_asks_gets_a_sentence(case: str, page: Page) -> None:
    question, sentence = WRONG[case]
    before = page.widget.point
    found, _ = page.ask(kind="at", **question)
    assert sentence in found["fault"]
    assert page.widget.point == before


def test_messages_of_other_kinds_are_passed_over(page: Page) -> None:
    for content in ({"kind": "else"}, "text", None):
        page.widget._heard(page.widget, content, [])
    assert page.answers == []


def test_a_large_factor_is_searched_and_not_listed(large: pf.Fit) -> None:
    page = Page(Explore(large))
    factor = page.widget.scene["factors"][0]
    assert (factor["count"], factor["levels"], factor["typical"]) == (3000, [], True)
    assert len(json.dumps(page.widget.scene)) < 2000
    found, _ = page.ask(kind="find", factor=0, text="2999")
    assert found["names"] == ["level 2999"]
    at = found["at"][0]
    answer, arrays = page.ask(kind="at", numbers=[0.5], levels=[at], along=0, value=None, curve=True)
    new = pd.DataFrame({"x": [0.5], "g": ["level 2999"]})
    assert answer["mean"] == large.predict(new).iloc[0]
    assert sum(a.nbytes for a in arrays) < 40_000


def test_a_search_finds_beginnings_first() -> None:
    assert curve_view.find(["ba", "ab", "AC", "bab"], "a", 10) == [1, 2, 0, 3]
    assert curve_view.find([str(i) for i in range(3000)], "1", 5) == [1, 10, 11, 12, 13]


def test_the_fit_tab_sends_curves_of_a_sample(large: pf.Fit, sleep: pf.Fit) -> None:
    content, buffers = curve_view.answer(large, {})
    assert len(content["names"]) == 12
    assert content["names"][0] == "level 0"
    assert content["factors"] == [{"name": "g", "levels": 3000}]
    for question in ({}, {"overlaid": True}):
        content, buffers = curve_view.answer(large, question)
        json.dumps(content)
        assert sum(map(len, buffers)) + len(json.dumps(content)) < 200_000
    assert len(content["names"]) == 60
    content, buffers = curve_view.answer(sleep, {"levels": [3, 0]})
    x, mean, _, _, low, high, data_x, _ = (np.frombuffer(b, "<f8") for b in buffers)
    assert content["names"] == ["330", "308"]
    new = pd.DataFrame({"Days": np.tile(x, 2), "Subject": np.repeat(["330", "308"], len(x))})
    np.testing.assert_array_equal(mean, sleep.predict(new))
    assert (low < mean).all()
    assert (mean < high).all()
    assert content["drawn"] == [10, 10]
    assert len(data_x) == 20


@pytest.mark.parametrize("levels", [[], [18], list(range(13)), "0", [0.5]])
def test_the_fit_tab_refuses_levels_that_are_not_there(levels: Any, sleep: pf.Fit) -> None:
    with pytest.raises(pf.UsageError):
        curve_view.answer(sleep, {"levels": levels})


def test_the_static_form_says_the_numbers_and_escapes_names() -> None:
    d = pd.DataFrame({"<b>x</b>": np.tile(np.arange(8.0), 4), "g": np.repeat(HOSTILE, 8)})
    d["y"] = np.random.default_rng(0).normal(size=32)
    fit = pf.lme("y ~ `<b>x</b>` + (1 | g)", d, seed=1)
    widget = Explore(fit, {"g": HOSTILE[0]})
    bundle = widget._static()
    assert in_words(fit.curves.at({"g": HOSTILE[0]})) in bundle["text/plain"]
    html = bundle["text/html"]
    for word in ("<b>x", "<img src=x", "<script", 'onerror="'):
        assert word not in html
    assert html.count("<img ") == html.count("<img class=") == 1
    assert 'alt="Predicted distribution.' in html
    assert len(html) < 120_000
    page = Page(widget)
    assert page.widget.scene["factors"][0]["levels"][0].startswith("<")
    assert all(len(name) <= 60 for name in widget.scene["factors"][0]["levels"])


def test_a_model_with_nothing_to_move_says_so() -> None:
    fit = pf.lme("y ~ 1", {"y": np.random.default_rng(0).normal(size=30)}, seed=1)
    with pytest.raises(pf.FitError, match="nothing to move"):
        Explore(fit)


def test_words_of_a_prediction(sleep: pf.Fit) -> None:
    found = sleep.curves.at({"Days": 4})
    assert in_words(found) == "Mean 293, 95% from 274 to 311; 95% of a new response from 239 to 347."
