"""The panel without a page: what it publishes of a training, and what it makes of a person's messages."""

from __future__ import annotations

import json
import math
import re
import threading
from typing import Any

import numpy as np
import pytest

from probflow_nb import VI, Exact, Point, datasets, prepare
from probflow_nb.errors import EngineError
from probflow_nb.inference.engine import Glimpse
from probflow_nb.notebook.cell.training import Snapshot, Training
from probflow_nb.notebook.panel import live, panel_words
from probflow_nb.notebook.panel.panel import Artist, Panel

RNG = np.random.default_rng(2)


class Stand:
    """A training that notes what is asked of it."""

    name, engine, seed, device = "sleep", None, 1, ""
    model = fit = run = error = None

    def __init__(self) -> None:
        self.snapshot = Snapshot("running", "VI", "starting")
        self.watchers: list[Any] = []
        self.asked: list[Any] = []

    def watch(self, watcher: Any) -> None:
        self.watchers.append(watcher)

    def unwatch(self, watcher: Any) -> None:
        self.watchers.remove(watcher)

    def __getattr__(self, verb: str) -> Any:
        if verb.startswith("_"):
            raise AttributeError(verb)
        return lambda **words: self.asked.append((verb, words))

    def tell(self, **words: Any) -> None:
        self.snapshot = Snapshot(**words)
        for watcher in self.watchers:
            watcher(self.snapshot)


class Running:
    engine = VI()


@pytest.fixture
def stand():
    return Stand()


@pytest.fixture
def panel(stand):
    made = Panel(stand)
    yield made
    made.close()


def glimpse(count: int, names: tuple[str, ...] = (), ordered: bool = True) -> Glimpse:
    names = names or tuple(f"b{i}" for i in range(count))
    return Glimpse(names, RNG.normal(size=(4, 250, count)), ordered)


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        ({"kind": "pause"}, ("pause", {})),
        ({"kind": "resume"}, ("resume", {})),
        ({"kind": "stop"}, ("stop", {})),
        ({"kind": "more", "amount": "1,000", "unit": "draws"}, ("more", {"draws": 1000})),
        ({"kind": "more", "amount": 50, "unit": "steps"}, ("more", {"steps": 50})),
        ({"kind": "steer", "name": "learning_rate", "value": "0.05"}, ("steer", {"learning_rate": 0.05})),
        (
            {"kind": "start", "engine": "exact", "options": {"draws": "800"}, "seed": "3", "device": ""},
            ("start", {"engine": Exact(draws=800), "seed": 3, "device": ""}),
        ),
    ],
)
def test_a_message_asks_one_thing_of_the_training(message, asked, panel, stand):
    panel._handle_custom_msg(message, [])
    assert stand.asked == [asked]
    assert panel.faults == {}


@pytest.mark.parametrize(
    ("message", "where", "words"),
    [
        ({"kind": "more", "amount": "-3", "unit": "draws"}, "more", '"-3"'),
        ({"kind": "more", "amount": None, "unit": "draws"}, "more", "whole number"),
        ({"kind": "more", "amount": "5", "unit": "dishes"}, "more", "dishes"),
        ({"kind": "steer", "name": "learning_rate", "value": "fast"}, "learning_rate", '"fast"'),
        ({"kind": "steer", "name": "learning_rate", "value": 3}, "learning_rate", "at most 1"),
        ({"kind": "steer", "name": "kl_weight", "value": "inf"}, "kl_weight", "finite"),
        ({"kind": "start", "engine": "nuts", "options": {"chains": "x"}}, "chains", '"x"'),
    ],
)
def test_what_cannot_be_done_is_said_beside_its_control(message, where, words, panel, stand):
    stand.run = Running
    panel._handle_custom_msg(message, [])
    assert stand.asked == []
    assert list(panel.faults) == [where]
    assert words in panel.faults[where]
    panel._handle_custom_msg({"kind": "more", "amount": "5", "unit": "draws"}, [])
    assert panel.faults == {}


def test_a_rate_that_was_set_is_shown_until_the_engine_has_taken_a_step(panel, stand):
    figures = {"learning_rate": 0.2, "kl_weight": 1.0}
    stand.tell(status="paused", engine="VI", phase="climbing", step=100, figures=figures)
    panel._handle_custom_msg({"kind": "steer", "name": "learning_rate", "value": 0.05}, [])
    assert panel.state["steering"] == [["learning_rate", "learning rate", 0.05], ["kl_weight", "KL weight", 1.0]]
    stand.tell(status="running", engine="VI", phase="climbing", step=100, figures=figures)
    assert panel.state["steering"][0][2] == 0.05
    stand.tell(status="running", engine="VI", phase="climbing", step=125, figures=figures | {"learning_rate": 0.01})
    assert panel.state["steering"][0][2] == 0.01


def test_a_training_that_refuses_is_heard(panel, stand):
    def busy(**words: Any) -> None:
        raise EngineError("This model is being fitted already.", hint="Wait for it.")

    stand.more = busy
    panel._handle_custom_msg({"kind": "more", "amount": "5", "unit": "draws"}, [])
    assert panel.faults == {"more": "This model is being fitted already. Wait for it."}


@pytest.mark.parametrize("message", [{}, {"kind": "close"}, {"kind": "_show"}, {"kind": None}])
def test_a_message_of_no_known_kind_does_nothing(message, panel, stand):
    panel._handle_custom_msg(message, [])
    assert stand.asked == []
    assert not panel.seen


