"""Statement data: the names that a text of statements leaves open, found among columns and arrays, row by row."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..design.column import Column, array_column
from ..design.encoding import used_columns
from ..design.expression import Scope, State
from ..design.table import Table, read_table
from ..design.wording import counted, first_row, listed
from ..errors import DataError, Span
from ..lang.source import quoted
from ..lang.tree import Name, Node
from ..spec.model_spec import ModelSpec
from ..spec.statement_spec import StatementSpec, used_names
from ..spec.suggestion import did_you_mean

# A sparse matrix whose fullest row has more than this share of its columns is better dense.
_DENSE_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class Array:
    """A matrix of the notebook: dense values (n, p), or for each row the places and the values of what is not 0 (n, m).

    name: the variable. columns: p names. values: (n, p) or (n, m). places: (n, m) or None where dense.
    """

    name: str
    columns: tuple[str, ...]
    values: np.ndarray
    places: np.ndarray | None = None

    def take(self, rows: np.ndarray | None) -> Array:
        """Return the rows given; None means all."""
        if rows is None:
            return self
        places = None if self.places is None else self.places[rows]
        return Array(self.name, self.columns, self.values[rows], places)


@dataclass(frozen=True, eq=False)
class Sources:
    """What the open names of a text stand for.

    scope: the columns on the rows at hand, 1-D arrays of n values among them. matrices: 2-D arrays on the same rows.
    vectors: 1-D arrays of other lengths. numbers: single numbers. n_rows: rows before any was dropped.
    n_missing: rows dropped because a value was missing. first: how many rows a fit had to which others were added.
    """

    scope: Scope
    matrices: Mapping[str, Array]
    vectors: Mapping[str, np.ndarray]
    numbers: Mapping[str, float]
    n_rows: int
    n_missing: int
    column_names: tuple[str, ...]
    first: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that a name could stand for."""
        return (*self.column_names, *self.matrices, *self.vectors, *self.numbers)

    def copied(self) -> Sources:
        """Return them with columns and vectors of their own, which a later change of the data cannot reach."""
        columns = {name: column.copied() for name, column in self.scope.columns.items()}
        vectors = {name: np.array(vector) for name, vector in self.vectors.items()}
        return replace(self, scope=replace(self.scope, columns=columns), vectors=vectors)


def read_sources(
    spec: StatementSpec,
    data: Any,
    arrays: Mapping[str, Any],
    *,
    states: dict[Node, State] | None = None,
    response: bool = True,
) -> Sources:
    """Return what the open names of a text stand for: columns of the data first, then arrays.

    states: what transforms have learned in a fit; None for a fit. response: whether the response is read.
    Raises DataError for names that are neither, and for arrays of another length than the data.
    """
    table = read_table(data) if data is not None else None
    frame_names = set(table.names) if table is not None else set()
    needed = _needed(spec, response)
    given = {
        name.name: read_array(name.name, arrays[name.name])
        for name in needed
        if _from_arrays(name, frame_names, arrays)
    }
    n = _n_rows(table, given, needed, spec)
    columns: dict[str, Column] = {}
    for name in needed:
        if name.name in frame_names and table is not None:
            columns[name.name] = table.column(name.name, name.span)
    vectors: dict[str, np.ndarray] = {}
    row_names = _row_names(spec)
    for name in needed:
        value = given.get(name.name)
        if isinstance(value, Column):
            if len(value) == n:
                columns[name.name] = value
            elif name.name in row_names or value.values is None:
                raise _length(name, len(value), n, table is not None)
            else:
                vectors[name.name] = value.numbers()
    matrices = {key: value for key, value in given.items() if isinstance(value, Array)}
    for name in needed:
        if name.name in matrices and len(matrices[name.name].values) != n and name.name in row_names:
            raise _length(name, len(matrices[name.name].values), n, table is not None)
    if n == 0:
        raise DataError("The data have no rows.")
    used = [name for name in needed if name.name in columns]
    rows = _complete(columns, used, n) if states is None else None
    scope_columns = {key: column.take(rows) for key, column in columns.items()}
    if states is None:
        _check_finite(scope_columns, used, rows)
    scope = Scope(
        n if rows is None else len(rows), scope_columns, {} if states is None else states, states is None, rows
    )
    matrices = {key: m.take(rows) if len(m.values) == n else m for key, m in matrices.items()}
    numbers = {key: value for key, value in given.items() if isinstance(value, float)}
    names = tuple(dict.fromkeys([*(table.names if table is not None else ()), *arrays]))
    return Sources(scope, matrices, vectors, numbers, n, n - scope.n, names)


