"""Joining: columns of two sets of rows, one below the other, with the levels of both."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..errors import DataError, Span
from ..lang.source import quoted
from .column import Column, number_column
from .table import Table

_HOLDS = {"number": "numbers", "boolean": "yes and no", "factor": "text or categories"}


def joined_column(first: Column, more: Column, span: Span | None = None) -> Column:
    """Return the rows of a column and then those of another of the same name and kind.

    New levels of text are sorted in among the others; those of categories in an order of their own follow them.
    Raises DataError where the first holds numbers and the other levels.
    """
    if "empty" in (first.kind, more.kind):
        return _with_empty(first, more)
    if first.kind == "factor" and more.kind != "factor":
        # Levels that are numbers may come as numbers: the fit has used the column as levels only.
        more = _as_levels(more)
    if first.kind != more.kind:
        raise DataError(
            f"The column {quoted(first.name)} holds {_HOLDS[more.kind]} in the new rows, "
            f"but {_HOLDS[first.kind]} in those of the fit.",
            span=span,
            hint="Give it the same type in both.",
        )
    missing = _missing(first, more)
    if first.codes is None:
        assert first.values is not None
        assert more.values is not None
        return replace(first, values=_values(first.values, more.values), missing=missing)
    assert more.codes is not None
    levels = _levels(first.levels, more.levels, first.ordered or first.declared)
    codes = np.concatenate([_recoded(first, levels), _recoded(more, levels)])
    return replace(first, codes=codes, levels=levels, missing=missing)


def joined_table(first: Table, more: Table) -> Table:
    """Return the rows of a table and then those of another, with the columns that both have, read when needed."""
    names = tuple(name for name in first.names if name in more.names)

    def read(place: int) -> Column:
        return joined_column(first.column(names[place]), more.column(names[place]))

    return Table(names, first.n_rows + more.n_rows, read)


def some_rows(table: Table, rows: np.ndarray | None) -> Table:
    """Return some rows of a table, all for None; its columns are read when needed."""
    if rows is None:
        return table
    return Table(table.names, len(rows), lambda place: table.read(place).take(rows), table.index_names)


def _with_empty(first: Column, more: Column) -> Column:
    """Return both where one is nothing but missing values, which have no kind."""
    known, gone = (more, first) if first.kind == "empty" else (first, more)
    n, missing = len(gone), _missing(first, more)
    if known.kind == "empty":
        return number_column(first.name, np.full(len(first) + len(more), np.nan), missing)
    parts = [known.codes, np.full(n, -1)] if known.codes is not None else [known.values, np.zeros(n, bool)]
    held = np.concatenate([np.asarray(part) for part in (parts if known is first else parts[::-1])])
    if known.codes is not None:
        return replace(known, codes=held, missing=missing)
    values = held if known.kind == "boolean" else held.astype(np.asarray(known.values).dtype)
    return replace(known, values=values, missing=missing)


def _as_levels(column: Column) -> Column:
    factor = column.factor()
    return Column(column.name, "factor", codes=factor.codes, levels=factor.levels, missing=column.missing)


def _missing(first: Column, more: Column) -> np.ndarray | None:
    if first.missing is None and more.missing is None:
        return None
    parts = (np.zeros(len(c), bool) if c.missing is None else c.missing for c in (first, more))
    return np.concatenate(list(parts))


def _values(first: np.ndarray, more: np.ndarray) -> np.ndarray:
    if first.dtype.kind in "iu" and more.dtype.kind in "iu" and first.dtype != more.dtype:
        # Signed and unsigned integers would meet as floats, which lose the digits of long numbers.
        low = min(int(a.min(initial=0)) for a in (first, more))
        kind = np.int64 if low < 0 else np.uint64
        return np.concatenate([first.astype(kind), more.astype(kind)])
    return np.concatenate([first, more])


def _levels(first: tuple[str, ...], more: tuple[str, ...], fixed: bool) -> tuple[str, ...]:
    known = set(first)
    new = [level for level in more if level not in known]
    if not new:
        return first
    is_sorted = all(a <= b for part in (first, more) for a, b in pairwise(part))
    return tuple(sorted((*first, *new))) if is_sorted and not fixed else (*first, *new)


def _recoded(column: Column, levels: tuple[str, ...]) -> np.ndarray:
    assert column.codes is not None
    if column.levels == levels:
        return column.codes
    place = {level: i for i, level in enumerate(levels)}
    return np.array([*(place[level] for level in column.levels), -1], dtype=np.int64)[column.codes]
