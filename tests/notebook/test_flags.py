"""Flags become engines: named, found by what only one engine has, or left to the model."""

from __future__ import annotations

from dataclasses import field, make_dataclass

import pytest

from probflow_nb import datasets, lme
from probflow_nb.errors import EngineError, UsageError
from probflow_nb.inference import ENGINES, Auto, Exact, Point
from probflow_nb.inference.auto import choose
from probflow_nb.notebook import flags

NUTS, VI = ENGINES["nuts"], ENGINES["vi"]

# (engine named, options typed) -> what the magic passes on
BUILT = [
    ("", {}, None),
    ("nuts", {}, NUTS()),
    ("nuts", {"draws": "2000", "chains": "2"}, NUTS(draws=2000, chains=2)),
    ("vi", {"rank": "mean-field", "steps": "500"}, VI(rank="mean-field", steps=500)),
    ("exact", {"draws": "2000"}, Exact(draws=2000)),
    ("point", {"reml": "false"}, Point(reml=False)),
    # Only one engine has it.
    ("", {"warmup": "300"}, NUTS(warmup=300)),
    ("", {"warmup": "300", "draws": "2000"}, NUTS(warmup=300, draws=2000)),
    ("", {"rank": "full"}, VI(rank="full")),
    ("", {"reml": "false"}, Point(reml=False)),
    # Several have it: the model decides.
    ("", {"draws": "2000"}, Auto({"draws": 2000})),
    ("", {"draws": "2000", "chains": "2"}, Auto({"draws": 2000, "chains": 2})),
]


@pytest.mark.parametrize(("name", "typed", "engine"), BUILT)
def test_words_become_an_engine(name: str, typed: dict[str, str], engine: object) -> None:
    assert flags.build(name, typed, ENGINES) == engine


# (engine named, options typed) -> the whole message
REFUSED = [
    ("point", {"draws": "9"}, 'The engine "point" has no --draws.\n--draws belongs to exact, laplace, nuts, vi.'),
    ("exact", {"warmup": "9"}, 'The engine "exact" has no --warmup.\n--warmup belongs to nuts.'),
    (
        "",
        {"warmup": "9", "rank": "full"},
        "No engine has all these flags (--warmup: nuts; --rank: vi).\n%%lme? shows every flag.",
    ),
    ("nuts", {"target_accept": "high"}, '--target-accept takes a number, and "high" is none.'),
]


@pytest.mark.parametrize(("name", "typed", "message"), REFUSED)
def test_words_that_fit_no_engine(name: str, typed: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        flags.build(name, typed, ENGINES)
    assert str(caught.value) == message


def test_the_model_decides_who_gets_the_draws() -> None:
    gaussian = lme_model("Reaction ~ Days + (1 | Subject)")
    heavy = lme_model("Reaction ~ Days + (1 | Subject)\nDays ~ StudentT(3, 0, 20)")
    assert choose(gaussian, Auto({"draws": 2000})).engine == Exact(draws=2000)
    chosen = choose(heavy, Auto({"draws": 2000}))
    assert chosen.engine == NUTS(draws=2000)
    assert chosen.reason == "Days has a StudentT prior"


def test_an_option_that_the_chosen_engine_does_not_have() -> None:
    with pytest.raises(EngineError) as caught:
        choose(lme_model("Reaction ~ Days + (1 | Subject)"), Auto({"batch": 20}))
    assert str(caught.value) == (
        "Exact, the engine for this model, has no option batch.\nName the engine that is meant, or leave batch out."
    )


def lme_model(text: str) -> object:
    from probflow_nb import prepare

    return prepare(text, datasets.sleepstudy()).model


def test_an_engine_is_asked_for_by_its_object() -> None:
    for wrong, message in (
        (3, "An engine is needed, such as engine=Exact(), not 3."),
        (NUTS, "NUTS is the class of an engine, not an engine."),
    ):
        with pytest.raises(EngineError) as caught:
            lme("Reaction ~ Days", datasets.sleepstudy(), engine=wrong)
        assert caught.value.message == message


def test_words_of_the_magic_itself_are_no_option_of_an_engine() -> None:
    words = ("name", "data", "engine", "family", "seed", "device", "panel", "background", "no_fit", "force", "own")
    engine = make_dataclass("Odd", [(word, str, field(default="")) for word in words], frozen=True)
    assert [option.field for option in flags.of_engine("odd", engine)] == ["own"]
