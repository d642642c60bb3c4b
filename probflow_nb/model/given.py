"""Given: the text and the data of a model as a person gave them, so that another model can be made of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..design.joining import joined_table
from ..design.table import Table, read_table
from ..spec.families import Family


@dataclass(frozen=True, eq=False)
class Given:
    """What a model was made of.

    text: as written. family: given beside it, None where it was not. data: a frame or a dictionary of columns as it
    was then, as far as a shallow copy holds it; None where the arrays sufficed. arrays: by name.
    """

    text: str
    family: str | Family | None = None
    data: Any = field(default=None, repr=False)
    arrays: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def with_rows(self, data: Any) -> Given | None:
        """Return it with more rows below; None where it holds arrays, of which there are no more rows."""
        if self.arrays or self.data is None:
            return None
        return replace(self, data=joined_table(read_table(self.data), read_table(held(data))))

    def at(self, rows: np.ndarray | None, n_rows: int) -> tuple[Any, Mapping[str, Any]]:
        """Return the data and the arrays at some of the n_rows rows, all of them for None."""
        if rows is None:
            return self.data, self.arrays
        data = None
        if self.data is not None:
            table = read_table(self.data)
            data = Table(table.names, len(rows), lambda place: table.read(place).take(rows), table.index_names)
        return data, {name: _rows_of(value, rows, n_rows) for name, value in self.arrays.items()}


def held(data: Any) -> Any:
    """Return a shallow copy of a frame or a dictionary, which columns put in later do not reach."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return data.copy(deep=False)
    return dict(data) if isinstance(data, Mapping) else data


def _rows_of(value: Any, rows: np.ndarray, n_rows: int) -> Any:
    shape = getattr(value, "shape", None) or ((len(value),) if isinstance(value, (list, tuple)) else ())
    if not shape or shape[0] != n_rows:
        return value
    if hasattr(value, "iloc"):
        return value.iloc[rows]
    sparse = sys.modules.get("scipy.sparse")
    if sparse is not None and sparse.issparse(value):
        return value.tocsr()[rows]
    return np.asarray(value)[rows]
