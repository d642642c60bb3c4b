"""What `%lme` does with one percent sign, in a real shell: list, show, compare, forget, load by itself."""

from __future__ import annotations

import gc
import weakref

import pytest

from probflow_nb import Point, datasets, lme, prepare
from probflow_nb.errors import UsageError
from probflow_nb.notebook import autoload

MODEL = "Reaction ~ Days + (Days | Subject)\n"
SMALL = "Reaction ~ Days + (1 | Subject)\n"


def run(ip, cell: str):
    """Run a cell as a person does; return its value, or raise what the cell raised."""
    return ip.run_cell(cell, store_history=True).result


def said(ip, cell: str, capsys) -> str:
    """Run a cell that says something and has no value; return what it said."""
    capsys.readouterr()
    assert run(ip, cell) is None
    return capsys.readouterr().out.strip()


def fails(ip, cell: str) -> str:
    """Run a cell that must fail with one of our errors; return the whole message."""
    outcome = ip.run_cell(cell, store_history=True)
    assert isinstance(outcome.error_in_exec, UsageError), outcome.error_in_exec
    return str(outcome.error_in_exec)


@pytest.fixture
def three(ip, quick):
    """Make a fit that was fitted twice, a second one, and a model that is not fitted."""
    run(ip, "%%lme sleep --data sleepstudy --seed 1\n" + MODEL)
    run(ip, "%%lme sleep --data sleepstudy --seed 2\n" + MODEL)
    run(ip, "%%lme other --data sleepstudy\n" + MODEL)
    run(ip, "%%lme plan --data sleepstudy --no-fit\n" + MODEL)
    return ip


def test_forget_takes_a_model_out_of_every_memory_of_the_notebook(three, quick, capsys):
    first, second, other, plan = (weakref.ref(model) for model in quick)
    quick.clear()
    assert said(three, "%lme forget sleep", capsys) == "sleep is forgotten, and its memory is free for other things."
    gc.collect()
    assert first() is None
    assert second() is None
    assert other() is three.user_ns["other"]
    assert "sleep" not in three.user_ns
    assert said(three, "%lme forget plan other", capsys).split("\n") == [
        "plan is forgotten, and its memory is free for other things.",
        "other is forgotten, and its memory is free for other things.",
    ]
    gc.collect()
    assert plan() is None
    assert other() is None
    assert repr(run(three, "%lme")).startswith("No models yet.")
    assert run(three, "1 + 1") == 2
    assert three.user_ns["_"] == 2


def test_forget_keeps_a_model_that_has_another_name(three, quick, capsys):
    three.user_ns["best"] = three.user_ns["sleep"]
    sentence = said(three, "%lme forget sleep", capsys)
    assert sentence == "sleep is forgotten; the model itself stays, because best holds it too."
    assert three.user_ns["best"] is quick[1]
    assert "sleep" not in three.user_ns


def test_forget_looks_at_all_names_before_it_forgets_one(three):
    assert fails(three, "%lme forget sleep slep") == (
        'There is no model called "slep".\nDid you mean sleep? The notebook\'s models: sleep, other, plan.'
    )
    assert "sleep" in three.user_ns


MESSAGES = {
    "%lme forget": "%lme forget takes the name of a model, or several.\n%lme lists the models.",
    "%lme compare": ("%lme compare takes the names of two models or more.\nThe notebook's models: sleep, other, plan."),
    "%lme compare sleep sleep": (
        "%lme compare takes the names of two models or more.\nThe notebook's models: sleep, other, plan."
    ),
    "%lme compare sleep x": 'There is no model called "x".\nThe notebook\'s models: sleep, other, plan.',
    "%lme autoload yes": "%lme autoload takes on or off, or nothing to say which it is.",
    "%lme sleeep": 'There is no model called "sleeep".\n'
    "Did you mean sleep? The notebook's models: sleep, other, plan.",
    "%lme --data x": "%lme with one percent sign takes one name, or a command, or nothing to list the models.\n"
    "The commands are compare, forget, autoload, cache. "
    "To fit a model, begin the cell with %%lme and write the model below it.",
    "%lme remember sleep": "%lme with one percent sign takes one name, or a command, or nothing to list the models.\n"
    "The commands are compare, forget, autoload, cache. "
    "To fit a model, begin the cell with %%lme and write the model below it.",
}


