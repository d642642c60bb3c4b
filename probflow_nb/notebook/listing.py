"""Listing: the models of a notebook as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..display import escape
from ..display.theme import sign

_HEADS = ("model", "formula", "rows", "engine", "verdict")
_NOTHING = "No models yet. Begin a cell with %%lme NAME, and write the model below it."


@dataclass(frozen=True)
class Listing:
    """The table that `%lme` shows.

    rows: one (model, formula, rows, engine, verdict) tuple a model, all text.
    """

    rows: tuple[tuple[str, str, str, str, str], ...]

    def __repr__(self) -> str:
        if not self.rows:
            return _NOTHING
        cells = [_HEADS, *(tuple(escape.plain(cell) for cell in row) for row in self.rows)]
        widths = [max(escape.width(row[i]) for row in cells) for i in range(len(_HEADS))]
        return "\n".join(
            "  ".join(
                escape.pad(cell, width, right=head == "rows")
                for cell, width, head in zip(row, widths, _HEADS, strict=True)
            ).rstrip()
            for row in cells
        )

    def _repr_html_(self) -> str:
        if not self.rows:
            return f"<p>{escape.html(_NOTHING, len(_NOTHING))}</p>"
        head = "".join(f'<th style="text-align:{_side(name)}">{name}</th>' for name in _HEADS)
        body = "".join(f"<tr>{_row(row)}</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def listing(fits: Sequence[tuple[str, Any]]) -> Listing:
    """Return the table of some (name, fit) pairs, in their order."""
    return Listing(tuple(_describe(name, fit) for name, fit in fits))


def _describe(name: str, fit: Any) -> tuple[str, str, str, str, str]:
    mark = sign(fit.verdict.level)
    engine = getattr(fit, "engine", None)  # a model that is not fitted yet has none
    label = "" if engine is None else type(engine).__name__.lower()
    model = fit.model
    y = model.design.y if hasattr(model, "design") else model.y  # a model of one's own has no design
    return name, fit.formula, f"{len(y):,}", label, f"{mark.icon} {mark.word}"


def _row(row: tuple[str, ...]) -> str:
    return "".join(
        f'<td style="text-align:{_side(head)}">{escape.html(cell, 200)}</td>'
        for cell, head in zip(row, _HEADS, strict=True)
    )


def _side(head: str) -> str:
    return "right" if head == "rows" else "left"
