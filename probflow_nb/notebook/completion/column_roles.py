"""Column roles: which columns of a frame can be factors, from a small sample of their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ...design.column import Column
from ...design.table import read_table
from ...errors import DataError
from ..session import Frame

ROWS = 2_000
"""The most rows of a sample."""

_MOST_LEVELS = 100
# Columns that are looked into for one answer; the others are taken for numbers until the next.
_PATIENCE = 60
_KEPT = 20_000


class Roles:
    """What is known of the columns that were seen; the frames themselves are not kept."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], str] = {}

    def roles(self, frame: Frame, *, look: bool) -> dict[str, str]:
        """Return what each column can be: a "factor", "either" (whole numbers of few values) or a "number".

        look: whether values are looked at where the type does not tell; a column not looked into counts as a number.
        """
        found: dict[str, str] = {}
        left = _PATIENCE if look else 0
        for i, (name, kind) in enumerate(zip(frame.columns, _kinds(frame.value, frame.columns), strict=True)):
            if isinstance(kind, str):
                found.setdefault(name, kind)
                continue
            key = (id(frame.value), frame.n_rows, name, kind)
            if key not in self._known and left > 0:
                left -= 1
                self._remember(key, _role(frame, i))
            found.setdefault(name, self._known.get(key, "number"))
        return found

    def _remember(self, key: tuple[Any, ...], role: str) -> None:
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[key] = role


def levels(frame: Frame, name: str) -> tuple[str, ...]:
    """Return the levels of a column that a sample of its rows has, () where it cannot be a factor."""
    column = sampled_column(frame, frame.columns.index(name))
    if column is None or column.kind == "empty":
        return ()
    return column.levels if column.codes is not None else column.factor().levels


def sampled_column(frame: Frame, position: int) -> Column | None:
    """Return a column of a sample of the rows; None if it cannot be read."""
    name = frame.columns[position]
    try:
        return read_table({name: _cut(frame, position)}).column(name)
    except (DataError, TypeError, ValueError, AttributeError, KeyError, IndexError):
        return None


def sampled(frame: Frame, names: Iterable[str]) -> Any:
    """Return at most `ROWS` rows of some columns of a frame, evenly spaced; the frame itself where it has no more.

    A name that is no column, or that of more than one, is left out.
    """
    if frame.n_rows <= ROWS:
        return frame.value
    wanted = [name for name in names if frame.columns.count(name) == 1]
    return {name: _cut(frame, frame.columns.index(name)) for name in wanted}


def _cut(frame: Frame, position: int) -> Any:
    """Return evenly spaced rows of a column."""
    value, step = frame.value, max(1, -(-frame.n_rows // ROWS))
    if isinstance(value, Mapping):
        return list(value.values())[position][::step]
    if isinstance(value, np.ndarray):
        return value[frame.columns[position]].ravel()[::step]
    if hasattr(value, "iloc"):
        return value.iloc[:, position].iloc[::step]
    if hasattr(value, "to_series"):
        return value.to_series(position)[::step]
    return value.column(position).take(np.arange(0, frame.n_rows, step))


def _kinds(value: Any, names: tuple[str, ...]) -> list[Any]:
    """Return "factor" and "number" where the type alone says so, and the type itself elsewhere, None if unknown."""
    dtypes = getattr(value, "dtypes", None)
    if dtypes is None or len(dtypes) != len(names):
        return [None] * len(names)
    kinds = {"f": "number", "c": "number", "O": "factor", "b": "factor"}
    return [
        kinds.get(kind, dtype) if isinstance(kind := getattr(dtype, "kind", None), str) else dtype for dtype in dtypes
    ]


def _role(frame: Frame, position: int) -> str:
    column = sampled_column(frame, position)
    if column is None or column.kind == "empty":
        return "number"
    if column.kind != "number":
        return "factor"
    assert column.values is not None
    if column.values.dtype.kind not in "iu":
        return "number"
    n = len(column.values)
    distinct = len(np.unique(column.values))
    return "either" if distinct <= min(_MOST_LEVELS, max(2, n // 2)) else "number"
