"""Waiting cell: the life of a `%%lme` cell on a worker thread - waited for, left in the background, or not begun."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ...fit import Fit, Unfitted
from ..commands import say
from ..progress import NotebookProgress, Waiting
from . import background, cell_output
from .awaiting import over
from .binding import Binding
from .cell_output import CellOutput, ShownOnce
from .order import Order
from .training import Training

PATIENCE = 0.7  # seconds of running before the panel appears


class WaitingCell:
    """One cell.

    shell: the running InteractiveShell. order: what it asks for. panel: "auto", "always" or "never".
    once: keeps the display hook from showing again what the cell shows itself.
    """

    def __init__(self, shell: Any, order: Order, panel: str, once: ShownOnce) -> None:
        self._shell = shell
        self._order = order
        self._panel = panel
        self._once = once
        self._stand_in: background.StandIn | None = None
        self._laid_out = threading.Event()  # what the cell shows by itself stands there
        self._silent = False
        self._shelf = order.shelf  # until the fit of this cell lies there
        self._not_kept = ""
        self._binding = Binding(shell, order.name)
        self.training = Training(
            self._prepared(order), order.name, order.engine, order.seed, order.device, settled=self._settled
        )
        self.output = CellOutput(shell, self.training)

    async def fitted(self) -> Fit:
        """Fit, waiting for it; show it, and return it as the cell's value."""
        try:
            self.training.start()
            await self._first_moment()
            if self._panel == "never":
                await self._with_a_bar()
            elif self.training.active:
                self.output.show_panel()
            await over(self.training)
        finally:
            self._laid_out.set()  # from here on, what the panel begins shows itself
        fit = self.training.answer()
        if self._not_kept:
            say(self._not_kept)
        if self._panel != "never":
            self.output.show_panel(cell_output.line(fit))
        self._show_now(fit)
        return fit

    def found(self, fit: Fit) -> Fit:
        """Show a fit that was kept, with a panel that goes on from it, and return it as the cell's value."""
        self._shelf = None
        self.training.stand_at(fit)
        if self._panel != "never":
            self.output.show_panel(cell_output.line(fit))
        self._binding.put(fit)
        self._close_former()
        self._show_now(fit)
        self._laid_out.set()
        return fit

    def unfitted(self, model: Unfitted) -> Unfitted:
        """Show a model with a panel that begins its fit, and return it as the cell's value."""
        self.training.model = model
        if self._panel != "never":
            self.output.show_panel(f"{self.training.name or 'The model'} is not fitted yet.")
        self._binding.put(model)
        self._close_former()
        self._show_now(model)
        self._laid_out.set()
        return model

    def left(self, *, widgets: bool, kernel: bool) -> background.StandIn:
        """Begin the fit and return its stand-in at once; the fit shows itself where the cell's output is.

        widgets: whether a panel can be shown. kernel: whether what stands in an output can be changed later.
        """
        self._stand_in = background.StandIn(self.training)
        self._binding.put(self._stand_in)
        self._close_former()
        self.training.start()
        try:
            if widgets and self._panel != "never":
                self.output.show_panel()
            self.output.announce(f"{self.training.name or 'The model'} is being fitted in the background.")
        finally:
            self._silent = not kernel  # a terminal cannot take back what it has printed
            self._laid_out.set()
        if kernel and not widgets:
            self._shell.events.register("post_run_cell", self._tell_program)
        self._once.remember(self._stand_in)
        return self._stand_in

    def _tell_program(self, result: Any) -> None:
        """Show the fit once more at the end of the first cell that ends after it."""
        if self.training.active:
            return
        self._shell.events.unregister("post_run_cell", self._tell_program)
        if self.training.fit is not None:
            self.output.show_here(self.training.fit)

    def _show_now(self, value: Any) -> None:
        self.output.show(value)
        self._once.remember(value)

    def _settled(self, fit: Fit) -> None:
        """Take a new fit in, on the worker thread; what no cell waits for is shown from here."""
        self._keep(fit)
        if self._stand_in is not None:
            background.settle(self._stand_in, fit)
        shown_by_cell = self._stand_in is None and not self._laid_out.is_set()
        self._binding.put(fit)
        self._close_former()
        if not shown_by_cell:
            self._laid_out.wait()
            if not self._silent:
                self.output.show(fit)

    def _keep(self, fit: Fit) -> None:
        """Keep the first fit, unless the panel has asked for another than the cell did."""
        shelf, self._shelf = self._shelf, None
        asked = (self.training.engine, self.training.seed, self.training.device)
        if shelf is not None and asked == (self._order.engine, self._order.seed, self._order.device):
            self._not_kept = shelf.keep(fit)

    def _close_former(self) -> None:
        if self.training.name:
            cell_output.close(name=self.training.name, but=self.output)

    def _prepared(self, order: Order) -> Callable[[], Unfitted]:
        return lambda: order.prepare(self.training.say)

    async def _first_moment(self) -> None:
        """Wait until the panel should appear: not before the data are read, so that a fault in them stands alone."""
        if self._panel != "always":
            await over(self.training, PATIENCE)
            return
        for _ in range(round(PATIENCE / 0.02)):
            if not self.training.active or self.training.model is not None:
                return
            await over(self.training, 0.02)

    async def _with_a_bar(self) -> None:
        progress = NotebookProgress(delay=0.0)
        try:
            while self.training.active:
                seen = self.training.snapshot
                progress.show(Waiting(seen.phase, seen.step, seen.total))
                await over(self.training, 0.2)
        finally:
            progress.close()
