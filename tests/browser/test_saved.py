"""A notebook that was saved, opened again by somebody without its kernel: the static form is there, no dead widget."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import nbformat
import pytest
from laboratory import LOAD, notebook

MODEL = "%%lme sleep --data sleepstudy --seed 1\nReaction ~ Days + (Days | Subject)"
PLAN = "%%lme plan --data sleepstudy --no-fit\nReaction ~ Days + (1 | Subject)"
# Widgets of another's, and one of our kind: a display of its own above what stands below it.
WIDGET = """
import anywidget, ipywidgets
from IPython.display import HTML, display
class Alive(anywidget.AnyWidget):
    _esm = "export default { render({ el }) { el.classList.add('alive'); el.textContent = 'alive'; } }"
def show(below):
    box = ipywidgets.VBox([Alive(), Alive()])
    quiet = {"text/html": "<div>in place of it</div>", "text/plain": "in place of it"}
    display({**box._repr_mimebundle_(), **quiet}, raw=True)
    display(HTML(below))
"""
BELOW = {
    "ours": '<div class="pfnb">ours</div>',
    "line": '<div class="pfnb-line">ours</div>',
    "fallback": '<div class="pfnb pfnb-fallback">ours</div>',
    "theirs": "<div>theirs</div>",
    "named": '<div class="pfnbx">theirs</div>',
}
# What is seen of the outputs of a cell: their words, "" for one that takes no room.
SEEN = """n => {
    const cells = window.jupyterapp.shell.currentWidget.content.widgets;
    return [...cells[n].node.querySelectorAll('.jp-OutputArea-child')].map(
        child => child.getBoundingClientRect().height > 0 ? child.innerText.replace(/^\\s*\\[\\d+\\]:\\s*/, '') : '');
}"""
DEAD = ("Error displaying widget", "Loading widget")


def seen(lab, n: int) -> list[str]:
    return [text.strip() for text in lab.page.evaluate(SEEN, n)]


def settle(lab, cells: int) -> None:
    """Wait until every widget is there or is known to be dead."""
    lab.until(
        """({ cells }) => {
            // A dead widget may be hidden, so its words are looked for where they stand.
            const text = document.querySelector('.jp-Notebook').textContent;
            const found = document.querySelectorAll('.jp-Notebook .jp-OutputArea').length >= cells;
            return found && !text.includes('Loading widget');
        }""",
        cells=cells,
        seconds=60,
    )
    lab.page.wait_for_timeout(500)


def forgive(lab) -> None:
    """Take away what JupyterLab's own widget manager writes of widgets whose kernel is gone."""
    lab.errors[:] = [text for text in lab.errors if "widget model not found" not in text]


def test_only_a_dead_widget_right_above_ours_goes(lab):
    lab.new(
        f"{LOAD}\nfrom probflow_nb.display.stylesheet import STYLE\ndisplay(HTML(f'<style>{{STYLE}}</style>'))".replace(
            LOAD, f"{LOAD}\n{WIDGET}"
        ),
        *(f"show('''{html}''')" for html in BELOW.values()),
        "show(BELOW)\ndisplay(HTML('<div class=\"pfnb\">ours</div>'))".replace("BELOW", "'between'"),
    )
    lab.run(*range(len(BELOW) + 2))
    settle(lab, len(BELOW) + 1)
    alive = dict(zip(BELOW, (seen(lab, n) for n in range(1, len(BELOW) + 1)), strict=True))
    both = "alive\nalive"
    assert alive == {
        "ours": [both, "ours"],
        "line": [both, "ours"],
        "fallback": [both, ""],
        "theirs": [both, "theirs"],
        "named": [both, "theirs"],
    }
    lab.save()

    # The page is loaded again while the kernel lives: so do the widgets.
    lab.reload()
    settle(lab, len(BELOW) + 1)
    assert seen(lab, 1) == [both, "ours"]
    assert seen(lab, 3) == [both, ""]

    lab.shut_down()
    lab.open("notebook.ipynb")
    settle(lab, len(BELOW) + 1)
    error = "Error displaying widget: model not found"
    dead = dict(zip(BELOW, (seen(lab, n) for n in range(1, len(BELOW) + 1)), strict=True))
    assert dead == {
        "ours": ["", "ours"],
        "line": ["", "ours"],
        "fallback": ["", "ours"],
        "theirs": [error, "theirs"],
        "named": [error, "theirs"],
    }
    assert seen(lab, len(BELOW) + 1) == [error, "between", "ours"]
    forgive(lab)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return tmp_path_factory.mktemp("saved") / "saved.ipynb"


