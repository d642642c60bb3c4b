"""Columns: the data that a model uses, as it was read: numbers, yes and no, or levels in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..design.column import Column
from ..design.expression import Scope
from ..model.statement_data import Array, Sources
from .archive import damaged
from .record import Arrays, Record

_KINDS = {"number": "iuf", "boolean": "b"}


def column_page(column: Column, arrays: Arrays) -> dict[str, Any]:
    """Return the page of a column of complete rows."""
    page: dict[str, Any] = {"kind": column.kind}
    if column.values is not None:
        return page | {"values": arrays.add("column", column.values)}
    assert column.codes is not None
    levels = arrays.texts("levels", column.levels)
    return page | {"codes": arrays.add("codes", column.codes), "levels": levels, "ordered": column.ordered}


def read_column(name: str, page: Record, n: int | None) -> Column:
    """Return a column of n rows, of any number without n."""
    kind = page.text("kind")
    if kind in _KINDS:
        values = page.array("values", _KINDS[kind], (n,))
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise damaged(f"the column {name!r:.40} has values that are missing")
        return Column(name, kind, values=values)
    if kind != "factor":
        raise damaged(f"the column {name!r:.40} is of no known kind")
    codes, levels = page.array("codes", "i", (n,)), page.texts("levels")
    if codes.size and (codes.min() < 0 or codes.max() >= len(levels)):
        raise damaged(f"the column {name!r:.40} has rows of no level")
    if len(set(levels)) < len(levels):
        raise damaged(f"the column {name!r:.40} has two levels of one name")
    return Column(name, kind, codes=codes, levels=levels, ordered=page.flag("ordered"))


def columns_page(columns: Mapping[str, Column], arrays: Arrays) -> dict[str, Any]:
    """Return the pages of columns by name."""
    return {name: column_page(column, arrays) for name, column in columns.items()}


def read_columns(pages: Record, n: int) -> dict[str, Column]:
    """Return columns of n rows by name."""
    return {name: read_column(name, pages.record(name), n) for name in pages.fields}


def sources_page(sources: Sources, arrays: Arrays) -> dict[str, Any]:
    """Return the page of what the open names of statements stand for, on complete rows."""
    rows = sources.scope.rows
    return {
        "n": sources.scope.n,
        "n_rows": sources.n_rows,
        "first": sources.first,
        "rows": None if rows is None else arrays.add("rows", rows.astype(np.int64)),
        "columns": columns_page(sources.scope.columns, arrays),
        "matrices": {name: _matrix_page(matrix, arrays) for name, matrix in sources.matrices.items()},
        "vectors": {name: arrays.add("vector", vector) for name, vector in sources.vectors.items()},
        "numbers": {name: arrays.add("number", np.array(float(value))) for name, value in sources.numbers.items()},
    }


def read_sources(page: Record) -> Sources:
    """Return what the open names of statements stand for, to be learned from again."""
    n, n_rows = page.whole("n", 1), page.whole("n_rows", 1)
    rows = page.array("rows", "i", (n,)) if page.has("rows") else None
    columns = read_columns(page.record("columns"), n)
    matrices = {one: _matrix(one, page.record("matrices").record(one)) for one in page.names("matrices")}
    vectors = {one: page.record("vectors").array(one, "f", (None,)) for one in page.names("vectors")}
    numbers = {one: float(page.record("numbers").array(one, "f", ())) for one in page.names("numbers")}
    if n_rows < n or (rows is not None and not ascending(rows, n_rows)):
        raise damaged("its rows are not among those of the data")
    names = (*columns, *matrices, *vectors, *numbers)
    first = page.whole("first", 1, n - 1) if page.has("first") else None
    scope = Scope(n, columns, {}, True, rows)
    return Sources(scope, matrices, vectors, numbers, n_rows, n_rows - n, names, first)


def ascending(rows: np.ndarray, n_rows: int) -> bool:
    """Return whether rows are places in ascending order among n_rows."""
    return bool(rows.size == 0 or (rows[0] >= 0 and rows[-1] < n_rows and (np.diff(rows) > 0).all()))


def _matrix_page(matrix: Array, arrays: Arrays) -> dict[str, Any]:
    places = None if matrix.places is None else arrays.add("places", matrix.places)
    return {
        "columns": arrays.texts("names", matrix.columns),
        "values": arrays.add("matrix", matrix.values),
        "places": places,
    }


def _matrix(name: str, page: Record) -> Array:
    columns, values = page.texts("columns"), page.array("values", "f", (None, None))
    if not np.isfinite(values).all():
        raise damaged(f"the matrix {name!r:.40} has values that are missing")
    if not page.has("places"):
        if values.shape[1] != len(columns):
            raise damaged(f"the matrix {name!r:.40} has {values.shape[1]} columns, but {len(columns)} names")
        return Array(name, columns, values)
    places = page.array("places", "f", values.shape)
    if places.size and not (places.min() >= 0 and places.max() < len(columns)):
        raise damaged(f"the matrix {name!r:.40} has values in no column")
    return Array(name, columns, values, places)
