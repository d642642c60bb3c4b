"""Row data: whatever a person gives as x and y, as float64 arrays with a row for each observation."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..design.column import Column
from ..design.table import read_table
from ..errors import DataError

# A sparse matrix of more numbers than this is not made dense.
_DENSE = 50_000_000


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a model's code gets: value, a float64 array (n, ...) or a dictionary of them, None for no inputs.

    names: of the columns of a frame, else (). n_rows: n, or None without inputs.
    """

    value: Any
    names: tuple[str, ...]
    n_rows: int | None


def read_inputs(x: Any) -> Inputs:
    """Return x as float64 arrays.

    x: an array, a list, a data frame of numbers, a series, a scipy sparse matrix, a dictionary of those, or None.
    Raises DataError for text, for missing and infinite values, with their row, and for columns of different lengths.
    """
    if x is None:
        return Inputs(None, (), None)
    if isinstance(x, Mapping):
        parts = {str(key): read_inputs(value) for key, value in x.items()}
        lengths = {key: part.n_rows for key, part in parts.items()}
        if not parts:
            raise DataError("x is an empty dictionary.", hint="Leave x out where the model has no inputs.")
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{key} has {n}" for key, n in lengths.items())
            raise DataError(f"The parts of x have different numbers of rows: {listed}.")
        return Inputs({key: part.value for key, part in parts.items()}, (), next(iter(lengths.values())))
    if _is_frame(x):
        return _frame(x)
    array = _numbers("x", x)
    if array.ndim == 0:
        raise DataError("x is a single number, but it needs a row for each observation.")
    _check_finite("x", array)
    return Inputs(array, (), len(array))


def read_response(y: Any) -> tuple[np.ndarray, str]:
    """Return y as float64 (n,) or (n, m), and its name, "y" unless it has one; (n, 1) becomes (n,).

    y: an array, a list, a series or a data frame. Raises DataError for text and for missing or infinite values.
    """
    name = getattr(y, "name", None)
    name = name if isinstance(name, str) and name else "y"
    if y is None:
        raise DataError("There is no response y.", hint="Call fit(x, y).")
    if isinstance(y, Mapping):
        raise DataError("y is a dictionary, but it must be one response.", hint='Take one column, as in data["y"].')
    if _is_frame(y):
        inputs = _frame(y, "y")
        array, name = inputs.value, inputs.names[0] if len(inputs.names) == 1 else name
    else:
        array = _numbers("y", y)
        _check_finite("y", array)
    if array.ndim == 0 or array.size == 0:
        raise DataError(f"y has no rows: its shape is {array.shape}.")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim > 2:
        raise DataError(f"y has shape {array.shape}, but it must have one row for each observation: (n,) or (n, m).")
    return array, name


def check_aligned(x: Any, y: Any) -> None:
    """Raise DataError when x and y carry the same row labels in another order: by position or by label?"""
    labels: Any = getattr(x, "index", None)
    others: Any = getattr(y, "index", None)
    if labels is None or not hasattr(labels, "equals") or not hasattr(others, "equals") or len(labels) != len(others):
        return
    if not labels.equals(others) and labels.sort_values().equals(others.sort_values()):
        raise DataError(
            "x and y have the same row labels in another order, so it is not clear which rows belong together.",
            hint="Take y.loc[x.index] to go by the labels, or y.to_numpy() to go by position.",
        )


def conform(x: Any, like: Any, names: tuple[str, ...]) -> Any:
    """Return new inputs in the form of those that were fitted.

    like: the inputs fitted, an array or a dictionary of them. names: the columns of the frame fitted, or ().
    Raises DataError for other columns, a missing part or another kind of x.
    """
    if like is None:
        if x is not None:
            raise DataError("The model was fitted without inputs, so there are no new ones.", hint="Leave x out.")
        return None
    if x is None:
        raise DataError("The model needs new inputs x.")
    if names and _is_frame(x):
        table = read_table(x)
        missing = [name for name in names if name not in table.names]
        if missing:
            listed = ", ".join(names)
            raise DataError(f"The new data have no column {missing[0]}.", hint=f"The model was fitted to {listed}.")
        return _columns([table.column(name) for name in names], table.n_rows, "x")
    found = read_inputs(x).value
    if isinstance(like, Mapping) != isinstance(found, Mapping):
        kind = "a dictionary" if isinstance(like, Mapping) else "an array or a data frame"
        raise DataError(f"The model was fitted to {kind}, so new inputs must be that too.")
    if isinstance(like, Mapping):
        missing = [key for key in like if key not in found]
        if missing:
            raise DataError(f"The new inputs have no {missing[0]}.", hint=f"The model takes {', '.join(like)}.")
        for key in like:
            _same_columns(f"x[{key!r}]", found[key].shape, like[key].shape)
        if len({len(found[key]) for key in like}) > 1:
            raise DataError("The parts of the new inputs have different numbers of rows.")
        return {key: found[key] for key in like}
    _same_columns("x", found.shape, like.shape)
    return found


