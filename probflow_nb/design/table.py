"""Table: any data frame, seen as named columns that are read one by one when they are needed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import DataError, Span
from ..lang.source import quoted
from ..spec.suggestion import nearest
from .column import (
    Column,
    array_column,
    boolean_column,
    factor_column,
    number_column,
    object_column,
    text_column,
)
from .wording import counted, listed


@dataclass(frozen=True, eq=False)
class Table:
    """The data as named columns.

    names: the column names, as text. n_rows: number of rows.
    read: reads the column at a position. index_names: names of the frame's row labels, which are no columns.
    """

    names: tuple[str, ...]
    n_rows: int
    read: Callable[[int], Column]
    index_names: tuple[str, ...] = ()

    def column(self, name: str, span: Span | None = None) -> Column:
        """Return a column; raises DataError if there is none, or more than one, of that name."""
        places = [i for i, other in enumerate(self.names) if other == name]
        if not places:
            raise self._unknown(name, span)
        if len(places) > 1:
            raise DataError(
                f"The data have {len(places)} columns named {quoted(name)}.",
                span=span,
                hint="Rename all but one.",
            )
        try:
            column = self.read(places[0])
        except DataError as error:
            error.span = span
            raise
        if len(column) != self.n_rows:
            raise DataError(
                f"The column {quoted(name)} has {counted(len(column), 'value')}, "
                f"but the first column has {self.n_rows:,}.",
                span=span,
            )
        return column

    def _unknown(self, name: str, span: Span | None) -> DataError:
        near = nearest(name, self.names)
        if name in self.index_names:
            hint = f"{quoted(name)} is the index of the data: call reset_index() to make it a column."
        elif near:
            hint = f"Did you mean {near}? The data have the columns {listed(self.names)}."
        elif self.names:
            hint = f"The data have the columns {listed(self.names)}."
        else:
            hint = "The data have no columns."
        return DataError(f"There is no column {quoted(name)} in the data.", span=span, hint=hint)


def read_table(data: Any) -> Table:
    """Return any tabular data as a Table.

    data: a pandas, polars or PyArrow frame, a dictionary of columns, or a structured numpy array.
    Raises DataError if it is none of these.
    """
    if isinstance(data, Table):
        return data
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return _pandas_table(data)
    if isinstance(data, Mapping):
        return _mapping_table(data)
    if isinstance(data, np.ndarray) and data.dtype.names is not None:
        fields = data.dtype.names
        flat = np.ma.ravel(data) if isinstance(data, np.ma.MaskedArray) else np.asarray(data).ravel()
        return Table(fields, len(flat), lambda i: array_column(fields[i], flat[fields[i]]))
    return _frame_table(data)


def _pandas_table(data: Any) -> Table:
    if data.columns.nlevels > 1:
        raise DataError(
            f"The data have {data.columns.nlevels} levels of column names; a model needs one.",
            hint='Join them first, such as data.columns = ["_".join(map(str, c)) for c in data.columns].',
        )
    names = tuple(str(name) for name in data.columns)
    index = tuple(str(name) for name in data.index.names if name is not None)
    return Table(names, len(data), lambda i: _series_column(names[i], data.iloc[:, i]), index)


def _series_column(name: str, series: Any) -> Column:
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return factor_column(name, series.cat.codes.to_numpy(), list(dtype.categories), ordered=bool(dtype.ordered))
    if isinstance(dtype, np.dtype):
        return array_column(name, series.to_numpy())
    if isinstance(dtype, pd.SparseDtype):
        return array_column(name, np.asarray(series))
    kind = getattr(dtype, "kind", "O")
    if kind in "iub":
        missing = series.isna().to_numpy(dtype=bool)
        target = bool if kind == "b" else np.uint64 if kind == "u" else np.int64
        values = series.to_numpy(dtype=target, na_value=target(0))
        return (boolean_column if kind == "b" else number_column)(name, values, missing)
    if kind == "f":
        return number_column(name, series.to_numpy(dtype=np.float64, na_value=np.nan))
    if isinstance(dtype, pd.StringDtype):
        codes, texts = pd.factorize(series)
        return text_column(name, codes, list(texts))
    return object_column(name, list(series.astype(object)))


def _mapping_table(data: Mapping[Any, Any]) -> Table:
    names = tuple(str(name) for name in data)
    values = list(data.values())
    columns: dict[int, Column] = {}

    def read(i: int) -> Column:
        if i not in columns:
            columns[i] = _values_column(names[i], values[i])
        return columns[i]

    return Table(names, len(read(0)) if names else 0, read)


def _values_column(name: str, values: Any) -> Column:
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(values, (pandas.Series, pandas.Index)):
        return _series_column(name, pandas.Series(values))
    if pandas is not None and isinstance(values, pandas.api.extensions.ExtensionArray):
        return _series_column(name, pandas.Series(values))
    if isinstance(values, (list, tuple, range)):
        return _list_column(name, list(values))
    if isinstance(values, np.ndarray):
        return array_column(name, values)
    if isinstance(values, (str, bytes)) or np.isscalar(values) or values is None:
        raise DataError(
            f"The column {quoted(name)} is a single value; a column has one value a row.",
            hint="Put it in brackets: one row has lists of one value.",
        )
    import narwhals as nw

    series = nw.from_native(values, series_only=True, pass_through=True)
    if isinstance(series, nw.Series):
        return _narwhals_column(name, series)
    if hasattr(values, "__array__"):
        return array_column(name, np.asarray(values))
    raise DataError(f"The column {quoted(name)} is {_described(values)}; a column is a list, an array or a series.")


def _list_column(name: str, values: list[Any]) -> Column:
    # Only plain numbers go through numpy: it turns ["a", nan] into text and nested lists into two dimensions.
    if values and {type(value) for value in values} <= {int, float}:
        try:
            return array_column(name, np.asarray(values))
        except OverflowError:
            return object_column(name, values)
    return object_column(name, values)


def _frame_table(data: Any) -> Table:
    """Return polars, PyArrow and other frames that narwhals knows."""
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None and isinstance(data, (pyarrow.Table, pyarrow.RecordBatch)):
        table = data if isinstance(data, pyarrow.Table) else pyarrow.Table.from_batches([data])
        fields = tuple(table.column_names)
        return Table(fields, table.num_rows, lambda i: _arrow_column(fields[i], table.column(i)))
    import narwhals as nw

    frame = nw.from_native(data, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise DataError("The data are a lazy frame, which holds no rows yet.", hint="Call .collect() on it first.")
    if not isinstance(frame, nw.DataFrame):
        raise DataError(
            f"The data are {_described(data)}; a model needs a data frame or a dictionary of columns.",
            hint="Give a pandas, polars or PyArrow table, or {name: values}.",
        )
    names = tuple(frame.columns)
    return Table(names, len(frame), lambda i: _narwhals_column(names[i], frame.get_column(names[i])))


def _described(data: Any) -> str:
    if data is None:
        return "None"
    if isinstance(data, (str, np.ndarray)):
        return "a text" if isinstance(data, str) else "a numpy array without column names"
    name = type(data).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _arrow_column(name: str, chunks: Any) -> Column:
    import narwhals as nw
    import pyarrow as pa

    if pa.types.is_dictionary(chunks.type):
        # Chunks may have dictionaries of their own; unified, they share one.
        chunks = chunks.unify_dictionaries()
        parts = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in chunks.chunks]
        codes = np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, dtype=np.int64)
        levels = chunks.chunk(0).dictionary.to_pylist() if parts else []
        return factor_column(name, codes, levels, ordered=chunks.type.ordered)
    return _narwhals_column(name, nw.from_native(chunks, series_only=True))


def _narwhals_column(name: str, series: Any) -> Column:
    import narwhals as nw

    dtype = series.dtype
    if isinstance(dtype, nw.Decimal):
        series, dtype = series.cast(nw.Float64()), nw.Float64()
    if dtype.is_integer() or isinstance(dtype, nw.Boolean):
        missing = series.is_null().to_numpy().astype(bool)
        boolean = isinstance(dtype, nw.Boolean)
        values = np.asarray(series.fill_null(False if boolean else 0).to_numpy())
        return (boolean_column if boolean else number_column)(name, values, missing)
    if dtype.is_float():
        missing = series.is_null().to_numpy().astype(bool)
        return number_column(name, np.asarray(series.to_numpy(), dtype=np.float64), missing)
    if isinstance(dtype, nw.Enum):
        # An Enum declares its levels; a polars Categorical takes them from a pool that other frames share,
        # so it is sorted as text is.
        places = {level: i for i, level in enumerate(dtype.categories)}
        codes = np.array([places.get(text, -1) for text in series.to_list()], dtype=np.int64)
        return replace(factor_column(name, codes, list(dtype.categories)), declared=True)
    if isinstance(dtype, (nw.String, nw.Categorical)):
        return _narwhals_text(name, series.cast(nw.String()))
    return object_column(name, series.to_list())


def _narwhals_text(name: str, series: Any) -> Column:
    import narwhals as nw

    missing = series.is_null().to_numpy().astype(bool)
    texts = series.drop_nulls().unique().to_list()
    if not texts:
        return object_column(name, series.to_list())
    # The frame's own replacement is many times faster than a pass over a list of Python texts.
    codes = series.fill_null(texts[0]).replace_strict(texts, range(len(texts)), return_dtype=nw.Int64())
    return text_column(name, np.where(missing, -1, codes.to_numpy()), texts)
