"""The engine form: what is offered for a model, and what a filled form means."""

from __future__ import annotations

import json

import pytest

from probflow_nb import NUTS, VI, Exact, Point, datasets, prepare
from probflow_nb.inference.auto import Auto
from probflow_nb.notebook.panel.engine_form import FormError, Order, form, order


@pytest.fixture(scope="module")
def model():
    return prepare("Reaction ~ Days + (1 | Subject)", datasets.sleepstudy()).model


@pytest.fixture(scope="module")
def heavy():
    return prepare("Reaction ~ Days + (1 | Subject)\nDays ~ StudentT(3, 0, 10)", datasets.sleepstudy()).model


def test_every_engine_is_offered_auto_first_with_what_the_model_would_choose(model):
    found = json.loads(json.dumps(form(model)))
    assert [e["text"] for e in found["engines"]] == ["auto (Exact)", "Exact", "Laplace", "NUTS", "VI", "Point"]
    reasons = {e["value"]: e["reason"] for e in found["engines"] if e["reason"]}
    assert reasons == {"laplace": "The engine laplace does not fit gaussian responses with link identity."}
    assert [f["label"] for f in found["engines"][4]["fields"]][4:6] == ["learning rate", "KL weight"]
    assert "CPU:0" in [d["value"] for d in found["devices"]]
    assert found["chosen"] == {"engine": "auto", "seed": "", "device": ""}


def test_an_engine_that_the_model_cannot_take_says_why(heavy):
    engines = {e["value"]: e for e in form(heavy)["engines"]}
    assert engines["auto"]["text"] == "auto (NUTS)"
    assert "StudentT" in engines["exact"]["reason"]
    assert engines["nuts"]["reason"] == ""


def test_the_form_begins_with_what_was_used(model):
    found = form(model, VI(draws=2000, rank="full"), 7, "CPU:0")
    assert found["chosen"] == {"engine": "vi", "seed": "7", "device": "CPU:0"}
    fields = {f["name"]: f["default"] for f in found["engines"][4]["fields"]}
    assert (fields["draws"], fields["rank"], fields["steps"]) == ("2000", "full", "")
    automatic = form(model, Auto({"draws": 800}))["engines"][0]["fields"]
    assert {f["name"]: f["default"] for f in automatic}["draws"] == "800"


def test_without_a_model_every_engine_is_offered():
    found = form(None)
    assert found["engines"][0]["text"] == "auto"
    assert not any(e["reason"] for e in found["engines"])


@pytest.mark.parametrize(
    ("filled", "meant"),
    [
        ({}, Order(None, None, "")),
        ({"engine": "auto", "seed": " 12 ", "device": "CPU:0"}, Order(None, 12, "CPU:0")),
        ({"engine": "auto", "options": {"draws": "800"}}, Order(Auto({"draws": 800}), None, "")),
        ({"engine": "exact", "options": {}}, Order(Exact(), None, "")),
        ({"engine": "nuts", "options": {"draws": "2,000", "chains": "2"}}, Order(NUTS(draws=2000, chains=2), None, "")),
        ({"engine": "vi", "options": {"steps": "", "rank": "full"}}, Order(VI(rank="full"), None, "")),
        ({"engine": "point", "options": {"reml": "false"}}, Order(Point(reml=False), None, "")),
    ],
)
def test_a_filled_form_means_an_engine(filled, meant, model):
    assert order(filled, model) == meant


@pytest.mark.parametrize(
    ("filled", "faults"),
    [
        ({"seed": "x"}, {"seed": '"x"'}),
        ({"seed": "-1", "engine": "nuts", "options": {"chains": "many"}}, {"seed": "-1", "chains": '"many"'}),
        ({"engine": "vi", "options": {"learning_rate": "3"}}, {"learning_rate": "at most 1"}),
        ({"engine": "nuts", "options": {"draws": "1002", "chains": "4"}}, {"draws": "multiple of the chains"}),
        ({"engine": "nuts", "options": {"draws": "4000", "chains": "3"}}, {"chains": "multiple of the chains"}),
        ({"engine": "nuts", "options": {"draws": "1000", "chains": "4", "nonsense": "1"}}, {"nonsense": "no option"}),
        ({"engine": "nonsense"}, {"engine": "no engine"}),
    ],
)
def test_what_is_wrong_is_said_at_its_field(filled, faults, model):
    with pytest.raises(FormError) as found:
        order(filled, model)
    assert list(found.value.sentences) == list(faults)
    for name, words in faults.items():
        assert words in found.value.sentences[name]
