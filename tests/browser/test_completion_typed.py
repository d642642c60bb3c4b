"""Completion and Shift-Tab as a person meets them, in a real JupyterLab."""

from __future__ import annotations

from typing import Any

import pytest
from laboratory import LOAD

pytestmark = pytest.mark.slow

FRAME = """get_ipython().config.LmeMagics.preload = False
%load_ext probflow_nb
import pandas as pd
from probflow_nb import datasets
sleep = datasets.sleepstudy()
sleep["body mass"] = 70.5
sleep["bad <img src=x onerror=window.__owned=1>"] = 1.0
sleep["bad </style><script>window.__owned=1</script>"] = ["<b onclick=window.__owned=1>x</b>", "y"] * 90"""
assert LOAD in FRAME
POPUP = ".jp-Completer:not(.lm-mod-hidden)"


def prepared(lab: Any, text: str) -> None:
    """Open a notebook with a data frame, and write a text with the cursor at its end."""
    lab.new(FRAME, "")
    lab.run(0)
    lab.cell(1).locator(".cm-content").click()
    lab.write(1, text)
    lab.page.keyboard.press("Control+End")


def offered(lab: Any) -> dict[str, str]:
    """Press Tab and return the words of the list, with what each is called."""
    lab.page.keyboard.press("Tab")
    lab.page.wait_for_selector(POPUP)
    return listed(lab)


def listed(lab: Any) -> dict[str, str]:
    items = lab.page.locator(f"{POPUP} .jp-Completer-item")
    rows = items.evaluate_all(
        """rows => rows.map(row => [row.querySelector('.jp-Completer-match').textContent,
                                    (row.querySelector('.jp-Completer-typeExtended') || {}).textContent || ''])"""
    )
    return dict(rows)


def source(lab: Any, n: int = 1) -> str:
    return str(
        lab.page.evaluate("n => window.jupyterapp.shell.currentWidget.content.widgets[n].model.sharedModel.source", n)
    )


def test_factors_stand_first_after_a_bar_and_one_is_taken_by_key(lab):
    prepared(lab, "%%lme m\nReaction ~ Days + (Days | ")
    words = offered(lab)
    lab.look("bar")
    assert next(iter(words)) == "Subject"
    assert words["Subject"] == "factor"
    assert words["Days"] == "column"
    assert list(words)[-1] == "Reaction"
    assert not {"print", "sleep", "abs"} & set(words)
    lab.page.keyboard.press("Enter")
    lab.page.wait_for_selector(POPUP, state="hidden")
    assert source(lab).endswith("(Days | Subject")


def test_names_that_are_html_stay_text(lab):
    prepared(lab, "%%lme\nReaction ~ ")
    words = offered(lab)
    lab.look("hostile")
    name = "`bad <img src=x onerror=window.__owned=1>`"
    assert lab.page.locator(f"{POPUP} img, {POPUP} script").count() == 0
    for _ in range(list(words).index(name)):
        lab.page.keyboard.press("ArrowDown")
    lab.page.keyboard.press("Enter")
    lab.page.wait_for_selector(POPUP, state="hidden")
    assert source(lab) == f"%%lme\nReaction ~ {name}"
    lab.page.keyboard.press("ArrowLeft")
    lab.page.keyboard.press("Shift+Tab")
    tooltip = lab.page.locator(".jp-Tooltip")
    tooltip.wait_for()
    lab.look("hostile-tooltip")
    assert "column of sleep (180 rows)" in tooltip.inner_text()
    assert tooltip.locator("img, script").count() == 0
    assert lab.page.evaluate("() => window.__owned === undefined")


@pytest.mark.parametrize(
    ("typed", "steps"),
    [
        # one match; the same with the backquote first
        ("%%lme\nReaction ~ bod", [({"`body mass`": "column"}, "%%lme\nReaction ~ `body mass`")]),
        ("%%lme\nReaction ~ `bod", [({"`body mass`": "column"}, "%%lme\nReaction ~ `body mass`")]),
        # names that share what the list cannot hold: first that, then what follows it
        (
            "%%lme\nReaction ~ bad",
            [
                ({"`bad <": "column"}, "%%lme\nReaction ~ `bad <"),
                (
                    {
                        "img src=x onerror=window.__owned=1>`": "column",
                        "/style><script>window.__owned=1</script>`": "factor",
                    },
                    "%%lme\nReaction ~ `bad <img src=x onerror=window.__owned=1>`",
                ),
            ],
        ),
        (
            "%%lme\nReaction ~ Days + (Days | Subject)\nsd",
            [
                ({"sd(": "parameter"}, "%%lme\nReaction ~ Days + (Days | Subject)\nsd("),
                (
                    {"Subject)": "parameter", "Intercept | Subject)": "parameter", "Days | Subject)": "parameter"},
                    "%%lme\nReaction ~ Days + (Days | Subject)\nsd(Subject)",
                ),
            ],
        ),
    ],
    ids=["one-match", "backquote-first", "shared-html", "shared-bracket"],
)
def test_words_that_begin_alike_are_listed_and_taken_by_key(lab, typed, steps):
    prepared(lab, typed)
    for words, written in steps:
        assert offered(lab) == words
        lab.look(f"step-{len(written)}")
        lab.page.keyboard.press("Enter")
        lab.page.wait_for_selector(POPUP, state="hidden")
        assert source(lab) == written
    lab.page.keyboard.type(" + x")
    assert source(lab) == f"{steps[-1][1]} + x"


