"""Whatever a page sends, a widget answers with a sentence or not at all, and serves the next message."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

import probflow_nb as pf
from probflow_nb import datasets
from probflow_nb.notebook.cell.training import Training
from probflow_nb.notebook.message import identity, opened, text
from probflow_nb.notebook.panel.panel import Panel
from probflow_nb.notebook.walk.explore import Explore
from probflow_nb.notebook.walk.tabs import TABS
from probflow_nb.notebook.walk.walk import Walk

LONG, DIGITS = "x" * 1_000_000, "9" * 5000
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 10**400, 0.5, 1e308, math.nan, math.inf, -math.inf),
    *("", " ", "1", "-0", "nan", "1e999", "\u0663", "\x00", "\ud800", DIGITS, LONG),
    *([], [[1]], [None, None], [True, False], [0, 10**400], [0.5, 1], ["a", {}], {}, {"a": 1}, {"": [{}]}),
)
MOST = 2000  # characters of what a widget says of a fault


class Seconded(Training):
    """A training that is asked everything and begins nothing."""

    asked = 0

    def start(self, **options: Any) -> None:
        self.asked += 1

    def more(self, **more: Any) -> None:
        assert self.fit is not None
        self.fit.further(**more)
        self.asked += 1


@pytest.fixture(scope="module")
def fit() -> pf.Fit:
    return pf.lme("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy(), seed=1)


@pytest.fixture
def panel(fit, monkeypatch) -> Panel:
    # The form beside the notebook is another's matter.
    monkeypatch.setattr(Panel, "_offer", lambda self: None)
    training = Seconded(lambda: pf.prepare("y ~ 1", {"y": [1.0, 2.0]}), "m")
    training.fit = fit
    return Panel(training)


def said(widget: Any, message: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Send a message as a page does, without the net that ipywidgets spreads; return what was answered."""
    answers: list[dict[str, Any]] = []
    monkeypatch.setattr(widget, "send", lambda content, buffers=None: answers.append(content))
    for heard in widget._msg_callbacks.callbacks:
        heard(widget, message, [])
    for answer in answers:
        json.dumps(answer, allow_nan=False)
        assert "broken" not in answer["content"], answer["content"]
        assert "could not be done" not in answer["content"].get("fault", "")
        assert len(answer["content"].get("fault", "")) < MOST
    return answers


@pytest.mark.parametrize("field", ["engine", "options", "seed", "device", "amount", "unit", "name", "value", "kind"])
@pytest.mark.parametrize("kind", ["start", "more", "steer", "trace", "pause"])
def test_the_panel_takes_any_field(kind, field, panel, monkeypatch):
    for value in VALUES:
        message = {"kind": kind, "amount": "5", "unit": "draws", "name": "learning_rate", "value": 0.1, field: value}
        said(panel, message, monkeypatch)
        told = json.dumps(dict(panel.faults))
        assert len(told) < MOST
        assert "could not be done" not in told
        assert len(json.dumps(dict(panel.pictures))) < MOST
    said(panel, {"kind": "more", "amount": "5", "unit": "draws"}, monkeypatch)
    assert panel.faults == {}
    assert panel.training.asked > 0


@pytest.mark.parametrize(
    ("engine", "option"),
    [("nuts", "draws"), ("exact", "chains"), ("vi", "learning_rate"), ("point", "reml"), ("auto", "x")],
)
def test_the_panel_takes_any_option(engine, option, panel, monkeypatch):
    for value in VALUES:
        for options in ({option: value}, {str(value)[:60_000]: 1}, {option: value, LONG: value}):
            said(panel, {"kind": "start", "engine": engine, "options": options}, monkeypatch)
            assert len(json.dumps(dict(panel.faults))) < MOST
            assert "could not be done" not in json.dumps(dict(panel.faults))


@pytest.mark.parametrize("message", [*VALUES, *({"kind": value} for value in VALUES)], ids=lambda m: repr(m)[:20])
def test_what_is_no_message_does_nothing(message, fit, panel, monkeypatch):
    for widget in (panel, Walk(fit), Explore(fit)):
        assert said(widget, message, monkeypatch) == []
    assert panel.training.asked == 0
    assert panel.faults == {}


QUESTIONS = {
    "Summary": ("interval",),
    "Posterior": ("from", "pair"),
    "Groups": ("factor", "term", "compare", "search"),
    "Fit": ("factor", "covariate", "levels", "search"),
    "Checks": ("trace",),
}


@pytest.mark.parametrize("tab", [*(tab.name for tab in TABS), ""])
def test_the_walk_takes_any_question(tab, fit, monkeypatch):
    walk = Walk(fit)
    if not tab:
        for value in VALUES:
            said(walk, {"kind": "ask", "id": value, "tab": value, "question": value}, monkeypatch)
    for question in QUESTIONS.get(tab, ("",)):
        for value in VALUES:
            assert said(walk, {"kind": "ask", "id": 1, "tab": tab, "question": {question: value}}, monkeypatch)


@pytest.mark.parametrize("field", ["id", "numbers", "levels", "along", "value", "curve", "factor", "text"])
@pytest.mark.parametrize("kind", ["at", "find"])
def test_the_sliders_take_any_question(kind, field, fit, monkeypatch):
    page = Explore(fit)
    whole = {
        "kind": kind,
        "id": 1,
        "numbers": [3.0],
        "levels": [0],
        "along": 0,
        "value": None,
        "factor": 0,
        "text": "3",
    }
    for value in VALUES:
        assert said(page, {**whole, field: value}, monkeypatch)
        if field in ("numbers", "levels"):
            assert said(page, {**whole, field: [value]}, monkeypatch)
    json.dumps(page.point, allow_nan=False)
    assert "fault" not in said(page, whole, monkeypatch)[-1]["content"]


@pytest.mark.parametrize("widget", [Panel, Explore])
def test_what_breaks_is_said_in_one_sentence(widget, fit, panel, monkeypatch):
    def fault(*words: Any, **named: Any) -> Any:
        raise ZeroDivisionError("a" * 5000)

    if widget is Panel:
        monkeypatch.setattr(panel.training, "pause", fault)
        panel._handle_custom_msg({"kind": "pause"}, [])
        told = panel.faults["pause"]
    else:
        page, answers = Explore(fit), []
        monkeypatch.setattr(page, "send", lambda content, buffers=None: answers.append(content))
        monkeypatch.setattr(type(page._curves), "at", fault)
        page._handle_custom_msg({"kind": "at", "id": 2, "numbers": [3.0], "levels": [0]}, [])
        told = answers[0]["content"]["fault"]
    assert told.startswith("This could not be done (ZeroDivisionError: aaa")
    assert len(told) < 300


@pytest.mark.parametrize(
    ("given", "known"),
    [(7, 7), ("seven", "seven"), ("x" * 65, None), (2**53, None), (math.nan, None), ([1], None), (None, None)],
)
def test_only_what_the_page_can_know_again_goes_back(given, known):
    assert identity({"id": given}) == known


def test_a_message_is_a_kind_and_its_fields():
    assert opened({"kind": "at", "id": 1}) == ("at", {"kind": "at", "id": 1})
    assert opened({"kind": 3}) == opened([1]) == opened(None) == ("", {})
    assert text("\u202e" + "a" * 100) == text("\u202e" + "a" * 200)
    assert len(text("a" * 100)) <= 40
    assert text(None) == ""
