"""Cell output: what a `%%lme` cell shows - the panel with the walk as one display, and below it the static form.

Both are displays with an id of their own, so that a run which was started from the panel changes the static form in
the place where it stands, whichever cell is being run at the time.
"""

from __future__ import annotations

import contextvars
import threading
import weakref
from typing import Any

from ...display import escape
from ...display.stylesheet import WIDGETS
from ...fit import Fit
from .training import Training

# The outputs whose widgets are open, so that `close` finds them; a fit that is gone takes its output along.
_OPEN: weakref.WeakSet[CellOutput] = weakref.WeakSet()
# Figures are drawn one at a time: matplotlib shares its fonts and settings between threads.
_DRAWING = threading.Lock()
_QUIET = "opacity:0.7;font-size:90%"
# What stands for the panel where there are no widgets. It must stay true whatever the panel does later, for a display
# that was changed would be a new view of the widget: what a person had typed there would be gone.
_SAVED = "The controls of this fit need a running kernel."


class CellOutput:
    """The output of one cell.

    shell: the running InteractiveShell. training: of the model that the cell shows. shown: the fit, or the model that
    is not fitted yet, whose static form stands there now. cell: the notebook's id of the cell, or "".
    """

    def __init__(self, shell: Any, training: Training) -> None:
        self.training = training
        self.shown: Any = None
        self.cell = _cell_id(shell)
        self._shell = shell
        self._context = contextvars.copy_context()  # knows the request that outputs belong to
        self._lock = threading.RLock()
        self._box: Any = None
        self._panel: Any = None
        self._walk: Any = None
        self._static: Any = None
        close(cell=self.cell)

    def show_panel(self, said: str = "") -> None:
        """Show the panel, if it is not there yet.

        said: one line in place of it where only text is shown.
        """
        from IPython.display import display
        from ipywidgets import VBox

        from ..panel.panel import Panel

        with self._lock:
            if self._box is not None:
                return
            self._panel = Panel(self.training)
            self._box = VBox([self._panel])
        _OPEN.add(self)
        view = self._box._repr_mimebundle_()
        quiet = f'<div style="{_QUIET}">{escape.html(_SAVED, 200)}</div>'
        plain = escape.plain(said or f"{self.training.name or 'The model'} is being fitted.")
        display({**view, "text/html": quiet, "text/plain": plain}, raw=True, display_id=True)

    def show(self, value: Any) -> None:
        """Show the static form of a fit or a model below the panel, or in place of the former one.

        May be called on any thread; where there is a panel, the walk goes through the fit.
        """
        self._walk_through(value)
        self._context.copy().run(self._show, value)

    def show_here(self, value: Any) -> None:
        """Show the static form as `show` does, but as a message of the cell that is being run.

        A program that runs notebooks hears nothing of a cell that has ended.
        """
        self._show(value)

    def announce(self, sentence: str) -> None:
        """Show one line where the static form will be; in a saved notebook a dead panel above it is hidden."""
        from IPython.display import display

        quiet = f'<style>{WIDGETS}</style><div class="pfnb-line" style="{_QUIET}">{escape.html(sentence, 400)}</div>'
        self._static = display({"text/html": quiet, "text/plain": escape.plain(sentence)}, raw=True, display_id=True)

    def close(self) -> None:
        """Take the panel and the walk away, and give up a run that is under way; the static form stays."""
        with self._lock:
            widgets = [widget for widget in (self._walk, self._panel, self._box) if widget is not None]
            _OPEN.discard(self)
        self.training.drop()
        for widget in widgets:
            for part in (getattr(widget, "layout", None), widget):
                if part is not None:
                    part.close()

    def _walk_through(self, value: Any) -> None:
        with self._lock:
            if self._box is None or not isinstance(value, Fit):
                return
            if self._walk is not None:
                self._walk.fit = value
                return
            from ..walk.walk import Walk

            self._walk = Walk(value)
            self._box.children = (self._panel, self._walk)

    def _show(self, value: Any) -> None:
        from IPython.display import display

        with _DRAWING:
            data, metadata = self._shell.display_formatter.format(value)
        self.shown = value
        if self._static is None:
            self._static = display(data, metadata=metadata, raw=True, display_id=True)
        else:
            self._static.update(data, metadata=metadata, raw=True)


def close(fit: Any = None, *, name: str = "", cell: str = "", but: CellOutput | None = None) -> int:
    """Close the panel and the walk of a fit, of a name, or of a cell; return how many there were.

    A run that is under way in such a panel is given up. Their static forms stay. `%lme forget` calls this with the
    fit, the model or the stand-in that it forgets. but: the output that is to stay.
    """
    from .background import training_of

    training = training_of(fit)
    closed = 0
    for output in list(_OPEN):
        of_fit = fit is not None and (output.shown is fit or output.training is training)
        of_name = name and output.training.name == name
        if output is not but and (of_fit or of_name or (cell and output.cell == cell)):
            output.close()
            closed += 1
    return closed


def of(fit: Any) -> CellOutput | None:
    """Return the output that shows a fit with an open panel, None where there is none."""
    return next((output for output in list(_OPEN) if output.shown is fit), None)


class ShownOnce:
    """Lets the notebook's display hook pass over a value that its cell has shown already."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._value: Any = None
        self._count = -1

    def remember(self, value: Any) -> None:
        """Pass over this value when it is the value of the cell that is being run."""
        self._value, self._count = value, self._shell.execution_count

    def __call__(self, value: Any) -> None:
        """Do nothing for the value that was shown; for any other, say that this is nobody's business here."""
        if self._value is not value or self._count != self._shell.execution_count:
            raise NotImplementedError
        self._value = None


def line(fit: Fit) -> str:
    """Say in one line how a fit was made, such as "Exact · 4,000 draws · seed 1 · 0.2 s"."""
    from ...display.progress import duration
    from ...inference.engine import Posterior

    words = [type(fit.engine).__name__]
    if isinstance(fit.answer, Posterior):
        draws = fit.answer.draws
        words.append(f"{draws.n_chains * draws.n_draws:,} draws")
    words += [f"seed {fit.seed}", duration(fit.seconds)]
    return " · ".join(["stopped early", *words] if fit.stopped else words)


def _cell_id(shell: Any) -> str:
    try:
        return str(shell.get_parent().get("metadata", {}).get("cellId", "") or "")
    except (AttributeError, LookupError):
        return ""