def test_flags_parameters_and_distributions_have_their_labels(lab):
    prepared(lab, "%%lme --eng")
    assert offered(lab) == {"--engine": "flag"}
    lab.page.keyboard.press("Enter")
    lab.page.wait_for_selector(POPUP, state="hidden")
    assert source(lab) == "%%lme --engine"
    lab.write(1, "%%lme\nReaction ~ Days + (Days | Subject)\ns")
    lab.page.keyboard.press("Control+End")
    words = offered(lab)
    lab.look("parameters")
    assert {"sigma", "sd(Subject)", "sd(Days | Subject)"} <= words.keys()
    assert words["sigma"] == "parameter"
    lab.page.keyboard.press("Escape")
    lab.write(1, "%%lme\nReaction ~ Days + (Days | Subject)\nsd(Days | Subject) ~ Half")
    lab.page.keyboard.press("Control+End")
    assert set(offered(lab).values()) == {"distribution"}


def test_shift_tab_says_what_a_column_holds(lab):
    prepared(lab, "%%lme\nReaction ~ Days + (1 | Subject")
    lab.page.keyboard.press("Shift+Tab")
    tooltip = lab.page.locator(".jp-Tooltip")
    tooltip.wait_for()
    lab.look("tooltip-light")
    said = tooltip.inner_text()
    assert "column of sleep (180 rows)" in said
    assert "18 in all" in said
    assert "can stand after |" in said
    lab.theme("JupyterLab Dark")
    lab.look("tooltip-dark")


def test_words_are_offered_while_a_sampler_runs(lab):
    cell = "%%lme m --data sleep --engine nuts --draws 40000 --seed 1 --panel\nReaction ~ Days + (Days | Subject)"
    lab.new(FRAME, cell, "%%lme\nReaction ~ Days + (Days | ")
    lab.run(0)
    lab.start(1)
    lab.page.wait_for_selector('.pfnb-panel[data-status="running"]', timeout=120_000)
    # While it compiles, and again while it samples.
    for phase in ("compiling", "sampling"):
        lab.until(
            "({ phase }) => (document.querySelector('.pfnb-panel') || {}).innerText.includes(phase)", 240.0, phase=phase
        )
        lab.cell(2).locator(".cm-content").click()
        lab.write(2, "%%lme\nReaction ~ Days + (Days | ")
        lab.page.keyboard.press("Control+End")
        assert next(iter(offered(lab))) == "Subject"
        lab.look(f"while-{phase}")
        lab.page.keyboard.press("Enter")
        lab.page.wait_for_selector(POPUP, state="hidden")
        lab.page.keyboard.press("Shift+Tab")
        tooltip = lab.page.locator(".jp-Tooltip")
        tooltip.wait_for()
        assert "column of sleep (180 rows)" in tooltip.inner_text()
        lab.page.keyboard.press("Escape")
        tooltip.wait_for(state="detached")
        assert lab.cell(1).locator(".jp-InputPrompt").inner_text() == "[*]:"
    lab.click("Stop")
    lab.finished(1, 60.0)
    assert "stopped" in lab.text(1)


def test_words_are_offered_while_another_cell_awaits(lab):
    lab.new(FRAME, "import asyncio\nawait asyncio.sleep(60)", "%%lme\nReaction ~ Days + (Days | ")
    lab.run(0)
    lab.start(1)
    lab.page.wait_for_timeout(1000)
    lab.cell(2).locator(".cm-content").click()
    lab.page.keyboard.press("Control+End")
    assert "Subject" in offered(lab)
    lab.look("while-awaiting")
    lab.page.keyboard.press("Escape")
    assert lab.cell(1).locator(".jp-InputPrompt").inner_text() == "[*]:"
    lab.command("notebook:interrupt-kernel")
