"""The first tutorial in a real JupyterLab: what a person sees, in light and dark, wide and narrow."""

from __future__ import annotations

from pathlib import Path

import nbformat

REPOSITORY = Path(__file__).parents[2]
NAME = "01_first_model.ipynb"
# Fits that the tutorial shows: their titles, in the order of the page.
TITLES = ["sleep", "sceptic", "estimate", "batches"]


def test_the_first_notebook(lab, tmp_path):
    notebook = nbformat.read(REPOSITORY / "notebooks" / NAME, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, lab.root / NAME)

    lab.open(NAME)
    lab.command("notebook:run-all-cells")
    lab.page.wait_for_function(
        """count => {
            const cells = window.jupyterapp.shell.currentWidget.content.widgets
                .filter(cell => cell.model.type === 'code');
            return cells.length === count && cells.every(cell => cell.model.executionCount > 0);
        }""",
        arg=len(code),
        timeout=240_000,
    )
    shown = [read_card(card) for card in cards(lab)]
    assert [card["title"] for card in shown] == TITLES
    for card in shown:
        assert card["verdict"]
        assert card["pictures"]
        assert all(width > 0 for width in card["pictures"])
        assert all(card["words"])
        assert card["rows"] >= 3
        assert not card["cut"]
    # The one mistake shows our lines, and no traceback.
    errors = lab.page.locator('[data-mime-type="application/vnd.jupyter.stderr"]')
    assert errors.count() == 1
    assert "There is no column `Dais` in the data." in errors.inner_text()
    assert "Traceback" not in errors.inner_text()

    for theme in ("Light", "Dark"):
        lab.theme(f"JupyterLab {theme}")
        papers = {card.evaluate("card => getComputedStyle(card).backgroundColor") for card in cards(lab)}
        assert len(papers) == 1
        assert (brightness(papers.pop()) < 0.3) == (theme == "Dark")
        for width in (1280, 700):
            look(lab, tmp_path, theme.lower(), width)
    assert lab.outside == []
    assert lab.errors == []


def look(lab, folder, theme, width):
    """Take a picture of the page and of every fit, and check that nothing is cut."""
    # High enough for a whole fit, so that no toolbar lies over its picture.
    lab.page.set_viewport_size({"width": width, "height": 1400})
    lab.page.locator(".jp-Notebook .jp-Cell").first.scroll_into_view_if_needed()
    lab.page.wait_for_timeout(1000)
    lab.page.screenshot(path=folder / f"page-{theme}-{width}.png")
    for title, card in zip(TITLES, cards(lab), strict=True):
        card.scroll_into_view_if_needed()
        card.screenshot(path=folder / f"{title}-{theme}-{width}.png")
        assert not read_card(card)["cut"]


def cards(lab):
    """Return the shown fits, in the order of the page."""
    return lab.page.locator(".pfnb").all()


def read_card(card) -> dict:
    """Return what a fit shows: title, verdict, widths and words of its pictures, rows, whether it is cut."""
    return card.evaluate(
        """card => ({
            title: card.querySelector('.pfnb-title').textContent.trim(),
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
