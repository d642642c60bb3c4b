"""Wording: names, levels and row numbers as the sentences of errors show them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SHOWN = 8
_LONGEST = 40


def listed(names: Sequence[str]) -> str:
    """Return names as a list for a sentence: at most eight, then how many more."""
    shown = ", ".join(_shortened(name) for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN:,} more"


def level_text(level: str) -> str:
    """Return a level between quotes, shortened to 40 characters."""
    return f'"{_shortened(level)}"'


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, such as "1 row" or "2,000 rows"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def first_row(bad: np.ndarray, rows: np.ndarray | None) -> str:
    """Return where the first bad row stands in the data; rows: their places in the data, None if all."""
    first = int(np.argmax(bad))
    return f"the first in row {first if rows is None else int(rows[first])} (counted from 0)"


def figure(value: float) -> str:
    """Return a number with at most six significant digits."""
    return f"{value:.6g}"


def _shortened(name: str) -> str:
    flat = " ".join(name.split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 3] + "..."
