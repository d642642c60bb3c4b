"""Column: one variable of the data, read into numbers or into levels, with its missing values marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import DataError
from ..lang.source import quoted
from .wording import level_text

_DATES = (date, time, timedelta, np.datetime64, np.timedelta64)
_CONTAINERS = (list, tuple, dict, set, frozenset, np.ndarray)
_NUMBERS = (int, float, np.integer, np.floating, Decimal, Fraction)


@dataclass(frozen=True, eq=False)
class Column:
    """One variable of the data, n rows.

    name: as in the data.
    kind: "number", "boolean", "factor" (categories and text) or "empty" (nothing but missing values).
    values: (n,) numbers or booleans; None for a factor.
    codes: (n,) the level of each row, -1 where missing; None unless a factor.
    levels: the level names in their order; they may include levels that no row has.
    ordered: whether the levels are declared to be in order.
    missing: (n,) booleans, or None when nothing is missing.
    declared: whether the levels are declared one by one by a type that has an order, as an Enum of polars; a predictor
        of this type is coded as one without an order.
    """

    name: str
    kind: str
    values: np.ndarray | None = None
    codes: np.ndarray | None = None
    levels: tuple[str, ...] = ()
    ordered: bool = False
    missing: np.ndarray | None = None
    declared: bool = False

    def __len__(self) -> int:
        held = self.codes if self.values is None else self.values
        return 0 if held is None else len(held)

    def take(self, rows: np.ndarray | None) -> Column:
        """Return the column at the rows given; None means all rows."""
        if rows is None:
            return self
        return replace(
            self,
            values=None if self.values is None else self.values[rows],
            codes=None if self.codes is None else self.codes[rows],
            missing=None if self.missing is None else self.missing[rows],
        )

    def copied(self) -> Column:
        """Return the column with arrays of its own, which a later change of the data cannot reach."""
        values, codes, missing = (
            None if array is None else np.array(array) for array in (self.values, self.codes, self.missing)
        )
        return replace(self, values=values, codes=codes, missing=missing)

    def numbers(self) -> np.ndarray:
        """Return (n,) float64, NaN where missing; booleans are 0 and 1. The column must not be a factor."""
        assert self.values is not None
        values = self.values.astype(np.float64, copy=False)
        if self.missing is not None and self.missing.any():
            values = values.copy()
            values[self.missing] = np.nan
        return values

    def factor(self) -> Factor:
        """Return the column as a factor whose levels are those that occur, sorted unless declared."""
        if self.codes is not None:
            return Factor(self.codes, self.levels, self.ordered).occurring()
        assert self.values is not None
        if self.kind == "boolean":
            codes = self.values.astype(np.int32)
            levels: tuple[str, ...] = ("False", "True")
        else:
            codes, distinct = _number_levels(self.values, self.missing)
            levels = tuple(number_label(value) for value in distinct)
        if self.missing is not None:
            codes = np.where(self.missing, np.int32(-1), codes)
        return Factor(codes, levels).occurring()


@dataclass(frozen=True, eq=False)
class Factor:
    """A variable with levels: codes (n,) int32, -1 where missing, and the level names in their order."""

    codes: np.ndarray
    levels: tuple[str, ...]
    ordered: bool = False

    def occurring(self) -> Factor:
        """Return the factor without the levels that no row has."""
        codes = self.codes.astype(np.int32, copy=False)
        known = codes if codes.size == 0 or codes.min() >= 0 else codes[codes >= 0]
        used = np.flatnonzero(np.bincount(known, minlength=len(self.levels)))
        if len(used) == len(self.levels):
            return replace(self, codes=codes)
        # One slot more than there are levels, so that code -1 (missing) stays -1.
        place = np.full(len(self.levels) + 1, -1, dtype=np.int32)
        place[used] = np.arange(len(used), dtype=np.int32)
        return replace(self, codes=place[codes], levels=tuple(self.levels[i] for i in used))

    def recode(self, levels: Sequence[str]) -> np.ndarray:
        """Return (n,) int32 positions of the rows' levels in `levels`, -1 for missing or unknown ones."""
        own = set(self.levels)  # a point of a plot has one level of perhaps 100,000
        position = {level: i for i, level in enumerate(levels) if level in own}
        place = np.array([*(position.get(level, -1) for level in self.levels), -1], dtype=np.int32)
        return place[self.codes]


