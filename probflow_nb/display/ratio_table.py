"""Ratio table: exp of the common effects below the table of a card, in the same form."""

from __future__ import annotations

import math

import numpy as np

from . import digits
from .card import Ratios
from .table import MOST_COMMON, Section, Table


def ratio_table(found: Ratios) -> Table:
    """Return the ratios of a card as a table of one section, two figures of each interval's width shown.

    As many rows are shown as a card lists of common effects.
    """
    tail = 50.0 * (1.0 - found.probability)
    rows = [
        _row(*(float(column[i]) for column in (found.values, found.lower, found.upper)))
        for i in range(min(len(found.names), MOST_COMMON))
    ]
    headers = (found.kind, f"{tail:g}%", f"{100 - tail:g}%")
    columns = tuple((header, tuple(row[c] for row in rows)) for c, header in enumerate(headers))
    section = Section(heading(found.kind), tuple(range(len(rows))))
    return Table(found.names[: len(rows)], columns, (section,), len(found.names) - len(rows), "ratios")


def heading(kind: str) -> str:
    """Return the heading of ratios of a kind, such as "Odds ratios, exp of the common effects"."""
    many = kind.replace("ratio", "ratios")
    return f"{many[:1].upper()}{many[1:]}, exp of the common effects"


def _row(value: float, lower: float, upper: float) -> list[str]:
    # The lower half of an interval is the narrower one on this scale; it says which digits matter.
    spread = (value - lower) / 2
    places = digits.decimals(math.nan, spread, abs(value)) if np.isfinite(spread) else 2
    return digits.row([value, lower, upper], min(places, 4))
