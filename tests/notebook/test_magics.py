"""The real magics in a real shell: names, data, flags and what a failing cell leaves behind."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from probflow_nb import datasets
from probflow_nb.errors import ParseError, UsageError

MODEL = "Reaction ~ Days + (Days | Subject)\n"


def run(ip, cell: str):
    """Run a cell as a person does; return its value, or raise what the cell raised."""
    return ip.run_cell(cell).result


def fails(ip, cell: str) -> str:
    """Run a cell that must fail with one of our errors; return the whole message."""
    outcome = ip.run_cell(cell)
    assert isinstance(outcome.error_in_exec, UsageError), outcome.error_in_exec
    return str(outcome.error_in_exec)


def test_value_is_displayed_once_and_bound(ip, quick, capsys):
    ip.user_ns["sleepstudy"] = datasets.sleepstudy()
    outcome = ip.run_cell("%%lme sleep --data sleepstudy\n" + MODEL)
    assert outcome.success
    assert outcome.result is ip.user_ns["sleep"] is ip.user_ns["_"]
    assert quick[0].name == "sleep"
    assert quick[0].data is ip.user_ns["sleepstudy"]
    assert capsys.readouterr().out.count("fit of Reaction") == 1


def test_without_a_name_only_underscore_is_bound(ip, quick):
    before = set(ip.user_ns)
    outcome = ip.run_cell("%%lme --data sleepstudy\n" + MODEL)
    assert outcome.success
    new = {name for name in set(ip.user_ns) - before if not name.startswith("_")}
    assert new == set()
    assert ip.user_ns["_"] is outcome.result


def test_braces_and_dollars_are_left_alone(ip, quick):
    ip.user_ns["x"] = "changed"
    outcome = ip.run_cell("%%lme --data {x}\n" + MODEL)
    assert '"{x}" is not a name' in str(outcome.error_in_exec)


FRAMES = {
    "pandas": lambda: datasets.sleepstudy(),
    "polars": lambda: pl.DataFrame({"Reaction": [1.0, 2.0], "Days": [0, 1], "Subject": ["a", "b"]}),
    "pyarrow": lambda: pa.table({"Reaction": [1.0, 2.0], "Days": [0, 1], "Subject": ["a", "b"]}),
    "dict": lambda: {"Reaction": np.ones(3), "Days": np.arange(3), "Subject": ["a", "b", "c"]},
}


@pytest.mark.parametrize("kind", FRAMES)
def test_the_one_frame_that_has_the_columns_is_found_and_said(ip, quick, capsys, kind):
    ip.user_ns["young"] = FRAMES[kind]()
    ip.user_ns["other"] = pd.DataFrame({"a": [1]})
    ip.user_ns["options"] = {"Reaction": 1, "Days": 2, "Subject": 3}
    run(ip, "%%lme\n" + MODEL)
    rows = {"pandas": 180, "polars": 2, "pyarrow": 2, "dict": 3}[kind]
    assert f"data: young ({rows} rows)" in capsys.readouterr().out
    assert quick[0].data is ip.user_ns["young"]


def test_a_dotted_name_and_a_built_in_set(ip, quick):
    from types import SimpleNamespace

    frame = datasets.sleepstudy()
    ip.user_ns["study"] = SimpleNamespace(frame=frame)
    run(ip, "%%lme --data study.frame\n" + MODEL)
    run(ip, "%%lme --data sleepstudy\n" + MODEL)
    assert quick[0].data is frame
    assert quick[1].data is not frame
    assert len(quick[1].data) == 180


def test_a_variable_comes_before_a_built_in_set(ip, quick):
    ip.user_ns["sleepstudy"] = datasets.sleepstudy().head(20)
    run(ip, "%%lme --data sleepstudy\n" + MODEL)
    assert len(quick[0].data) == 20


def test_the_same_frame_under_two_names_is_one(ip, quick):
    ip.user_ns["a"] = ip.user_ns["b"] = datasets.sleepstudy()
    assert ip.run_cell("%%lme\n" + MODEL).success


def test_flags_become_the_engine(ip, quick):
    from probflow_nb.inference import ENGINES

    for line in ("--engine exact --draws 2000", "--engine=exact --draws=2000"):
        run(ip, f"%%lme sleep --data sleepstudy {line}\n" + MODEL)
    for line in ("--engine point --reml false", "--no-reml", "--reml=false", "--reml no"):
        run(ip, f"%%lme {line} sleep --data sleepstudy\n" + MODEL)
    exact, point = ENGINES["exact"](draws=2000), ENGINES["point"](reml=False)
    assert [fit.engine for fit in quick] == [exact] * 2 + [point] * 4
    assert {fit.name for fit in quick} == {"sleep"}


def test_a_switch_does_not_swallow_the_name(ip, quick):
    from probflow_nb.inference import ENGINES

    run(ip, "%%lme --reml sleep --data sleepstudy\n" + MODEL)
    assert (quick[0].engine, quick[0].name) == (ENGINES["point"](reml=True), "sleep")


def test_config_sets_what_a_cell_leaves_out(ip, quick):
    from probflow_nb.inference import ENGINES

    run(ip, '%config LmeMagics.engine = "point"')
    run(ip, "%config LmeMagics.seed = 7")
    run(ip, "%%lme --data sleepstudy\n" + MODEL)
    run(ip, "%%lme --data sleepstudy --engine exact --seed 1\n" + MODEL)
    assert [(fit.engine, fit.seed) for fit in quick] == [(ENGINES["point"](), 7), (ENGINES["exact"](), 1)]


def test_seed_family_and_no_fit(ip, quick):
    run(ip, "%%lme m --data sleepstudy --seed 3 --family gaussian --no-fit\n" + MODEL)
    assert type(quick[0]).__name__ == "QuickModel"
    assert (quick[0].family, quick[0].name) == ("gaussian", "m")
    assert ip.user_ns["m"] is quick[0]
    run(ip, "%%lme m --data sleepstudy --seed 3\n" + MODEL)
    assert ip.user_ns["m"] is quick[1]
    assert quick[1].seed == 3


def test_a_name_that_holds_something_else_is_kept(ip, quick):
    ip.user_ns["sleep"] = [1, 2]
    message = fails(ip, "%%lme sleep --data sleepstudy\n" + MODEL)
    assert message == (
        '"sleep" already holds a list, which the fit would overwrite.\nChoose another name, or add --force.'
    )
    assert ip.user_ns["sleep"] == [1, 2]
    assert quick == []
    run(ip, "%%lme sleep --data sleepstudy --force\n" + MODEL)
    assert ip.user_ns["sleep"] is quick[0]


def test_a_failing_cell_leaves_the_fit_that_was_there(ip, quick):
    run(ip, "%%lme sleep --data sleepstudy\n" + MODEL)
    outcome = ip.run_cell("%%lme sleep --data sleepstudy\nReaction ~ Days + (Days | Subject\n")
    assert isinstance(outcome.error_in_exec, ParseError)
    assert ip.user_ns["sleep"] is quick[0]


# line after %%lme -> the whole message
MESSAGES = {
    "2sleep": (
        '"2sleep" cannot be a variable, so the fit cannot be called that.\n'
        "Use letters, digits and _, such as %%lme sleep_model"
    ),
    "lambda": (
        '"lambda" cannot be a variable, so the fit cannot be called that.\n'
        "Use letters, digits and _, such as %%lme sleep_model"
    ),
    "sum": '"sum" is a function of Python, which the fit would hide.\nChoose another name, or add --force.',
    "m --panel=yes": "--panel takes no value: it is written or left out.\n%%lme? shows every flag.",
    "_": '"_" is where IPython keeps what was typed and answered, which the fit would hide.\n'
    "Choose another name, or add --force.",
    "_i3": '"_i3" is where IPython keeps what was typed and answered, which the fit would hide.\n'
    "Choose another name, or add --force.",
    "m --data": "--data needs a value.\n%%lme? shows every flag.",
    "m --drws 10": "There is no flag --drws.\nDid you mean --draws? %%lme? shows every flag.",
    "m -x": "There is no flag -x.\n%%lme? shows every flag.",
    "m two": '"two" is one word too many: a fit has one name.\n%%lme NAME --data DATA, with the model below.',
    "m --data 'sleep": "A quote on the %%lme line is not closed.",
    "Reaction ~ Days": "The model stands on the %%lme line.\nPut it on the next line, below %%lme.",
    "m --seed many": '--seed takes a whole number, and "many" is none.',
    "m --seed -1": "--seed takes a whole number of at least 0, not -1.",
    "m --draws many": '--draws takes a whole number, and "many" is none.',
    "m --reml=maybe": '--reml takes true or false, not "maybe".',
    "m --engine exakt": (
        'There is no engine called "exakt".\nDid you mean "exact"? The engines are exact, laplace, nuts, vi, point.'
    ),
    "m --engine point --draws 9": 'The engine "point" has no --draws.\n--draws belongs to exact, laplace, nuts, vi.',
    "m --draws 9 --no-reml": (
        "No engine has all these flags (--draws: exact, laplace, nuts, vi; --reml: point).\n%%lme? shows every flag."
    ),
    "m --data study.frame": (
        'There are no data called "study".\n'
        "The notebook holds no data frame; the built-in data sets are cbpp, Contraception, Dyestuff, "
        "Dyestuff2, eight_schools, epilepsy, Penicillin, radon, sleepstudy."
    ),
    "m --data df[1]": (
        '--data takes the name of a data frame, and "df[1]" is not a name.\n'
        "Give the data a name in a cell above, such as young = sleep[sleep.age < 40]"
    ),
    "m": (
        "The notebook holds no data frame; the model needs the columns Reaction, Days, Subject.\n"
        "Load the data first, or name a built-in data set, such as %%lme --data sleepstudy"
    ),
}


@pytest.mark.parametrize("line", MESSAGES)
def test_the_exact_sentence(ip, quick, line):
    assert fails(ip, f"%%lme {line}\n" + MODEL) == MESSAGES[line]
    assert quick == []


def test_two_frames_that_fit_are_both_named(ip, quick):
    ip.user_ns["all_days"] = datasets.sleepstudy()
    ip.user_ns["first"] = datasets.sleepstudy().head(1)
    assert fails(ip, "%%lme\n" + MODEL) == (
        "2 data frames have all the columns of the model: all_days (180 rows) and first (1 row).\n"
        "Say which one is meant: %%lme --data all_days"
    )


def test_frames_that_do_not_fit_say_what_they_lack(ip, quick):
    ip.user_ns["one"] = pd.DataFrame({"Days": [1.0]})
    ip.user_ns["two"] = pd.DataFrame({"Reaction": [1.0], "Days": [1.0]})
    assert fails(ip, "%%lme\n" + MODEL) == (
        "No data frame of the notebook has all the columns of the model (Reaction, Days, Subject): two lacks "
        "Subject; one lacks Reaction, Subject.\n"
        "Mend the name in the text, or say which data are meant: %%lme --data NAME"
    )


def test_an_attribute_that_is_not_there(ip, quick):
    ip.user_ns["study"] = pd.Series([1.0])
    message = fails(ip, "%%lme --data study.a.frame\n" + MODEL)
    assert message == '"study" has no attribute "a".'


def test_listing_and_one_model(ip, quick, capsys):
    assert repr(run(ip, "%lme")) == "No models yet. Begin a cell with %%lme NAME, and write the model below it."
    run(ip, "%%lme sleep --data sleepstudy --engine point\n" + MODEL)
    table = run(ip, "%lme")
    assert repr(table).split("\n") == [
        "model  formula                             rows  engine  verdict",
        "sleep  Reaction ~ Days + (Days | Subject)   180  point   ✓ Fine",
    ]
    assert table._repr_html_().count("<tr>") == 2
    assert run(ip, "%lme sleep") is quick[0]


def test_the_listing_escapes_names(ip, quick):
    ip.user_ns["<b>"] = 1
    run(ip, "%%lme sleep --data sleepstudy\nReaction ~ `<img src=x>` + (1 | Subject)\n")
    assert "<img" not in run(ip, "%lme")._repr_html_()


LINE_MESSAGES = {
    "%lme nothing": 'There is no model called "nothing".\nThe notebook\'s models: none yet.',
    "%lme y ~ x": (
        "%lme with one percent sign takes one name, or a command, or nothing to list the models.\n"
        "The commands are compare, forget, autoload, cache. "
        "To fit a model, begin the cell with %%lme and write the model below it."
    ),
}


@pytest.mark.parametrize("line", LINE_MESSAGES)
def test_the_line_magic_says_what_it_takes(ip, quick, line):
    assert fails(ip, line) == LINE_MESSAGES[line]


def test_help_is_a_page_worth_reading(ip):
    from probflow_nb.inference import ENGINES

    page = ip.find_cell_magic("lme").__doc__
    assert "Reaction ~ Days + (Days | Subject)" in page
    for word in ("--data", "--engine", "--family", "--seed", "--no-fit", "--force", "--draws", "--no-reml"):
        assert word in page
    for name in ENGINES:
        assert name in page
    assert max(len(line) for line in page.split("\n")) < 125


def test_reload_is_harmless(ip, quick):
    run(ip, '%config LmeMagics.engine = "point"')
    for _ in range(2):
        assert ip.run_cell("%reload_ext probflow_nb").success
    assert sum(type(c).__name__ == "LmeMagics" for c in ip.configurables) == 1
    assert ip.run_cell("%%lme sleep --data sleepstudy\n" + MODEL).success


def test_unload_takes_the_magics_away(ip):
    ip.run_cell("%unload_ext probflow_nb")
    assert ip.find_cell_magic("lme") is None
    assert ip.find_line_magic("lme") is None
    ip.run_cell("%load_ext probflow_nb")
    assert ip.find_cell_magic("lme") is not None


def test_a_stop_before_anything_is_known(ip, quick, monkeypatch):
    import probflow_nb.api

    def stopped(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(probflow_nb.api, "lme", stopped)
    outcome = ip.run_cell("%%lme sleep --data sleepstudy\n" + MODEL)
    assert str(outcome.error_in_exec) == (
        "The run was stopped before anything was known.\nRun the cell again to start over."
    )
    assert "sleep" not in ip.user_ns


def test_our_errors_show_only_our_lines(ip, quick, capsys):
    ip.run_cell("%%lme sum --data sleepstudy\n" + MODEL)
    shown = capsys.readouterr().out
    assert shown.strip().split("\n") == [
        'UsageError: "sum" is a function of Python, which the fit would hide.',
        "Choose another name, or add --force.",
    ]


def test_other_errors_keep_their_traceback(ip, quick, capsys, monkeypatch):
    import probflow_nb.api

    def broken(*args, **kwargs):
        return 1 // 0

    monkeypatch.setattr(probflow_nb.api, "lme", broken)
    ip.run_cell("%%lme sleep --data sleepstudy\n" + MODEL)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert "return 1 // 0" in shown
    assert shown.rstrip().endswith("ZeroDivisionError: integer division or modulo by zero")