def _needed(spec: StatementSpec, response: bool) -> list[Name]:
    own = {name.name for name in used_names(spec.response)}
    found = {name.name: name for name in (*spec.indices, *spec.columns, *spec.open_names)}
    return [name for name in found.values() if response or name.name not in own]


def _from_arrays(name: Name, frame_names: set[str], arrays: Mapping[str, Any]) -> bool:
    return name.name not in frame_names and name.name in arrays


def _row_names(spec: StatementSpec) -> set[str]:
    """Return the open names of the likelihood, which speak of rows: its own, and those of what it uses."""
    found = {name.name for name in (*used_names(spec.response), *spec.columns)}
    waiting: list[Node] = [spec.likelihood]
    while waiting:
        for name in used_names(waiting.pop()):
            value = spec.definition(name.name)
            if value is not None and name.name not in found:
                waiting.append(value)
            found.add(name.name)
    return found


def _n_rows(table: Table | None, given: Mapping[str, Any], needed: Iterable[Name], spec: StatementSpec) -> int:
    if table is not None:
        return table.n_rows
    for name in (*used_names(spec.response), *needed):
        value = given.get(name.name)
        if isinstance(value, Column):
            return len(value)
        if isinstance(value, Array):
            return len(value.values)
    first = next(iter((*used_names(spec.response), *needed)))
    raise DataError(
        f"There are no data and no array {quoted(first.name)}.",
        span=first.span,
        hint="Give the data, or arrays by name.",
    )


def _length(name: Name, found: int, n: int, data: bool) -> DataError:
    other = f"the data have {counted(n, 'row')}" if data else f"the response has {counted(n, 'value')}"
    return DataError(f"The array {quoted(name.name)} has {counted(found, 'row')}, but {other}.", span=name.span)


def _complete(columns: Mapping[str, Column], used: Iterable[Name], n: int) -> np.ndarray | None:
    """Return the rows without a missing value, None if all."""
    missing = np.zeros(n, dtype=bool)
    for name in used:
        mask = columns[name.name].missing
        if mask is not None and mask.all():
            raise DataError(f"Every value of the column {quoted(name.name)} is missing.", span=name.span)
        missing |= False if mask is None else mask
    if missing.all():
        raise DataError("Every row has a missing value in one of the columns of the model.")
    return np.flatnonzero(~missing) if missing.any() else None


def _check_finite(columns: Mapping[str, Column], used: Iterable[Name], rows: np.ndarray | None) -> None:
    for name in used:
        values = columns[name.name].values
        if values is None or values.dtype.kind != "f":
            continue
        bad = ~np.isfinite(values)
        if bad.any():
            message = f"{quoted(name.name)} has {counted(int(bad.sum()), 'infinite value')}, {first_row(bad, rows)}."
            raise DataError(message, span=name.span, hint="Correct them or mark them as missing.")


def read_array(name: str, value: Any) -> Column | Array | float:
    """Return what a variable of the notebook holds: a number, one value a row, or a matrix.

    Raises DataError for anything else, for text in a matrix, and for values that are missing or infinite in one.
    """
    sparse = sys.modules.get("scipy.sparse")
    if sparse is not None and sparse.issparse(value):
        return _sparse(name, value)
    if hasattr(value, "columns") and not isinstance(value, np.ndarray):
        return _frame(name, value)
    if hasattr(value, "numpy") and not hasattr(value, "to_numpy"):
        value = value.numpy()
    if isinstance(value, (bool, int, float, np.number)):
        number = float(value)
        if not np.isfinite(number):
            raise DataError(f"The number {quoted(name)} is {number}, but it must be finite.")
        return number
    try:
        array = np.asarray(value)
    except ValueError:
        raise DataError(f"The array {quoted(name)} is ragged: its rows have different lengths.") from None
    if array.ndim <= 1:
        if array.ndim == 0:
            raise DataError(f"{quoted(name)} is of type {type(value).__name__}, but it must be a number or an array.")
        return array_column(name, array)
    if array.ndim != 2:
        shape = " x ".join(map(str, array.shape))
        raise DataError(f"The array {quoted(name)} has the shape {shape}; a matrix has rows and columns.")
    if array.dtype.kind not in "biuf":
        raise DataError(f"The array {quoted(name)} must hold numbers, but it holds {_kind(array)}.")
    return Array(name, tuple(map(str, range(array.shape[1]))), _finite(name, array.astype(np.float64)))


def _kind(array: np.ndarray) -> str:
    return {"U": "text", "S": "text", "O": "objects", "c": "complex numbers"}.get(array.dtype.kind, "dates or times")


