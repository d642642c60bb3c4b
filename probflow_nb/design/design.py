"""Design: the arrays of a model and everything needed to make them again from new rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .encoding import Encoding
from .group import GroupBlock


@dataclass(frozen=True)
class DroppedColumn:
    """A column of X that the others already determine.

    name: the column's shown name.
    reason: in words, such as "1000 x dose_g".
    """

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Design:
    """y, X and the group blocks of n complete rows.

    y: (n,) float64.
    X: (n, p) float64, full column rank, the intercept (if any) first.
    column_names: the p names; the intercept is "Intercept".
    groups: one GroupBlock a group term of the spec, in the same order.
    offset: (n,) or None. weights: (n,) positive, or None.
    response_name: the left side of the formula, as shown.
    n_rows: number of rows in the data, before any was dropped.
    n_missing: how many rows were dropped because a value was missing.
    missing_by_column: (column, count) pairs for the columns that caused it.
    dropped_columns: columns of X left out because they are linear combinations of others.
    has_intercept: whether column 0 of X is the constant.
    trials: (n,) of counts out of trials, or None.
    response_levels: what 0 and 1 stand for where they were levels; what 1, 2, ... stand for of ordered categories.
    first: how many rows a fit had to which the others were added; None where there are no others.
    encoding: remembers levels, contrasts and transform states, so that new rows are coded alike.
    """

    y: np.ndarray
    X: np.ndarray
    column_names: tuple[str, ...]
    groups: tuple[GroupBlock, ...]
    offset: np.ndarray | None
    weights: np.ndarray | None
    response_name: str
    n_rows: int
    n_missing: int
    missing_by_column: tuple[tuple[str, int], ...]
    dropped_columns: tuple[DroppedColumn, ...]
    has_intercept: bool
    encoding: Encoding = field(repr=False)
    rows: np.ndarray | None = field(default=None, repr=False)
    trials: np.ndarray | None = None
    response_levels: tuple[str, ...] = ()
    first: int | None = None
