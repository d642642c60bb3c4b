"""Column note: what a column holds, and what it can do in a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...design.column import Column
from ...design.table import read_table
from ...design.wording import counted, figure
from ...display import escape
from ...errors import DataError
from ...lang.printer import print_name
from ..session import Frame
from .note import Note

_LEVELS_SHOWN = 6
_FEW = 100


def column_note(frame: Frame, name: str) -> Note:
    """Return the facts of one column: type, range or levels, missing values, and its part in a model."""
    kind = f"column of {frame.label}"
    try:
        column = read_table(frame.value).column(name)
    except DataError as error:
        return Note(name, kind, advice=(error.message,))
    return Note(name, kind, (("type", _type(frame, name, column)), *_facts(column)), _advice(column))


def _facts(column: Column) -> tuple[tuple[str, str], ...]:
    missing = 0 if column.missing is None else int(column.missing.sum())
    absent = ("missing", "none" if missing == 0 else f"{missing:,} of {counted(len(column), 'row')}")
    if column.kind == "empty":
        return (absent,)
    if column.kind in ("factor", "boolean"):
        return (("levels", _levels(column)), absent)
    values = column.numbers()
    known = values[np.isfinite(values)]
    if not known.size:
        return (absent,)
    span = f"{figure(float(known.min()))} to {figure(float(known.max()))}"
    spread = f"mean {figure(float(known.mean()))}, sd {figure(float(known.std(ddof=1)) if known.size > 1 else 0.0)}"
    return (("range", f"{span}; {spread}"), absent)


def _levels(column: Column) -> str:
    levels = column.factor().levels
    shown = ", ".join(escape.shorten(level, 24) for level in levels[:_LEVELS_SHOWN])
    more = f", ... ({len(levels):,} in all)" if len(levels) > _LEVELS_SHOWN else ""
    return f"{shown}{more}"


def _advice(column: Column) -> tuple[str, ...]:
    written = escape.shorten(print_name(column.name))
    if column.kind == "empty":
        return ("Nothing but missing values: no model can use it.",)
    if column.kind == "factor":
        return (_factor_advice(len(column.factor().levels), len(column), ordered=column.ordered),)
    if column.kind == "boolean":
        return ("Two values: a coefficient for True, and it can stand after |.",)
    assert column.values is not None
    values = column.numbers()
    known = values[np.isfinite(values)]
    if known.size and known.min() == known.max():
        return ("The same in every row: it cannot be told from the intercept.",)
    if column.values.dtype.kind in "iu":
        distinct = len(np.unique(known))
        if distinct <= min(_FEW, max(2, known.size // 2)):
            values_said = counted(distinct, "value")
            return (
                f"Whole numbers with {values_said}: one slope as it is, "
                f"one coefficient a level as factor({written}); it can stand after |.",
            )
    return (f"Numbers: one slope as it is; ({written} | g) lets the slope vary over the levels of g.",)


def _factor_advice(levels: int, n: int, *, ordered: bool) -> str:
    said = f"{'An ordered' if ordered else 'A'} factor with {counted(levels, 'level')}"
    if levels < 2:
        return f"{said}: it cannot be told from the intercept."
    if levels == n:
        return f"{said}, one for every row: after | it cannot be told from the residual."
    return f"{said}: can stand after |."


def _type(frame: Frame, name: str, column: Column) -> str:
    words = {"factor": "levels", "boolean": "true or false", "empty": "empty"}.get(column.kind, "numbers")
    if column.kind == "number" and column.values is not None and column.values.dtype.kind in "iu":
        words = "whole numbers"
    dtype = _dtype(frame.value, name)
    return f"{words} ({dtype})" if dtype else words


def _dtype(value: Any, name: str) -> str:
    """Return the name of a column's type in the person's own library, "" where it has none."""
    try:
        dtype = value.schema[name] if hasattr(value, "schema") else value[name].dtype
    except (KeyError, TypeError, AttributeError, IndexError, ValueError):
        return ""
    return str(getattr(dtype, "name", "") or getattr(dtype, "type", dtype))