def test_it_knows_when_a_page_shows_it(panel):
    assert not panel.seen
    panel._handle_custom_msg({"kind": "hello"}, [])
    assert panel.seen


def test_a_closed_panel_watches_no_more(stand):
    panel = Panel(stand)
    assert len(stand.watchers) == 1
    state, [told] = panel.state, list(stand.watchers)
    panel.close()
    assert stand.watchers == []
    told(Snapshot("done"))  # that was on its way
    assert panel.state == state
    panel.close()  # once more changes nothing


def test_one_update_is_one_message_of_plain_values(panel, stand, monkeypatch):
    sent: list[Any] = []
    monkeypatch.setattr(type(panel), "_send", lambda self, msg, buffers=None: sent.append((msg, buffers)))
    figures = {
        "rhat": 1.0123,
        "ess": 812.4,
        "divergences": 0.0,
        "odd_one": 0.123456,
        "none": math.nan,
        "learning_rate": 0.2,
    }
    stand.tell(
        status="running", engine="VI", phase="sampling", step=10, total=40, elapsed=1.5, figures=figures,
        trail=np.column_stack([np.arange(50.0), -np.arange(50.0)]), glimpse=glimpse(24),
    )  # fmt: skip
    assert len(sent) == 1
    message, buffers = sent[0]
    json.dumps(message["state"]["state"], allow_nan=False)
    size = len(json.dumps(message)) + sum(len(b) for b in buffers)
    assert size * 5 < 200_000
    assert panel.state["fraction"] == 0.25
    assert panel.state["figures"] == [["rhat", "1.012"], ["ESS", "812"], ["divergences", "0"], ["odd one", "0.123"]]
    assert panel.state["steering"] == [["learning_rate", "learning rate", 0.2]]
    assert len(panel.curves) == 24 * live.CELLS * 4


def test_pictures_follow_the_run(panel, stand):
    stand.tell(status="running", engine="NUTS", phase="sampling", glimpse=glimpse(2, ("a", "b")))
    assert [s["name"] for s in panel.pictures["scalars"]] == ["a", "b"]
    assert panel.pictures["line"]["kind"] == "trace"
    assert panel.pictures["traceable"] == ["a", "b"]
    panel._handle_custom_msg({"kind": "trace", "name": "b"}, [])
    assert panel.pictures["line"]["name"] == "b"
    panel._handle_custom_msg({"kind": "trace", "name": "a"}, [])
    assert panel.pictures["line"]["name"] == "a"
    stand.tell(status="running", engine="VI", phase="starting")  # another run
    assert (panel.pictures, panel.curves, panel.line) == ({}, b"", b"")


def test_an_engine_whose_draws_are_not_in_order_shows_its_objective():
    trail = np.column_stack([np.arange(9.0), np.arange(9.0)])
    drawn = Artist().draw(Snapshot("running", "VI", trail=trail, glimpse=glimpse(1, ordered=False)), Stand())
    assert drawn[0]["line"]["kind"] == "objective"
    assert len(drawn[2]) == 2 * 9 * 4


def test_pictures_wait_their_turn_but_the_last_one_does_not():
    artist, stand = Artist(), Stand()
    assert artist.draw(Snapshot("running", glimpse=glimpse(1)), stand) is not None
    artist.due = math.inf
    assert artist.draw(Snapshot("running", glimpse=glimpse(1)), stand) is None
    last = Snapshot("done", glimpse=glimpse(1))
    assert artist.draw(last, stand) is not None
    assert artist.draw(last, stand) is None  # nothing new


def test_names_are_shown_as_everywhere(panel, stand):
    names = ("<img src=x onerror=alert(1)>", "a" * 10_000, "\u202eevil")
    stand.tell(status="running", engine="NUTS", phase="sampling", glimpse=glimpse(3, names))
    shown = [s["name"] for s in panel.pictures["scalars"]]
    assert shown[0] == names[0]
    assert len(shown[1]) <= 60
    assert "\u202e" not in shown[2]


@pytest.mark.parametrize(
    ("engine", "words", "units"),
    [
        (Exact(draws=400), ["Exact", "400 draws", "a time", "seed 1"], ["draws"]),
        (Point(), ["Point", "a time"], []),
    ],
)
def test_a_run_that_is_over_is_one_line(engine, words, units):
    training = Training(lambda: prepare("Reaction ~ Days + (1 | Subject)", datasets.sleepstudy()), "m", engine, 1)
    panel, told = Panel(training), threading.Event()
    training.watch(lambda snapshot: None if snapshot.active else told.set())
    training.start()
    assert told.wait(120)
    assert panel.state["status"] == "done"
    over = panel.state["over"]
    assert [re.sub(r"^\d[\d.]* s$", "a time", word) for word in over["words"]] == words
    assert [unit for unit, _ in over["units"]] == units
    assert bool(over["final"]) is not bool(units)
    assert over["sentence"] == training.fit.verdict.sentence
    json.dumps(panel.state, allow_nan=False)
    panel.close()


def test_a_failure_says_what_and_what_next():
    stand = Stand()
    stand.error = EngineError("No.", hint="Try again.")
    found = panel_words.state(stand, Snapshot("failed", message="No."))
    assert (found["message"], found["hint"], found["over"]) == ("No.", "Try again.", {})


@pytest.mark.parametrize(("step", "total", "fraction"), [(0, 100, None), (5, 0, None), (50, 100, 0.5), (150, 100, 1.0)])
def test_a_share_is_shown_where_there_is_one(step, total, fraction):
    assert panel_words.state(Stand(), Snapshot("running", step=step, total=total))["fraction"] == fraction
