"""Forms: what an engine's options look like to fill in, and what a filled-in form means."""

from __future__ import annotations

import json

import pytest

from probflow_nb.errors import EngineError, UsageError
from probflow_nb.inference import ENGINES, NUTS, VI, Exact, Point
from probflow_nb.notebook.panel.forms import form, from_form, json_form

# engine, field -> kind, default, optional, choices, least, most
FIELDS = [
    ("exact", "draws", ("whole", 4000, False, (), 100, 10_000_000)),
    ("nuts", "target_accept", ("number", 0.8, False, (), 0.5, 0.999)),
    ("nuts", "max_depth", ("whole", 10, False, (), 1, 15)),
    ("vi", "rank", ("choice", None, True, ("structured", "full", "mean-field"), None, None)),
    ("vi", "steps", ("whole", None, True, (), 1, 10_000_000)),
    ("vi", "corrected", ("switch", False, False, (), None, None)),
    ("point", "reml", ("switch", True, False, (), None, None)),
]


@pytest.mark.parametrize(("engine", "name", "wanted"), FIELDS)
def test_a_field_says_what_it_takes(engine: str, name: str, wanted: tuple[object, ...]) -> None:
    field = {field.name: field for field in form(engine)}[name]
    kind, default, optional, choices, least, most = wanted
    assert (field.kind, field.default, field.optional) == (kind, default, optional)
    assert (set(field.choices), field.least, field.most) == (set(choices), least, most)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_form_is_plain_and_its_defaults_are_the_engine(engine: str) -> None:
    plain = json.loads(json.dumps(json_form(engine)))
    assert from_form(engine, {field["name"]: field["default"] for field in plain}) == ENGINES[engine]()
    assert all(field["help"] and "_" not in field["label"] and "[" not in field["help"] for field in plain)


def test_bounds_of_a_form_are_those_of_the_engine() -> None:
    """A value at a bound is taken by the engine itself; one beyond it is not."""
    for engine in ENGINES:
        for field in form(engine):
            for bound, beyond in ((field.least, -1), (field.most, 1)):
                if bound is None or field.name == "chains":
                    continue
                step = (1 if field.kind == "whole" else 0.01) * beyond
                inside = bound - step if field.exclusive and beyond < 0 else bound
                ENGINES[engine](**{field.name: inside})
                with pytest.raises(EngineError):
                    ENGINES[engine](**{field.name: bound + step})


FILLED = [
    ("exact", {"draws": "2,000", "chains": 2}, Exact(draws=2000, chains=2)),
    ("exact", {"draws": ""}, Exact()),
    ("vi", {"rank": "full", "steps": "", "learning_rate": "0.05"}, VI(rank="full", learning_rate=0.05)),
    ("vi", {"corrected": True, "batch": 20.0}, VI(corrected=True, batch=20)),
    ("nuts", {"warmup": 300, "draws": None}, NUTS(warmup=300)),
    ("point", {"reml": False}, Point(reml=False)),
    ("point", {"reml": "off"}, Point(reml=False)),
]


@pytest.mark.parametrize(("engine", "values", "wanted"), FILLED)
def test_a_filled_form_is_an_engine(engine: str, values: dict[str, object], wanted: object) -> None:
    assert from_form(engine, values) == wanted


def test_a_form_begins_with_the_engine_at_hand() -> None:
    held = {field.name: field.default for field in form("vi", VI(rank="full", steps=70))}
    assert (held["rank"], held["steps"], held["draws"]) == ("full", 70, 4000)
    assert {field.name: field.default for field in form("vi", NUTS(draws=200))}["draws"] == 4000


REFUSED = [
    ("gibbs", {}, 'There is no engine called "gibbs".\nThe engines are exact, laplace, nuts, vi, point.'),
    ("exact", {"warmup": 1}, 'The engine "exact" has no option "warmup".\nIt has draws, chains.'),
    ("exact", {"draws": "many"}, 'Draws takes a number, and "many" is none.'),
    ("exact", {"draws": "1000.5"}, "Draws takes a whole number, not 1000.5."),
    ("exact", {"draws": "50"}, "Draws takes a whole number at least 100 and at most 10,000,000, not 50."),
    ("vi", {"learning_rate": "0"}, "Learning rate takes a number above 0 and at most 1, not 0."),
    ("vi", {"kl_weight": "nan"}, "Kl weight takes a number above 0, not nan."),
    ("vi", {"rank": "wide"}, 'There is no rank "wide".\nChoose one of structured, full, mean-field.'),
    ("point", {"reml": "perhaps"}, 'Reml is on or off, not "perhaps".'),
    ("nuts", {"draws": "inf"}, "Draws takes a whole number, not inf."),
]


@pytest.mark.parametrize(("engine", "values", "sentence"), REFUSED)
def test_a_bad_value_is_told_in_one_sentence(engine: str, values: dict[str, object], sentence: str) -> None:
    with pytest.raises((UsageError, EngineError)) as caught:
        from_form(engine, values)
    assert str(caught.value) == sentence


def test_values_that_do_not_go_together_are_the_engines_to_refuse() -> None:
    with pytest.raises(EngineError, match="a multiple of the chains"):
        from_form("exact", {"draws": 1001})
