"""HTML: a card as one static block that reads well trusted or not, in light and in dark, in any notebook.

There is no script, no id, no name attribute and no event handler. Where a front end takes the style sheet
away, what stays is plain tables and pictures on their own light paper.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import escape, mathematics, picture
from .card import Card
from .ratio_table import ratio_table
from .stylesheet import STYLE
from .table import Table, card_table
from .theme import said, sign

_FIGURE_SPACE, _POINT_SPACE = "\u2007", "\u2008"
_SENTENCE = 600  # characters of a sentence, which may hold several names


def render(card: Card) -> str:
    """Return a card as HTML: title, formula, mathematics, verdict, pictures, table, groups, run, priors."""
    parts = [
        _heading(card),
        _equation(card),
        _verdict(card),
        _posterior(card),
        _summary(card),
        "" if card.ratios is None else _table(ratio_table(card.ratios)),
        _groups(card),
        _details(card),
    ]
    # Notebook pages look for mathematics between dollar signs; a column name may hold two.
    return (
        f'<style>{STYLE}</style><div class="pfnb mathjax_ignore tex2jax_ignore">'
        + "".join(part for part in parts if part)
        + "</div>"
    )


def _heading(card: Card) -> str:
    title = f'<span class="pfnb-title"><b>{escape.html(card.heading)}</b></span> ' if card.heading else ""
    formula = f'<code class="pfnb-formula">{escape.html(card.formula, 400)}</code>'
    return f'<div class="pfnb-head">{title}{formula}</div>'


def _equation(card: Card) -> str:
    rows = "".join(f"<div>{line}</div>" for line in mathematics.html(card.equation))
    return f'<div class="pfnb-math" style="margin:8px 0">{rows}</div>'


def _verdict(card: Card) -> str:
    mark, verdict = sign(card.verdict.level), card.verdict
    level = card.verdict.level if card.verdict.level in ("fine", "caution", "bad") else "none"
    advice = f" <b>{escape.html(verdict.advice, _SENTENCE)}</b>" if verdict.advice else ""
    notes = "".join(f"<div>{escape.html(note, _SENTENCE)}</div>" for note in (*verdict.notes, *card.notes))
    notes = f'<div class="pfnb-notes">{notes}</div>' if notes else ""
    return (
        f'<div class="pfnb-verdict pfnb-{level}" role="status" style="margin:8px 0"><div>'
        f'<b class="pfnb-sign"><span aria-hidden="true">{mark.icon}</span>&nbsp;'
        f"{escape.html(mark.word)}.</b> "
        f"{escape.html(said(verdict.level, verdict.sentence), _SENTENCE)}{advice}</div>{notes}</div>"
    )


def _posterior(card: Card) -> str:
    if not card.marginals:
        return ""
    left_out = len(card.marginals) - picture.figures.MOST
    more = f'<div class="pfnb-more">{left_out} more densities are not drawn.</div>' if left_out > 0 else ""
    return f'<div class="pfnb-pictures">{picture.posterior_image(card.marginals)}</div>{more}'


def _summary(card: Card) -> str:
    return _table(card_table(card)) if card.summary.names else ""


def _table(shown: Table) -> str:
    headers = "".join(
        f'<th scope="col" style="text-align:right">{escape.html(header)}</th>' for header, _ in shown.columns
    )
    body = "".join(_section(shown, i) for i in range(len(shown.sections)))
    more = f'<div class="pfnb-more">{shown.left_out:,} more {shown.rest} are in the summary.</div>'
    return (
        '<div class="pfnb-scroll"><table class="pfnb-table" style="margin:8px 0"><thead><tr>'
        f'<th scope="col" style="text-align:left">parameter</th>{headers}</tr></thead>{body}</table></div>'
        + (more if shown.left_out else "")
    )


def _section(shown: Table, which: int) -> str:
    section = shown.sections[which]
    columns = shown.aligned(_FIGURE_SPACE, _POINT_SPACE)
    rows = [
        f'<tr class="pfnb-section"><th colspan="{len(columns) + 1}" scope="rowgroup" style="text-align:left">'
        f"{escape.html(section.heading)}</th></tr>"
    ]
    for i in section.rows:
        cells = "".join(
            f'<td style="text-align:right">{escape.html(cells[i].replace("-", "−"))}</td>' for _, cells in columns
        )
        rows.append(f"<tr>{_row_head(shown.names[i])}{cells}</tr>")
    return f"<tbody>{''.join(rows)}</tbody>"


def _row_head(name: str) -> str:
    return f'<th scope="row" style="text-align:left;font-weight:normal">{escape.html(name)}</th>'


def _groups(card: Card) -> str:
    if not card.groups:
        return ""
    images = "".join(picture.ranef_image(effects) for effects in card.groups)
    return f'<div class="pfnb-groups">{images}</div>'


def _details(card: Card) -> str:
    blocks = [("How it was run", card.run), ("Priors", card.priors)]
    shown = [
        f'<details class="pfnb-details"><summary>{heading}</summary>{_pairs(pairs)}</details>'
        for heading, pairs in blocks
        if pairs
    ]
    return "".join(shown)


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr>{_row_head(label)}<td style="text-align:left">{escape.html(value, _SENTENCE)}</td></tr>'
        for label, value in pairs
    )
    return f'<table class="pfnb-pairs" style="margin:4px 0"><tbody>{rows}</tbody></table>'
