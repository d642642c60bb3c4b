"""Plain text: a card for terminals, logs and diffs."""

from __future__ import annotations

from collections.abc import Iterator

from . import escape, mathematics
from .card import Card
from .ratio_table import ratio_table
from .table import Table, card_table
from .theme import said, sign

_SENTENCE = 600


def render(card: Card) -> str:
    """Return a card as plain text: title, formula, mathematics, verdict, table, how it was run."""
    mark = sign(card.verdict.level)
    head = f"{escape.plain(card.heading)}: " if card.heading else ""
    parts = [head + escape.plain(card.formula, 400)]
    parts.append("\n".join("  " + line for line in mathematics.text(card.equation)))
    verdict = " ".join(part for part in (said(card.verdict.level, card.verdict.sentence), card.verdict.advice) if part)
    sentences = [f"{mark.icon} {mark.word}. {escape.plain(verdict, _SENTENCE)}"]
    sentences += ["  " + escape.plain(note, _SENTENCE) for note in (*card.verdict.notes, *card.notes)]
    parts.append("\n".join(sentences))
    if card.summary.names:
        parts.append(render_table(card_table(card)))
    if card.ratios is not None:
        parts.append(render_table(ratio_table(card.ratios)))
    if card.run:
        parts.append(" · ".join(f"{escape.plain(k)}: {escape.plain(v, _SENTENCE)}" for k, v in card.run))
    return "\n\n".join(parts)


def render_table(shown: Table) -> str:
    """Return a table as plain text, names on the left, numbers aligned on their decimal points."""
    names = [escape.plain(name) for name in shown.names]
    first = max([len("parameter"), *(escape.width(name) + 2 for name in names)])
    columns = shown.aligned()
    widths = [max(len(header), *map(len, cells)) if cells else len(header) for header, cells in columns]

    def line(name: str, cells: Iterator[str]) -> str:
        filled = (escape.pad(cell, wide, right=True) for cell, wide in zip(cells, widths))
        return "  ".join([escape.pad(name, first), *filled]).rstrip()

    rows = [line("parameter", (header for header, _ in columns))]
    for section in shown.sections:
        rows.append(section.heading)
        rows += [line("  " + names[i], (cells[i] for _, cells in columns)) for i in section.rows]
    if shown.left_out:
        rows.append(f"{shown.left_out:,} more {shown.rest} are in the summary.")
    return "\n".join(rows)
