"""Showing: a model of the notebook shown again by `%lme NAME`, with its panel and walk where there is a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..fit import Fit, Unfitted
from .cell import cell_output
from .cell.awaiting import person_there
from .cell.background import training_of
from .cell.binding import Binding
from .cell.cell_output import CellOutput
from .cell.training import Snapshot, Training


def show(name: str, model: Any, shell: Any) -> Any:
    """Show a model below the line that asks for it, and return it as the line's value.

    The panel moves here from where it stood. Where no widgets can be shown, or while the panel that stands elsewhere
    is at work, the notebook shows the value by itself.
    """
    magics = shell.magics_manager.registry.get("LmeMagics")
    there = cell_output.of(model)
    busy = there is not None and there.training.active
    if magics is None or magics.panel == "never" or busy or not person_there(shell):
        return model
    cell_output.close(model)
    binding = Binding(shell, name)
    binding.put(model)

    def settled(fit: Fit) -> None:
        binding.put(fit)
        output.show(fit)

    output = CellOutput(shell, _training(name, model, settled))
    output.show_panel(cell_output.line(model) if isinstance(model, Fit) else f"{name} is not fitted yet.")
    output.show(model)
    magics.once.remember(model)
    return model


def progress(model: Any) -> Snapshot | None:
    """Return how far a fit in the background is, None for a model that is there."""
    training = training_of(model)
    return None if training is None else training.snapshot


def _training(name: str, model: Any, settled: Callable[[Fit], None]) -> Training:
    """Return a training that stands where the model stands: at its fit, or before any."""
    if isinstance(model, Unfitted):
        training = Training(lambda: model, name, settled=settled)
        training.model = model
        return training
    made = Unfitted(model.model, model.name)
    training = Training(lambda: made, name, model.engine, model.seed, model.device, settled)
    training.model, training.fit = made, model
    training.snapshot = Snapshot("done", type(model.engine).__name__)
    return training
