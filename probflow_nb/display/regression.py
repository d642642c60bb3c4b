"""Regression: a table for a paper - one fit with its figures in columns, or several side by side - in four forms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from . import escape
from .sheet import Sheet

_SENTENCE = 600
_WIDE = 200  # characters of a cell


@dataclass(frozen=True)
class Part:
    """Rows below one heading: (term, cells); a term "" goes on with the row above it."""

    heading: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Regression:
    """A table of strings, names not yet escaped.

    heads: one a column of figures. parts: the parameters by kind. foot: (label, cells) below a rule, such as the
    number of rows. notes: sentences below the table. caption: above it, or "".
    """

    heads: tuple[str, ...]
    parts: tuple[Part, ...]
    foot: tuple[tuple[str, tuple[str, ...]], ...] = ()
    notes: tuple[str, ...] = ()
    caption: str = ""

    def text(self) -> str:
        """Return the table as lines of text."""
        caption = [escape.plain(self.caption, _SENTENCE)] if self.caption else []
        return "\n".join([*caption, self._sheet("  ").text()])

    def html(self) -> str:
        """Return the table as a static block in the look of a fit."""
        caption = f"<div><b>{escape.html(self.caption, _SENTENCE)}</b></div>" if self.caption else ""
        return caption + self._sheet("\u2003").html()

    def _sheet(self, indent: str) -> Sheet:
        blank = ("",) * len(self.heads)
        rows: list[tuple[str, ...]] = []
        for part in self.parts:
            rows.append((part.heading, *blank))
            rows += [(indent + term, *map(_minus, cells)) for term, cells in part.rows]
        rows += [(label, *cells) for label, cells in self.foot]
        return Sheet((("", False), *((head, True) for head in self.heads)), tuple(rows), self.notes)

    def markdown(self) -> str:
        """Return the table in the pipe form, headings in bold text."""
        rows = [["", *(escape.markdown(head) for head in self.heads)]]
        for part in self.parts:
            rows.append([f"**{escape.markdown(part.heading)}**", *("" for _ in self.heads)])
            rows += [[escape.markdown(term), *map(_markdown, cells)] for term, cells in part.rows]
        rows += [[f"*{escape.markdown(label)}*", *map(_markdown, cells)] for label, cells in self.foot]
        widths = [max(3, *(escape.width(row[c]) for row in rows)) for c in range(len(self.heads) + 1)]
        lines = [
            "| " + " | ".join(escape.pad(cell, w, right=c > 0) for c, (cell, w) in enumerate(zip(row, widths))) + " |"
            for row in rows
        ]
        rule = "| " + " | ".join("-" * (w - bool(c)) + ":" * bool(c) for c, w in enumerate(widths)) + " |"
        caption = [f"**{escape.markdown(self.caption, _SENTENCE)}**", ""] if self.caption else []
        notes = ["", *(escape.markdown(note, _SENTENCE) for note in self.notes)] if self.notes else []
        return "\n".join([*caption, lines[0], rule, *lines[1:], *notes])

    def latex(self, label: str = "") -> str:
        r"""Return the table as a `tabular` with the rules of booktabs, in a `table` where it has a caption or a label.

        label: for `\ref`, letters, digits and `:-._`; what else it holds is left out.
        """
        rows = [_line("", [rf"\multicolumn{{1}}{{c}}{{{escape.latex(head)}}}" for head in self.heads]), r"\midrule"]
        for k, part in enumerate(self.parts):
            rows += [r"\addlinespace"] if k else []
            rows.append(rf"\multicolumn{{{len(self.heads) + 1}}}{{l}}{{\textit{{{escape.latex(part.heading)}}}}} \\")
            for term, cells in part.rows:
                rows.append(_line(rf"\quad {escape.latex(term)}" if term else "", map(_latex, cells)))
        rows += [r"\midrule"] if self.foot else []
        rows += [_line(escape.latex(name), map(_latex, cells)) for name, cells in self.foot]
        body = "\n".join(rows)
        layout = "l" + "r" * len(self.heads)
        found = f"\\begin{{tabular}}{{{layout}}}\n\\toprule\n{body}\n\\bottomrule\n\\end{{tabular}}"
        notes = "".join(f"\n\\par\\smallskip{{\\footnotesize {escape.latex(n, _SENTENCE)}}}" for n in self.notes)
        if not (self.caption or label):
            return found + notes
        caption = f"\\caption{{{escape.latex(self.caption, _SENTENCE)}}}\n" if self.caption else ""
        kept = "".join(c for c in label if c.isascii() and (c.isalnum() or c in ":-._"))
        mark = f"\\label{{{kept}}}\n" if kept else ""
        return f"\\begin{{table}}\n\\centering\n{caption}{mark}{found}{notes}\n\\end{{table}}"


def _line(first: str, cells: Iterable[str]) -> str:
    return " & ".join([first, *cells]) + r" \\"


def _minus(cell: str) -> str:
    return cell.replace("-", "−")


def _markdown(cell: str) -> str:
    return escape.markdown(_minus(cell), _WIDE)


def _latex(cell: str) -> str:
    written = escape.latex(cell, _WIDE).replace("-", "$-$").replace("∞", r"$\infty$")
    return written.replace("—", "---")
