"""Listing: the models of a notebook as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..display import escape
from ..display.sheet import Sheet
from ..display.theme import sign
from .cell.background import training_of
from .cell.training import Snapshot, Training

_HEADS = (("model", False), ("formula", False), ("rows", True), ("engine", False), ("verdict", False))
_NOTHING = "No models yet. Begin a cell with %%lme NAME, and write the model below it."


@dataclass(frozen=True)
class Listing:
    """The table that `%lme` shows.

    rows: one (model, formula, rows, engine, verdict) tuple a model, all text.
    """

    rows: tuple[tuple[str, str, str, str, str], ...]

    def __repr__(self) -> str:
        return Sheet(_HEADS, self.rows).text() if self.rows else _NOTHING

    def _repr_html_(self) -> str:
        if not self.rows:
            return f"<p>{escape.html(_NOTHING, len(_NOTHING))}</p>"
        return Sheet(_HEADS, self.rows).html()


def listing(fits: Sequence[tuple[str, Any]]) -> Listing:
    """Return the table of some (name, fit) pairs, in their order."""
    return Listing(tuple(_describe(name, fit) for name, fit in fits))


def under_way_words(snapshot: Snapshot) -> str:
    """Return what a run is doing, such as "running: sampling, 45%"."""
    share = f", {snapshot.step / snapshot.total:.0%}" if snapshot.total else ""
    return f"{snapshot.status}: {snapshot.phase}{share}" if snapshot.phase else snapshot.status


def _describe(name: str, fit: Any) -> tuple[str, str, str, str, str]:
    training = training_of(fit)
    if training is not None:
        return _describe_run(name, training)
    mark = sign(fit.verdict.level)
    engine = getattr(fit, "engine", None)  # a model that is not fitted yet has none
    label = "" if engine is None else type(engine).__name__.lower()
    return name, fit.formula, _rows(fit), label, f"{mark.icon} {mark.word}"


def _describe_run(name: str, training: Training) -> tuple[str, str, str, str, str]:
    """Describe a fit in the background by what is known of it already; nothing waits for it."""
    seen, model = training.snapshot, training.model
    label = (seen.engine or ("" if training.engine is None else type(training.engine).__name__)).lower()
    verdict = f"✕ {seen.message}" if seen.status == "failed" else f"● {under_way_words(seen)}"
    formula, rows = ("", "") if model is None else (model.formula, _rows(model))
    return name, formula, rows, label, verdict


def _rows(fit: Any) -> str:
    model = fit.model
    y = model.design.y if hasattr(model, "design") else model.y  # a model of one's own has no design
    return f"{len(y):,}"
