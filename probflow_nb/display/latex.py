"""LaTeX: a card for papers and for notebooks exported as PDF; needs amsmath and booktabs alone."""

from __future__ import annotations

from . import digits, escape, mathematics
from .card import Card
from .ratio_table import ratio_table
from .table import Table, card_table
from .theme import said, sign

_SENTENCE = 600


def render(card: Card) -> str:
    """Return a card as LaTeX: formula, mathematics, verdict and table."""
    title = rf"\textbf{{{escape.latex(card.heading)}}}: " if card.heading else ""
    parts = [rf"{title}\texttt{{{escape.latex(card.formula, 400)}}}"]
    parts.append("\\[\n" + mathematics.latex(card.equation) + "\n\\]")
    sentences = (said(card.verdict.level, card.verdict.sentence), card.verdict.advice, *card.verdict.notes, *card.notes)
    verdict = " ".join(escape.latex(sentence, _SENTENCE) for sentence in sentences if sentence)
    parts.append(rf"\textit{{{escape.latex(sign(card.verdict.level).word)}.}} {verdict}")
    if card.summary.names:
        parts.append(render_table(card_table(card)))
    if card.ratios is not None:
        parts.append(render_table(ratio_table(card.ratios)))
    return "\n\n".join(parts)


def render_table(shown: Table) -> str:
    """Return a table as a `tabular` with booktabs rules; invisible digits hold the decimal points in line."""
    columns = shown.aligned(r"\phantom{0}", r"\phantom{.}")
    rows = [" & ".join(["", *(escape.latex(header) for header, _ in columns)]) + r" \\", r"\midrule"]
    for k, section in enumerate(shown.sections):
        if k:
            rows.append(r"\addlinespace")
        rows.append(rf"\multicolumn{{{len(columns) + 1}}}{{l}}{{\textit{{{escape.latex(section.heading)}}}}} \\")
        for i in section.rows:
            cells = [_number(cells[i]) for _, cells in columns]
            rows.append(" & ".join([rf"\quad {escape.latex(shown.names[i])}", *cells]) + r" \\")
    body = "\n".join(rows)
    layout = "l" + "r" * len(columns)
    return f"\\begin{{tabular}}{{{layout}}}\n\\toprule\n{body}\n\\bottomrule\n\\end{{tabular}}"


def _number(cell: str) -> str:
    written = cell.replace("∞", r"$\infty$")
    if "e" in written:
        mantissa, exponent = written.split("e")
        return rf"${mantissa} \times 10^{{{exponent}}}$"
    if written.startswith("-"):
        return "$-$" + written[1:]
    return written.replace(digits.MISSING, "---")