def _same_columns(name: str, new: tuple[int, ...], old: tuple[int, ...]) -> None:
    if new[1:] != old[1:]:
        if len(new) == len(old) == 2:
            raise DataError(f"The new {name} has {new[1]} columns, but the model was fitted to {old[1]}.")
        raise DataError(f"The new {name} has shape {new}, but the model was fitted to rows of shape {old[1:]}.")


def _is_frame(x: Any) -> bool:
    if isinstance(x, np.ndarray):
        return x.dtype.names is not None
    module = type(x).__module__.split(".")[0]
    return module in ("pandas", "polars", "pyarrow", "modin", "cudf") and hasattr(x, "columns")


def _frame(x: Any, name: str = "x") -> Inputs:
    table = read_table(x)
    if not table.names:
        raise DataError(f"{name} is a data frame without columns.")
    columns = [table.column(column) for column in table.names]
    return Inputs(_columns(columns, table.n_rows, name), table.names, table.n_rows)


def _columns(columns: list[Column], n: int, name: str) -> np.ndarray:
    for column in columns:
        if column.values is None:
            what = "text or categories" if column.kind == "factor" else "no values"
            raise DataError(
                f"The column {column.name} of {name} holds {what}, but {name} must be numbers.",
                hint="Code it as numbers, or leave it out.",
            )
    array = np.column_stack([column.numbers() for column in columns]).reshape(n, len(columns))
    bad = ~np.isfinite(array)
    if bad.any():
        row, place = (int(i[0]) for i in np.nonzero(bad))
        word = "missing" if np.isnan(array[row, place]) else "infinite"
        raise DataError(
            f"Row {row} of {name} has a {word} {columns[place].name}.", hint="Leave out such rows in both x and y."
        )
    return array


def _numbers(name: str, value: Any) -> np.ndarray:
    """Return a float64 array of an array, list, series, tensor or sparse matrix."""
    sparse = sys.modules.get("scipy.sparse")
    if sparse is not None and sparse.issparse(value):
        size = int(np.prod(value.shape, dtype=float))
        if size > _DENSE:
            raise DataError(
                f"{name} is a sparse matrix of {value.shape[0]:,} x {value.shape[1]:,}, too large to be made dense.",
                hint="Give the level numbers of the factor as a column, and use pf.indicators in the model.",
            )
        value = value.toarray()
    if isinstance(value, np.ma.MaskedArray):
        value = np.ma.filled(value.astype(np.float64), np.nan) if value.dtype.kind in "biuf" else value
    if hasattr(value, "to_numpy") and not isinstance(value, np.ndarray):
        value = value.to_numpy()
    try:
        array = np.asarray(value)
    except ValueError:
        raise DataError(f"{name} is a ragged list: its rows have different lengths.") from None
    if array.dtype.kind == "c":
        raise DataError(f"{name} holds complex numbers.")
    if array.dtype.kind not in "biufO":
        raise DataError(
            f"{name} holds {'text' if array.dtype.kind in 'US' else array.dtype.name}, but it must be numbers."
        )
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        place = _first_odd(array)
        raise DataError(f"{name} must be numbers, but {place}.") from None


def _first_odd(array: np.ndarray) -> str:
    for place, value in np.ndenumerate(array):
        try:
            float(value)
        except OverflowError:
            return f"row {place[0]} is too large" if place else "it is too large"
        except (TypeError, ValueError):
            where = f"row {place[0]}" if place else "it"
            shown = "missing" if value is None else f"{value!r}"[:40]
            return f"{where} is {shown}"
    return "it is not"


def _check_finite(name: str, array: np.ndarray) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        place = tuple(int(i[0]) for i in np.nonzero(bad))
        word = "missing" if np.isnan(array[place]) else "infinite"
        column = f", column {place[1]}" if len(place) > 1 else ""
        raise DataError(f"Row {place[0]}{column} of {name} is {word}.", hint="Leave out such rows in both x and y.")
