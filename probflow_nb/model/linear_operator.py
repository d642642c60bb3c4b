"""GroupOperator: Z of one grouping factor as a linear operator, so that a model reads X @ beta + Z @ b."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.tensorflow import load


@dataclass(frozen=True, eq=False)
class GroupOperator:
    """The (n, J k) indicator matrix of a factor, held as index (n,) and z (n, k).

    Z @ b: (..., J, k) -> (..., n), by gathering. Z.adjoint(r): (..., n) -> (..., J, k), by adding up levels.
    """

    index: np.ndarray
    z: np.ndarray
    n_levels: int

    def __matmul__(self, b: Any) -> Any:
        tf = load()
        rows = tf.gather(b, self.index, axis=-2)
        return tf.reduce_sum(rows * tf.cast(self.z, rows.dtype), axis=-1)

    def adjoint(self, r: Any) -> Any:
        """Return Z' r: for each level and column the sum over its rows of z r."""
        tf = load()
        r = tf.convert_to_tensor(r)
        weighted = r[..., None] * tf.cast(self.z, r.dtype)
        # Segments run along the first axis: rows are brought to the front and levels put back in place.
        rank = weighted.shape.rank
        front = tf.transpose(weighted, [rank - 2, *range(rank - 2), rank - 1])
        total = tf.math.unsorted_segment_sum(front, self.index, self.n_levels)
        return tf.transpose(total, [*range(1, rank - 1), 0, rank - 1])
