"""The tutorials in a real JupyterLab: what a person sees, in light and dark, wide and narrow."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

REPOSITORY = Path(__file__).parents[2]
# The fits that a tutorial shows, by their titles in the order of the page, and what its mistakes are answered with.
TUTORIALS = {
    "01_first_model.ipynb": (["sleep", "sceptic", "estimate", "batches"], ["There is no column `Dais` in the data."]),
    "02_statements_and_objects.ipynb": (
        ["statements", "", "", "seizures", "curve"],
        ["`Z @ w` does not fit: it needs 18 elements", "Forgetful.__call__ returns a tensor of shape (180, 1)"],
    ),
    "03_training_in_the_notebook.ipynb": (
        ["young", "chains", "slopes", "levels", "both", "intercepts", "waiting", "placed"],
        ["VI takes a learning rate above 0 and at most 1, not 2.0."],
    ),
    "04_families.ipynb": (["herds", "choice", "seizures", "varied", "robust", "uneven"], []),
    "05_living_with_a_fit.ipynb": (["sleep", "same", "choice"], []),
}
# What a tutorial does not fit has neither pictures nor a table.
UNFITTED = "Not fitted yet"


@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorial_runs_and_shows_itself(name, lab, tmp_path):
    titles, mistakes = TUTORIALS[name]
    notebook = nbformat.read(REPOSITORY / "notebooks" / name, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, lab.root / name)
    for picture in (REPOSITORY / "notebooks").glob("*.png"):
        shutil.copy(picture, lab.root)

    lab.open(name)
    lab.command("notebook:run-all-cells")
    lab.page.wait_for_function(
        """count => {
            const cells = window.jupyterapp.shell.currentWidget.content.widgets
                .filter(cell => cell.model.type === 'code');
            return cells.length === count && cells.at(-1).model.executionCount > 0;
        }""",
        arg=len(code),
        timeout=240_000,
    )
    shown = [read_card(card) for card in cards(lab)]
    assert [card["title"] for card in shown] == titles
    for card in shown:
        assert card["verdict"]
        assert not card["cut"]
        if UNFITTED in card["verdict"]:
            assert card["title"] == "waiting"
            continue
        assert card["pictures"]
        assert all(width > 0 for width in card["pictures"])
        assert all(card["words"])
        assert card["rows"] >= 3
    # The mistakes show our lines, and no traceback.
    errors = lab.page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts()
    assert len(errors) == len(mistakes)
    for error, mistake in zip(errors, mistakes, strict=True):
        assert mistake in error
        assert "Traceback" not in error

    for theme in ("Light", "Dark"):
        lab.theme(f"JupyterLab {theme}")
        papers = {card.evaluate("card => getComputedStyle(card).backgroundColor") for card in cards(lab)}
        assert len(papers) == 1
        assert (brightness(papers.pop()) < 0.3) == (theme == "Dark")
        for width in (1280, 700):
            look(lab, tmp_path, f"{theme.lower()}-{width}", width)
    assert lab.outside == []
    assert lab.errors == []


def look(lab, folder, label, width):
    """Take a picture of the page and of every fit, and check that nothing is cut."""
    # High enough for a whole fit, so that no toolbar lies over its picture.
    lab.page.set_viewport_size({"width": width, "height": 1400})
    lab.page.locator(".jp-Notebook .jp-Cell").first.scroll_into_view_if_needed()
    lab.page.wait_for_timeout(1000)
    lab.page.screenshot(path=folder / f"page-{label}.png")
    for position, card in enumerate(cards(lab)):
        card.scroll_into_view_if_needed()
        card.screenshot(path=folder / f"fit-{position}-{label}.png")
        assert not read_card(card)["cut"]


def cards(lab):
    """Return the shown fits, in the order of the page; comparisons and reports have no verdict."""
    return lab.page.locator(".pfnb:not(.pfnb-sheet, .pfnb-fallback):has(.pfnb-verdict)").all()


def read_card(card) -> dict:
    """Return what a fit shows: title, verdict, widths and words of its pictures, rows, whether it is cut."""
    return card.evaluate(
        """card => ({
            title: (card.querySelector('.pfnb-title')?.textContent ?? '').trim(),
            verdict: card.querySelector('.pfnb-verdict').textContent.trim(),
            pictures: [...card.querySelectorAll('img')].map(image => image.naturalWidth),
            words: [...card.querySelectorAll('img')].map(image => image.alt.trim()),
            rows: card.querySelectorAll('.pfnb-table tbody tr').length,
            cut: card.scrollWidth > card.clientWidth + 1,
        })"""
    )


def brightness(colour: str) -> float:
    """Return the mean of red, green and blue of "rgb(r, g, b)", from 0 to 1."""
    numbers = colour[colour.index("(") + 1 : colour.index(")")].split(",")
    return sum(float(number) for number in numbers[:3]) / (3 * 255)
