"""Table: a summary as strings, rows in sections, numbers with the digits that they deserve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..posterior.summary import Summary
from . import digits
from .card import Card, Statements

COMMON = "Common effects"
GROUP = "Group sds and correlations"
RESIDUAL = "Residual"
FURTHER = "Further parameters"
CUTPOINTS = "Cutpoints"
# Sections of a model of one's own, by the role of a scalar.
OWN = {"common": "Parameters", "variance": "Scales", "correlation": "Correlations"}
MOST_COMMON = 40  # common effects that a card lists; the data frame holds all

# Shown header and the summary's columns that it is taken from; the first with a number wins.
_SHARED = (("mean", "mean"), ("sd", "sd"), ("median", "median"), ("2.5%", "q2.5"), ("97.5%", "q97.5"))
_POINT = (("estimate", "estimate"), ("se", "se"))


@dataclass(frozen=True)
class Section:
    """Rows of one kind of parameter: a heading and the numbers of its rows in the table."""

    heading: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Table:
    """A table of strings.

    names: the row names as the summary has them, not yet escaped.
    columns: (header, cells) pairs, one cell a row, not yet padded.
    sections: the rows by kind, in the order shown; every row shown is in one section.
    left_out: how many rows are not shown, all of one section; rest: what they are.
    """

    names: tuple[str, ...]
    columns: tuple[tuple[str, tuple[str, ...]], ...]
    sections: tuple[Section, ...]
    left_out: int = 0
    rest: str = "common effects"

    def aligned(self, blank: str = " ", point: str = " ") -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the columns with cells filled on the right: their points meet when right-aligned."""
        return tuple((header, tuple(digits.align(cells, blank, point))) for header, cells in self.columns)


def card_table(card: Card) -> Table:
    """Return the table of a card; a model of one's own has its sections by the roles of its scalars."""
    if isinstance(card.equation, Statements):
        return table(card.summary, card.equation.columns, card.roles)
    family = card.equation.family
    return table(card.summary, card.equation.columns, further=() if family is None else family.further)


def table(
    summary: Summary,
    common: Sequence[str] = (),
    roles: Mapping[str, str] | None = None,
    further: Sequence[str] = (),
) -> Table:
    """Return the table of a summary: mean, sd, median, interval, ess, rhat or khat; or estimate, se.

    common: the names of the common columns, which tells a column called "sigma" from the residual sd.
    roles: of the scalars of a model of one's own, whose names do not say what they are. further: the names of the
    family's further parameters, sigma alone of which is called a residual one.
    All numbers of a row have the decimals that the row's mcse, or standard error, lets its mean have.
    """
    kinds = _kinds(summary.names, common, further)
    headings = [COMMON, CUTPOINTS, GROUP, RESIDUAL, FURTHER]
    if roles is not None:
        kinds, headings = [OWN.get(roles.get(name, ""), OWN["common"]) for name in summary.names], list(OWN.values())
    sections, left_out = _sections(kinds, headings)
    if "mean" in summary:
        columns = [*_numbers(summary, _SHARED, "mean", "sd", "mcse"), *_diagnostics(summary)]
    else:
        columns = _numbers(summary, _POINT, "estimate", "se", None)
    shown = [i for section in sections for i in section.rows]
    position = {row: i for i, row in enumerate(shown)}
    return Table(
        tuple(summary.names[i] for i in shown),
        tuple((header, tuple(cells[i] for i in shown)) for header, cells in columns),
        tuple(Section(s.heading, tuple(position[i] for i in s.rows)) for s in sections),
        left_out,
        "common effects" if roles is None else "parameters",
    )


def _kinds(names: Sequence[str], common: Sequence[str], further: Sequence[str]) -> list[str]:
    open_names = list(common)
    kinds = []
    for name in names:
        if name in open_names:
            open_names.remove(name)
            kinds.append(COMMON)
        elif name.startswith(("sd(", "cor(")):
            kinds.append(GROUP)
        elif name in further and name != "sigma":
            kinds.append(CUTPOINTS if name.startswith("cut[") else FURTHER)
        else:
            kinds.append(RESIDUAL if name == "sigma" else COMMON)
    return kinds


def _sections(kinds: Sequence[str], headings: Sequence[str]) -> tuple[tuple[Section, ...], int]:
    found, left_out = [], 0
    for heading in headings:
        rows = [i for i, kind in enumerate(kinds) if kind == heading]
        if heading == headings[0] and len(rows) > MOST_COMMON:
            left_out = len(rows) - MOST_COMMON
            rows = rows[:MOST_COMMON]
        if rows:
            found.append(Section(heading, tuple(rows)))
    return tuple(found), left_out


def _column(summary: Summary, name: str | None) -> np.ndarray:
    if name is None or name not in summary:
        return np.full(len(summary.names), np.nan)
    return np.asarray(summary[name], dtype=float)


def _numbers(
    summary: Summary, wanted: Sequence[tuple[str, str]], center: str, spread: str, error: str | None
) -> list[tuple[str, list[str]]]:
    present = [(header, name) for header, name in wanted if name in summary]
    values = np.stack([_column(summary, name) for _, name in present]) if present else np.empty((0, 0))
    errors, spreads, centers = _column(summary, error), _column(summary, spread), _column(summary, center)
    rows = []
    for i in range(len(summary.names)):
        places = digits.decimals(float(errors[i]), float(spreads[i]), abs(float(centers[i])))
        if error is None and np.isnan(spreads[i]) and summary.names[i].startswith("cor("):
            places = 2
        rows.append(digits.row([float(v) for v in values[:, i]], places))
    return [(header, [row[c] for row in rows]) for c, (header, _) in enumerate(present)]


def _diagnostics(summary: Summary) -> list[tuple[str, list[str]]]:
    bulk, tail = _column(summary, "ess_bulk"), _column(summary, "ess_tail")
    ess = np.where(np.isnan(bulk), tail, bulk)
    rhat, khat = _column(summary, "rhat"), _column(summary, "khat")
    found = []
    if not np.isnan(ess).all():
        found.append(("ess", [digits.count(float(v)) for v in ess]))
    if not np.isnan(rhat).all():
        found.append(("rhat", [digits.fixed(float(v), 2) for v in rhat]))
    # One khat for all rows, as importance sampling has, is part of the verdict.
    if (np.isnan(rhat) & ~np.isnan(khat)).any() and len(np.unique(khat)) > 1:
        found.append(("khat", [digits.fixed(float(v), 2) for v in khat]))
    return found