def _finite(name: str, array: np.ndarray) -> np.ndarray:
    bad = ~np.isfinite(array)
    if bad.any():
        rows = bad.any(axis=1)
        word = "missing" if np.isnan(array[bad][0]) else "infinite"
        raise DataError(f"The array {quoted(name)} has {word} values, {first_row(rows, None)}.")
    return array


def _frame(name: str, value: Any) -> Array:
    table = read_table(value)
    columns = []
    for column_name in table.names:
        column = table.column(column_name)
        if column.values is None:
            message = f"The column {quoted(column_name)} of {quoted(name)} holds text, where numbers are needed."
            raise DataError(message, hint="Code it as numbers first, or write design(...) with its columns.")
        columns.append(column.numbers())
    if not columns:
        raise DataError(f"The data frame {quoted(name)} has no columns.")
    return Array(name, table.names, _finite(name, np.column_stack(columns)))


def _sparse(name: str, value: Any) -> Array:
    matrix = value.tocsr().astype(np.float64)
    if matrix.ndim != 2:
        raise DataError(f"The sparse array {quoted(name)} is no matrix.")
    matrix.sum_duplicates()
    n, p = matrix.shape
    names = tuple(map(str, range(p)))
    counts = np.diff(matrix.indptr)
    widest = int(counts.max(initial=0))
    if widest == 0 or widest > _DENSE_SHARE * p:
        return Array(name, names, _finite(name, matrix.toarray()))
    places, values = np.zeros((n, widest)), np.zeros((n, widest))
    row = np.repeat(np.arange(n), counts)
    slot = np.arange(len(matrix.data)) - np.repeat(matrix.indptr[:-1], counts)
    places[row, slot], values[row, slot] = matrix.indices, matrix.data
    return Array(name, names, _finite(name, values), places)


def checked_arrays(arrays: object) -> Mapping[str, Any]:
    """Return arrays by name; None is none. Raises DataError for anything but a dictionary with names."""
    if arrays is None:
        return {}
    if not isinstance(arrays, Mapping) or not all(isinstance(name, str) for name in arrays):
        message = f"The arrays must be a dictionary of arrays by their names, not of type {type(arrays).__name__}."
        raise DataError(message, hint='Write arrays={"X": X}.')
    return arrays


def split_rows(data: Any) -> tuple[Any, dict[str, Any]]:
    """Return new rows as (columns, arrays): of a dictionary, what has two axes is an array."""
    if not isinstance(data, Mapping):
        return data, {}
    wide = {key: value for key, value in data.items() if len(getattr(value, "shape", ())) == 2}
    return {key: value for key, value in data.items() if key not in wide} or None, wide


def with_arrays(spec: ModelSpec, data: Any, arrays: Mapping[str, Any]) -> Any:
    """Return the data with the 1-D arrays that a model names and the data do not have as further columns."""
    names = used_columns(spec, response=True, groups=True, weights=True)
    table = read_table(data) if data is not None else None
    held = table.names if table is not None else ()
    wanted = [name for name in names if name.name not in held and name.name in arrays]
    if not wanted:
        return data
    columns: list[Column] = []
    for name in wanted:
        column = read_array(name.name, arrays[name.name])
        if not isinstance(column, Column):
            message = f"{quoted(name.name)} must be one value a row, but it is "
            raise DataError(message + ("a number." if isinstance(column, float) else "a matrix."), span=name.span)
        columns.append(column)
    n = table.n_rows if table is not None else len(columns[0])
    for name, column in zip(wanted, columns):
        if len(column) != n:
            raise _length(name, len(column), n, table is not None)

    def read(place: int) -> Column:
        if table is not None and place < len(table.names):
            return table.read(place)
        return columns[place - len(held)]

    return Table((*held, *(name.name for name in wanted)), n, read, table.index_names if table is not None else ())


def unknown(name: Name, sources: Sources, spec: StatementSpec, *, factor: bool = False) -> DataError:
    """Return the error for a name that is neither declared nor defined nor found."""
    known = [*sources.names, *spec.parameters, *(d.name for d in spec.definitions)]
    hint = did_you_mean(name.name, known, f"Known are {listed(known)}." if known else "")
    message = f"There is no {quoted(name.name)}: no column, no array and no parameter of this name."
    if not factor and "Did you mean" not in hint:
        hint = f"If it is a parameter, give it a prior: {name.name} ~ Normal(0, 10)."
    return DataError(message, span=name.span, hint=hint)


def no_prior(name: Name, span: Span) -> DataError:
    """Return the error for a parameter that was never declared."""
    message = f"{quoted(name.name)} has no prior."
    return DataError(message, span=span, hint=f"Give it one on a line of its own, such as {name.name} ~ Normal(0, 10).")
