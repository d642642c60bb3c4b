"""A page that shows a real JupyterLab, with the few things that a person does there."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
LOAD = "%load_ext probflow_nb"
THEMES = ("JupyterLab Light", "JupyterLab Dark")
WIDTHS = (1280, 700)
_CELLS = "const cells = window.jupyterapp.shell.currentWidget.content.widgets;"
_START = """async () => {
    const panel = window.jupyterapp.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
    window.pfnbRuns = {};
}"""


def notebook(*cells: str) -> nbformat.NotebookNode:
    """Return a notebook of code cells."""
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell(text) for text in cells]
    made.metadata["kernelspec"] = dict(KERNEL)
    return made


@dataclass
class Lab:
    """A page that shows JupyterLab, and what it did on the way.

    page: Playwright's. root: the folder of this test, which the server shows. pictures: the folder of its pictures.
    outside: addresses beyond the server that were asked for, each of them refused. errors: what the page wrote on
    its console as an error. A test that ends with one of either fails.
    """

    page: Any
    address: str
    root: Path
    pictures: Path
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    # Notebooks ---------------------------------------------------------------------------------------------------

    def new(self, *cells: str, name: str = "notebook.ipynb") -> None:
        """Write a notebook of these code cells, and open it."""
        nbformat.write(notebook(*cells), self.root / name)
        self.open(name)

    def open(self, name: str, kernel: bool = True) -> None:
        """Open a notebook of `root` and wait until its kernel answers; or, without a kernel, until it is shown."""
        self.page.goto(f"{self.address}/lab/tree/{self.root.name}/{name}?reset", wait_until="domcontentloaded")
        self._shown(kernel)

    def reload(self, kernel: bool = True) -> None:
        """Load the page again, as the browser's own button does."""
        self.page.reload(wait_until="domcontentloaded")
        self._shown(kernel)

    def save(self) -> None:
        """Save the notebook, and wait until it is on the disk."""
        self.page.evaluate("async () => await window.jupyterapp.shell.currentWidget.context.save()")

    def read(self, name: str = "notebook.ipynb") -> nbformat.NotebookNode:
        """Return a notebook as it was saved."""
        return nbformat.read(self.root / name, as_version=4)

    def shut_down(self) -> None:
        """End every kernel of the server."""
        for session in json.loads(self._ask("GET", "sessions")):
            with suppress(urllib.error.HTTPError):  # gone already
                self._ask("DELETE", f"sessions/{session['id']}")

    # Cells, counted from 0 ---------------------------------------------------------------------------------------

    def cell(self, n: int) -> Any:
        """Return the n-th cell of the page."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(n)

    def output(self, n: int) -> Any:
        """Return the output of the n-th cell."""
        return self.cell(n).locator(".jp-Cell-outputArea")

    def start(self, n: int) -> None:
        """Run the n-th cell, and do not wait for its end."""
        self.page.evaluate(
            f"""n => {{
                {_CELLS}
                window.jupyterapp.shell.currentWidget.content.activeCellIndex = n;
                window.jupyterapp.shell.currentWidget.content.deselectAll();
                window.pfnbRuns[n] = false;
                window.jupyterapp.commands.execute('notebook:run-cell').then(() => {{ window.pfnbRuns[n] = true; }});
            }}""",
            n,
        )

    def finished(self, n: int, seconds: float = 120.0) -> None:
        """Wait until the run of the n-th cell that `start` began is over."""
        self.page.wait_for_function("n => window.pfnbRuns[n] === true", arg=n, timeout=seconds * 1000)

    def run(self, *numbers: int, seconds: float = 120.0) -> None:
        """Run cells, one after the other, each to its end."""
        for n in numbers:
            self.start(n)
            self.finished(n, seconds)

    def text(self, n: int) -> str:
        """Return the words that are seen in the output of the n-th cell."""
        return str(self.output(n).inner_text()) if self.output(n).count() else ""

    def write(self, n: int, text: str) -> None:
        """Put a text into the n-th cell at once."""
        self.page.evaluate(f"([n, text]) => {{ {_CELLS} cells[n].model.sharedModel.setSource(text); }}", [n, text])

    def type(self, n: int, text: str) -> None:
        """Type at the end of the n-th cell, key by key."""
        self.cell(n).locator(".cm-content").click()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.type(text)

    # Controls ----------------------------------------------------------------------------------------------------

    def button(self, name: str, within: Any = None) -> Any:
        """Return the button of an accessible name, in a part of the page or in all of it."""
        return (within or self.page).get_by_role("button", name=name, exact=True)

    def click(self, name: str, role: str = "button", within: Any = None) -> None:
        """Click what has this role and accessible name."""
        (within or self.page).get_by_role(role, name=name, exact=True).click()

    def until(self, condition: str, seconds: float = 30.0, **words: Any) -> None:
        """Wait until a JavaScript function of `words` is true."""
        self.page.wait_for_function(condition, arg=words or None, timeout=seconds * 1000)

    def command(self, name: str, **arguments: Any) -> None:
        """Start a command of JupyterLab; its end is not waited for."""
        self.page.evaluate("([name, words]) => { window.jupyterapp.commands.execute(name, words); }", [name, arguments])

    def theme(self, name: str) -> None:
        """Change the theme, "JupyterLab Light" or "JupyterLab Dark", and wait until it is there."""
        self.command("apputils:change-theme", theme=name)
        light = "true" if name.endswith("Light") else "false"
        self.page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")
        self.page.wait_for_timeout(500)

    # Pictures ----------------------------------------------------------------------------------------------------

    def look(self, label: str, part: Any = None) -> Path:
        """Take a picture of the page, or of a part of it, and return its path."""
        path = self.pictures / f"{label}.png"
        (part or self.page).screenshot(path=path)
        return path

    def look_everywhere(self, label: str, part: Callable[[], Any] = lambda: None) -> None:
        """Take pictures in light and dark, wide and narrow; `part` finds what is pictured, None for the page."""
        for theme in THEMES:
            self.theme(theme)
            for width in WIDTHS:
                self.page.set_viewport_size({"width": width, "height": 1100})
                self.page.wait_for_timeout(400)
                self.look(f"{label}-{theme.split()[1].lower()}-{width}", part())
        self.page.set_viewport_size({"width": 1280, "height": 900})

    def _shown(self, kernel: bool) -> None:
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
        # Clicks and commands are lost while the splash is there or the session is not connected yet.
        self.page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=120_000)
        if kernel:
            self.page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content", timeout=120_000)
            self.page.evaluate(_START)
        self.page.evaluate("() => { window.jupyterapp.shell.collapseLeft(); }")

    def _ask(self, method: str, path: str) -> str:
        request = urllib.request.Request(f"{self.address}/api/{path}", method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(answer.read().decode())
