"""Indicators: Z of one grouping factor as a linear operator with `@`, so that a class reads X @ w + Z @ u."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..errors import DataError, EngineError


@dataclass(frozen=True, eq=False)
class Indicators:
    """The (n, J k) indicator matrix of a factor, never made: level (n,) int32 and z (n, k), J levels.

    Z @ u: (..., J, k) -> (..., n, 1), row i being sum_c z[i, c] u[level[i], c].
    """

    level: Any
    z: Any
    levels: int

    @property
    def shape(self) -> tuple[int | None, int]:
        """(n, J k), the size of the matrix that this stands for."""
        return self.level.shape[0], self.levels * int(self.z.shape[-1])

    def __matmul__(self, u: Any) -> Any:
        tf = load()
        u = tf.convert_to_tensor(u, tf.float64)
        wanted = (self.levels, int(self.z.shape[-1]))
        if tuple(u.shape[-2:]) != wanted:
            raise EngineError(
                f"Z @ u: Z has {wanted[0]} levels of {wanted[1]} column{'s' * (wanted[1] > 1)}, "
                f"but u has shape {tuple(u.shape)}.",
                hint=f"Make it pf.Parameter([{wanted[0]}, {wanted[1]}], ...).",
            )
        rows = tf.gather(u, self.level, axis=-2)
        return tf.reduce_sum(rows * self.z, axis=-1, keepdims=True)


def indicators(level: Any, *, levels: int, z: Any = None) -> Indicators:
    """Return the linear operator Z of a factor: row i picks the effects of level[i], weighted by z[i].

    level: (n,) or (n, 1), whole numbers 0 to levels - 1. levels: J. z: (n, k) varying columns, (n,) for one; ones where
    left out. Raises DataError for a level outside 0 to J - 1 and for z of another length.
    """
    tf = load()
    index = tf.cast(tf.convert_to_tensor(level), tf.int32)
    if index.shape.rank == 2 and index.shape[1] == 1:
        index = index[:, 0]
    if index.shape.rank != 1:
        raise DataError(
            f"indicators needs one column of levels, not an array of shape {tuple(index.shape)}.",
            hint="Take one column, for example x[:, 2].",
        )
    _check_levels(level, index, levels)
    if z is None:
        weights = tf.ones([tf.shape(index)[0], 1], tf.float64)
    else:
        weights = tf.cast(tf.convert_to_tensor(z), tf.float64)
        weights = weights[:, None] if weights.shape.rank == 1 else weights
        if weights.shape.rank != 2 or (
            None not in (weights.shape[0], index.shape[0]) and weights.shape[0] != index.shape[0]
        ):
            raise DataError(
                f"indicators has {index.shape[0]} levels by row, but z of shape {tuple(weights.shape)}.",
                hint="Give z one row for each row of the data.",
            )
    return Indicators(index, weights, levels)


def _check_levels(given: Any, index: Any, levels: int) -> None:
    """Refuse what is no level number; inside a traced function the data are not known and were looked at before."""
    if not hasattr(index, "numpy"):
        return
    numbers = np.asarray(given, float).reshape(-1)
    wrong = ~((numbers >= 0) & (numbers < levels) & (numbers == np.floor(numbers)))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"Row {row} has level {numbers[row]:g}, but levels are whole numbers from 0 to {levels - 1}.",
            hint="Number the levels, for example by pandas.factorize, and give their count as levels=.",
        )