# What a saved cell shows: its static forms that are seen, their pictures, and words of dead or quiet widgets.
SHOWN = """n => {
    const cell = window.jupyterapp.shell.currentWidget.content.widgets[n].node;
    const seen = e => e.getBoundingClientRect().height > 0;
    const card = [...cell.querySelectorAll('.pfnb')].filter(seen);
    return {
        cards: card.length,
        titles: card.map(e => e.querySelector('.pfnb-title').textContent.trim()),
        pictures: card.flatMap(e => [...e.querySelectorAll('img')]).every(e => e.naturalWidth > 0 && e.alt),
        panels: [...cell.querySelectorAll('.pfnb-panel')].filter(seen).length,
        words: cell.querySelector('.jp-Cell-outputArea').innerText,
    };
}"""


def assert_static(lab, n: int, title: str) -> None:
    found = lab.page.evaluate(SHOWN, n)
    assert (found["cards"], found["titles"], found["pictures"], found["panels"]) == (1, [title], True, 0)
    assert not any(word in found["words"] for word in DEAD)


def test_a_fit_is_live_with_its_kernel_and_static_without(lab, saved):
    lab.new(LOAD, MODEL, PLAN)
    lab.run(0, 1, 2)
    for n in (1, 2):
        lab.output(n).locator(".pfnb-panel").wait_for()
    lab.save()
    shutil.copy(lab.root / "notebook.ipynb", saved)
    assert len(saved.read_text(encoding="utf-8")) < 200_000

    lab.reload()
    for n, title in ((1, "sleep"), (2, "plan")):
        lab.output(n).locator(".pfnb-panel").wait_for()
        found = lab.page.evaluate(SHOWN, n)
        assert (found["cards"], found["titles"], found["panels"]) == (1, [title], 1)

    lab.shut_down()
    lab.open("notebook.ipynb")  # the same notebook, a new kernel
    settle(lab, 2)
    assert_static(lab, 1, "sleep")
    assert_static(lab, 2, "plan")
    lab.look_everywhere("trusted", lambda: lab.output(1))
    forgive(lab)


def test_a_notebook_of_another_person_without_any_kernel(lab, saved):
    theirs = nbformat.read(saved, as_version=4)
    theirs.metadata["kernelspec"] = {"name": "nowhere", "display_name": "Nowhere", "language": "python"}
    nbformat.write(theirs, lab.root / "theirs.ipynb")  # not signed here, so not trusted
    lab.open("theirs.ipynb", kernel=False)
    settle(lab, 2)
    trusted = "() => window.jupyterapp.shell.currentWidget.content.widgets[1].model.trusted"
    assert lab.page.evaluate(trusted) is False
    assert_static(lab, 1, "sleep")
    assert_static(lab, 2, "plan")
    lab.look("untrusted")


@pytest.mark.parametrize("execute", [False, True])
def test_a_page_made_of_it_is_static(execute, saved, browser, chromium, tmp_path):
    source = saved
    if execute:
        source = tmp_path / "run.ipynb"
        nbformat.write(notebook(LOAD, MODEL, PLAN), source)
    pages = [convert(source, tmp_path / "page", execute)]
    nbformat.write(notebook(), tmp_path / "empty.ipynb")
    pages.append(convert(tmp_path / "empty.ipynb", tmp_path / "empty", False))
    asked = []
    for page in pages:
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
            wanted: list[str] = []
            context.route("http*://**", partial(refuse, wanted))
            shown = context.new_page()
            shown.goto(page.as_uri())
            shown.wait_for_timeout(500)
            asked.append(sorted(set(wanted)))
            if page is pages[0]:
                found = shown.evaluate(
                    """() => [...document.querySelectorAll('.pfnb')].map(e => [
                        e.querySelector('.pfnb-title').textContent.trim(), e.getBoundingClientRect().height > 100])"""
                )
                assert found == [["sleep", True], ["plan", True]]
                text = shown.inner_text("body")
                assert not any(word in text for word in (*DEAD, "Cannot find"))
                assert shown.locator("script[type*='jupyter.widget']").count() == 0
            context.close()
    # The page asks for what an empty page of nbconvert's asks for, and for nothing of ours.
    assert asked[0] == asked[1] == asked[2] == asked[3]


def refuse(wanted: list[str], route) -> None:
    wanted.append(route.request.url)
    route.abort()


def convert(source: Path, target: Path, execute: bool) -> Path:
    """Make a page of a notebook as a person does on the command line."""
    target.mkdir()
    words = ["--execute"] if execute else []
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", *words, f"--output-dir={target}", "--output=page", source],
        check=True, env=environment, capture_output=True, timeout=240,
    )  # fmt: skip
    return target / "page.html"