def _number_levels(values: np.ndarray, missing: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return codes and the sorted distinct values; NaN gets code -1."""
    if values.dtype.kind in "iu" and values.size:
        low, high = int(values.min()), int(values.max())
        if high - low <= 4 * values.size + 1024:
            # A table over the range is several times faster than hashing or sorting.
            shifted = (values - values.dtype.type(low)).astype(np.intp, copy=False)
            seen = np.zeros(high - low + 1, dtype=bool)
            seen[shifted if missing is None else shifted[~missing]] = True
            place = np.cumsum(seen, dtype=np.int32) - np.int32(1)
            return place[shifted], (np.flatnonzero(seen) + low)
    import pandas as pd

    codes, distinct = pd.factorize(values, sort=True)
    return codes.astype(np.int32), np.asarray(distinct)


def number_label(value: Any) -> str:
    """Return a number as a level name: 308 for 308.0, the shortest exact text otherwise."""
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    number = float(value)
    if np.isfinite(number) and number == int(number) and abs(number) < 1e16:
        return str(int(number))
    return repr(number)


def number_column(name: str, values: np.ndarray, missing: np.ndarray | None = None) -> Column:
    """Return a column of numbers; NaN counts as missing."""
    if values.dtype.kind == "f":
        if values.dtype.itemsize > 8:
            values = values.astype(np.float64)
        nan = np.isnan(values)
        if missing is not None:
            nan |= missing
        missing = nan if nan.any() else None
    elif missing is not None and not missing.any():
        missing = None
    kind = "empty" if missing is not None and missing.all() else "number"
    return Column(name, kind, values=values, missing=missing)


def boolean_column(name: str, values: np.ndarray, missing: np.ndarray | None = None) -> Column:
    """Return a column of booleans."""
    missing = None if missing is None or not missing.any() else missing
    kind = "empty" if missing is not None and missing.all() else "boolean"
    return Column(name, kind, values=values, missing=missing)


def factor_column(name: str, codes: np.ndarray, labels: Sequence[Any], *, ordered: bool = False) -> Column:
    """Return a factor from codes (-1 where missing) and levels; raises DataError if two levels read alike."""
    levels = tuple(_level_name(name, label) for label in labels)
    if len(set(levels)) < len(levels):
        twice = next(level for i, level in enumerate(levels) if level in levels[:i])
        raise DataError(
            f"The column {quoted(name)} has different levels that read alike: {level_text(twice)}.",
            hint="Make it all text or all numbers.",
        )
    missing = codes < 0
    kind = "empty" if len(codes) and missing.all() else "factor"
    return Column(name, kind, codes=codes, levels=levels, ordered=ordered, missing=missing if missing.any() else None)


def _level_name(column: str, label: Any) -> str:
    _refuse(column, {type(label)})
    if isinstance(label, (bool, np.bool_)):
        return str(bool(label))
    return number_label(label) if isinstance(label, _NUMBERS) else str(label)


def text_column(name: str, codes: np.ndarray, texts: Sequence[Any]) -> Column:
    """Return text as a factor with sorted levels, by code point."""
    order = sorted(range(len(texts)), key=lambda i: str(texts[i]))
    place = np.empty(len(texts) + 1, dtype=np.int32)
    place[order] = np.arange(len(texts), dtype=np.int32)
    place[-1] = -1
    return factor_column(name, place[codes], [texts[i] for i in order])


def array_column(name: str, values: np.ndarray) -> Column:
    """Return the column that a numpy array of any type holds; raises DataError for what is no variable."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        shape = " x ".join(str(size) for size in values.shape)
        found = f"an array of shape {shape}" if values.ndim else "a single value"
        raise DataError(f"The column {quoted(name)} is {found}; a column has one value a row.")
    if isinstance(values, np.ma.MaskedArray):
        values, mask = np.asarray(values.data), np.ma.getmaskarray(values)
        column = array_column(name, values)
        whole = mask if column.missing is None else mask | column.missing
        codes = None if column.codes is None else np.where(mask, -1, column.codes)
        return replace(column, codes=codes, missing=whole if whole.any() else None)
    if values.dtype.kind in "iuf":
        return number_column(name, values)
    if values.dtype.kind == "b":
        return boolean_column(name, values)
    if values.dtype.kind in "mM":
        raise _dates(name)
    if values.dtype.kind == "c":
        raise DataError(f"The column {quoted(name)} holds complex numbers, which no model can use.")
    return object_column(name, list(values.tolist() if values.dtype.kind in "US" else values))


def object_column(name: str, cells: Sequence[Any]) -> Column:
    """Return the column that a sequence of Python values holds; None, NaN, NaT and pd.NA are missing."""
    import pandas as pd

    held = np.empty(len(cells), dtype=object)
    for i, cell in enumerate(cells):
        held[i] = cell
    missing = np.asarray(pd.isna(held), dtype=bool)
    present = held[~missing]
    types = set(map(type, present))
    _refuse(name, types)
    if not types:
        return Column(name, "empty", values=np.full(len(held), np.nan), missing=missing)
    if all(issubclass(kind, (bool, np.bool_)) for kind in types):
        held[missing] = False
        return boolean_column(name, held.astype(bool), missing)
    if all(issubclass(kind, (*_NUMBERS, np.bool_)) for kind in types):
        return number_column(name, _numbers(name, held, missing), missing)
    texts = np.empty(len(held), dtype=object)
    texts[~missing] = [_text(cell) for cell in present]
    texts[missing] = None
    codes, distinct = pd.factorize(texts)
    return text_column(name, codes, list(distinct))


def _text(cell: Any) -> str:
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    return number_label(cell) if isinstance(cell, _NUMBERS) and not isinstance(cell, bool) else str(cell)


def _numbers(name: str, held: np.ndarray, missing: np.ndarray) -> np.ndarray:
    filled = np.where(missing, 0, held)
    try:
        if all(isinstance(cell, (int, np.integer)) for cell in filled):
            return filled.astype(np.int64)
    except OverflowError:
        pass  # too long for int64: as floats, below
    try:
        return filled.astype(np.float64)
    except OverflowError:
        raise DataError(f"The column {quoted(name)} has whole numbers too large to compute with.") from None


def _refuse(name: str, types: set[type]) -> None:
    """Raise DataError if a cell's type can be neither a number nor a level."""
    import pandas as pd

    for kind in types:
        if issubclass(kind, (*_DATES, pd.Period)):
            raise _dates(name)
        if issubclass(kind, (*_CONTAINERS, pd.Series, pd.DataFrame)):
            raise DataError(f"The column {quoted(name)} has a {kind.__name__} in a cell, not one number or level.")
        if issubclass(kind, (complex, np.complexfloating)):
            raise DataError(f"The column {quoted(name)} holds complex numbers, which no model can use.")


def _dates(name: str) -> DataError:
    return DataError(
        f"The column {quoted(name)} holds dates or times; a model needs numbers or levels.",
        hint="Turn it into a number first, such as days since the first date.",
    )
