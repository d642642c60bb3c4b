"""Sheet: a plain table of words and figures, such as a list of models, as text and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import escape
from .stylesheet import STYLE

_CELL = 200  # characters of a cell that a page shows; plain text shows as many as of a name
_SENTENCE = 600


@dataclass(frozen=True)
class Sheet:
    """A table and sentences below it.

    heads: (words, whether the column is of figures and stands to the right) of each column; the first names the row.
    rows: tuples of as many texts. notes: what a reader should know.
    """

    heads: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the table as lines of text."""
        cells = [tuple(head for head, _ in self.heads)]
        cells += [tuple(escape.plain(cell) for cell in row) for row in self.rows]
        widths = [max(escape.width(row[i]) for row in cells) for i in range(len(self.heads))]
        lines = [
            "  ".join(
                escape.pad(cell, width, right=right)
                for cell, width, (_, right) in zip(row, widths, self.heads, strict=True)
            ).rstrip()
            for row in cells
        ]
        return "\n".join([*lines, *(escape.plain(note, _SENTENCE) for note in self.notes)])

    def html(self) -> str:
        """Return the table as a static block in the look of a fit."""
        head = "".join(
            f'<th scope="col" style="text-align:{_side(right)}">{escape.html(name)}</th>' for name, right in self.heads
        )
        body = "".join(f"<tr>{self._row(row)}</tr>" for row in self.rows)
        notes = "".join(f"<div>{escape.html(note, _SENTENCE)}</div>" for note in self.notes)
        notes = f'<div class="pfnb-notes">{notes}</div>' if notes else ""
        return (
            f'<style>{STYLE}</style><div class="pfnb pfnb-sheet mathjax_ignore tex2jax_ignore">'
            f'<div class="pfnb-scroll"><table class="pfnb-table"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>{notes}</div>"
        )

    def _row(self, row: Sequence[str]) -> str:
        first, *rest = (
            f'style="text-align:{_side(right)}">{escape.html(cell, _CELL)}'
            for cell, (_, right) in zip(row, self.heads, strict=True)
        )
        return f'<th scope="row" {first}</th>' + "".join(f"<td {cell}</td>" for cell in rest)


def _side(right: bool) -> str:
    return "right" if right else "left"