@pytest.mark.parametrize("line", MESSAGES)
def test_a_line_that_cannot_be_done_says_why(three, line):
    assert fails(three, line) == MESSAGES[line]


def test_a_model_may_be_called_as_a_command_is(ip, quick):
    run(ip, "%%lme compare --data sleepstudy\n" + MODEL)
    assert run(ip, "%lme compare") is quick[0]


def test_compare_is_that_of_the_package(ip):
    for name, text in (("a", SMALL), ("b", MODEL)):
        ip.user_ns[name] = lme(text, datasets.sleepstudy(), engine=Point(reml=False))
    ip.user_ns["plan"] = prepare(MODEL, datasets.sleepstudy())
    assert fails(ip, "%lme compare a plan") == "plan is not fitted yet.\nFit it first, without --no-fit."
    found = run(ip, "%lme compare b a")
    assert found.names == ("a", "b")
    assert found.frame().loc["b", "chisq"] == pytest.approx(42.1393, abs=1e-3)


def test_autoload_writes_and_removes_one_file_of_the_profile(ip, capsys):
    folder = ip.profile_dir.startup_dir
    file = f"{folder}/{autoload.NAME}"
    off = "New kernels load probflow_nb only by %load_ext probflow_nb."
    on = f"Every new kernel of this profile loads probflow_nb by itself, by {file}"
    steps = [
        ("", off),
        ("on", on),
        ("on", on),
        ("", on),
        ("off", f"{off} {file} was removed."),
        ("off", off),
        ("", off),
    ]
    for word, sentence in steps:
        assert said(ip, f"%lme autoload {word}", capsys) == sentence, word


CONFIG = {
    "engine = 'fast'": "expected any of ['', 'exact', 'laplace', 'nuts', 'vi', 'point'] (case-insensitive), "
    "not the str 'fast'.",
    "seed = -4": "should not be less than 0, but a value of -4 was specified",
    "seed = 'a'": "expected an int, not the str 'a'.",
    "panel = 'big'": "expected any of ['auto', 'always', 'never'], not the str 'big'.",
}


@pytest.mark.parametrize("line", CONFIG)
def test_a_wrong_setting_gets_a_sentence_and_changes_nothing(ip, line, caplog):
    magics = ip.magics_manager.registry["LmeMagics"]
    before = dict(magics.trait_values(config=True))
    assert ip.run_cell(f"%config LmeMagics.{line}").success
    assert CONFIG[line] in caplog.text
    assert magics.trait_values(config=True) == before


def test_a_setting_that_cannot_be_is_said_and_left_out_when_the_extension_is_loaded(ip, capsys):
    ip.config.LmeMagics.engine, ip.config.LmeMagics.seed = "fast", 7
    for _ in range(2):
        ip.extension_manager.unload_extension("probflow_nb")
        ip.extension_manager.load_extension("probflow_nb")
        magics = ip.magics_manager.registry["LmeMagics"]
        assert (magics.engine, magics.seed) == ("", 7)
        assert sum(type(c).__name__ == "LmeMagics" for c in ip.configurables) == 1
    said = capsys.readouterr().out
    assert said.count("LmeMagics.engine is left as it was.") == 1
    assert "'vi', 'point']" in said


def test_settings_are_shown(ip, capsys):
    run(ip, "%config LmeMagics.engine = 'Point'")
    run(ip, "%config LmeMagics")
    shown = capsys.readouterr().out
    for name in ("engine", "seed", "device", "panel", "preload"):
        assert f"LmeMagics.{name}=" in shown
    assert "Current: 'point'" in shown
