"""Markdown: a card for reports and version control, with the mathematics between dollar signs."""

from __future__ import annotations

from . import escape, mathematics
from .card import Card
from .ratio_table import ratio_table
from .table import Table, card_table
from .theme import said, sign

_SENTENCE = 600
_FIGURE_SPACE, _POINT_SPACE = "\u2007", "\u2008"


def render(card: Card) -> str:
    """Return a card as Markdown: title, formula, mathematics, verdict, table, how it was run."""
    mark = sign(card.verdict.level)
    title = f"**{escape.markdown(card.heading)}** " if card.heading else ""
    parts = [title + escape.markdown(card.formula, 400)]
    parts.append("$$\n" + mathematics.latex(card.equation) + "\n$$")
    advice = f" **{escape.markdown(card.verdict.advice, _SENTENCE)}**" if card.verdict.advice else ""
    sentence = escape.markdown(said(card.verdict.level, card.verdict.sentence), _SENTENCE)
    notes = "".join(f" {escape.markdown(note, _SENTENCE)}" for note in (*card.verdict.notes, *card.notes))
    parts.append(f"**{escape.markdown(mark.icon)} {mark.word}.** {sentence}{advice}{notes}")
    if card.summary.names:
        parts.append(render_table(card_table(card)))
    if card.ratios is not None:
        parts.append(render_table(ratio_table(card.ratios)))
    if card.run:
        run = (f"{escape.markdown(k)}: {escape.markdown(v, _SENTENCE)}" for k, v in card.run)
        parts.append("*" + " · ".join(run) + "*")
    return "\n\n".join(parts)


def render_table(shown: Table) -> str:
    """Return a table in the pipe form; a row of bold text heads each section."""
    columns = shown.aligned(_FIGURE_SPACE, _POINT_SPACE)
    rows = [["parameter", *(header for header, _ in columns)]]
    for section in shown.sections:
        rows.append([f"**{section.heading}**", *("" for _ in columns)])
        rows += [[escape.markdown(shown.names[i]), *(cells[i] for _, cells in columns)] for i in section.rows]
    widths = [max(3, *(escape.width(row[c]) for row in rows)) for c in range(len(columns) + 1)]
    lines = [
        "| " + " | ".join(escape.pad(cell, wide, right=c > 0) for c, (cell, wide) in enumerate(zip(row, widths))) + " |"
        for row in rows
    ]
    rule = "| " + " | ".join("-" * widths[0] if c == 0 else "-" * (w - 1) + ":" for c, w in enumerate(widths)) + " |"
    more = [f"\n{shown.left_out:,} more {shown.rest} are in the summary."] if shown.left_out else []
    return "\n".join([lines[0], rule, *lines[1:], *more])
