"""Dense rest: the factors after the first as one dense matrix, for crossed factors whose levels often meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..design.moments import Cells, Moments
from . import covariance
from .covariance import Lower
from .fill import Entries, carried, constants_of, entry_pairs, sparse_tensor
from .stages import CONSTANT, dense_cost, pairs_within


@dataclass(frozen=True, eq=False)
class DenseRest:
    """N = I + Delta' H_rr Delta = L L' by one Cholesky factorisation for each theta.

    shapes: (J, k) of each factor. gram: (r, r). cross: (r, q). gram_map: sparse (r r, m U), cross_map: sparse
    (r q, m U).
    """

    shapes: tuple[tuple[int, int], ...]
    gram: Any
    cross: Any
    gram_map: Any
    cross_map: Any

    @property
    def size(self) -> int:
        """r, the number of effects."""
        return sum(J * k for J, k in self.shapes)

    @property
    def width(self) -> int:
        """Numbers held for one value of theta."""
        return self.size * max(self.size, int(self.cross.shape[1]))

    @property
    def cost(self) -> float:
        """Rough number of multiply-adds for one value of theta."""
        return dense_cost(self.size) + CONSTANT * constants_of(self.gram_map, self.cross_map)

    def reduce(self, A: Any, deltas: list[Lower]) -> tuple[Any, Any]:
        """Return V'V (S, q, q), what the rest takes from K, and log det N (S,)."""
        tf = load()
        L, V = self._factor(A, deltas)
        log_det = 2.0 * tf.reduce_sum(tf.math.log(tf.linalg.diag_part(L)), axis=-1)
        return tf.matmul(V, V, transpose_a=True), log_det

    def effects(self, A: Any, deltas: list[Lower], c: Any, noise: Any) -> Any:
        """Return b = Delta L^-T (L^-1 Delta' H_rF c + noise), (S, r), for c (S, q) and noise (S, r)."""
        tf = load()
        L, V = self._factor(A, deltas)
        u = tf.linalg.triangular_solve(L, (tf.linalg.matvec(V, c) + noise)[:, :, None], adjoint=True)
        transposed = [
            (J, k, tf.transpose(covariance.dense(delta), (0, 2, 1)))
            for (J, k), delta in zip(self.shapes, deltas, strict=True)
        ]
        return _left_multiply(transposed, u)[:, :, 0]

    def variances(self, A: Any, deltas: list[Lower], cells: Cells, J: int) -> tuple[np.ndarray, np.ndarray]:
        """Return diag Sigma (r,), Sigma = Delta N^-1 Delta', for one theta, and E_j Sigma E_j' (J, k, k)."""
        tf = load()
        L, _ = self._factor(A, deltas)
        # Delta' first, then L^-1: root' root is Sigma.
        D = [(levels, k, covariance.dense(d)) for (levels, k), d in zip(self.shapes, deltas, strict=True)]
        identity = tf.eye(self.size, dtype=tf.float64)[None]
        root = tf.linalg.triangular_solve(L, _left_multiply(D, identity))[0]
        sigma = tf.matmul(root, root, transpose_a=True).numpy()
        low, high = pairs_within(cells.level, J)
        moved = carried(cells, J, low, high, sigma[cells.column[low], cells.column[high]])
        return np.diag(sigma).copy(), moved

    def _factor(self, A: Any, deltas: list[Lower]) -> tuple[Any, Any]:
        """Return L (S, r, r), the Cholesky factor of N, and V = L^-1 Delta' H_rF, (S, r, q)."""
        tf = load()
        r, q = self.cross.shape
        entries = tf.transpose(A)
        H = self.gram - tf.reshape(tf.transpose(tf.sparse.sparse_dense_matmul(self.gram_map, entries)), (-1, r, r))
        h = self.cross - tf.reshape(tf.transpose(tf.sparse.sparse_dense_matmul(self.cross_map, entries)), (-1, r, q))
        D = [(J, k, covariance.dense(delta)) for (J, k), delta in zip(self.shapes, deltas, strict=True)]
        if all(k == 1 for _, k in self.shapes):
            scale = tf.concat([tf.repeat(delta[:, 0], J, axis=1) for J, _, delta in D], axis=1)
            N = scale[:, :, None] * H * scale[:, None, :]
            h = scale[:, :, None] * h
        else:
            # Only the lower half of the map is filled; a two-sided product needs the whole.
            low = tf.linalg.band_part(H, -1, 0)
            H = low + tf.transpose(low, (0, 2, 1)) - tf.linalg.diag(tf.linalg.diag_part(low))
            N = _left_multiply(D, tf.transpose(_left_multiply(D, H), (0, 2, 1)))
            h = _left_multiply(D, h)
        N = tf.linalg.set_diag(N, tf.linalg.diag_part(N) + 1.0)
        L = tf.linalg.cholesky(N)
        return L, tf.linalg.triangular_solve(L, h)


def dense_rest(
    moments: Moments, shapes: tuple[tuple[int, int], ...], gram: Entries, cross: Entries, U: int
) -> DenseRest:
    """Return the constants from the moments and the maps that the first factor's elimination makes."""
    tf = load()
    r, q = moments.rest_cross.shape
    m = len(entry_pairs(moments.factors[0].n_columns))
    return DenseRest(
        shapes,
        tf.constant(moments.rest_gram.dense()),
        tf.constant(moments.rest_cross),
        sparse_tensor(gram, (r * r, m * U)),
        sparse_tensor(cross, (r * q, m * U)),
    )


def _left_multiply(D: list[tuple[int, int, Any]], M: Any) -> Any:
    """Return Delta' M for the block-diagonal Delta with J copies of each (S, k, k) factor; M is (S, r, m)."""
    tf = load()
    pieces, start = [], 0
    m = M.shape[-1]
    for J, k, delta in D:
        part = tf.reshape(M[:, start : start + J * k], (-1, J, k, m))
        pieces.append(tf.reshape(tf.einsum("scd,sjcm->sjdm", delta, part), (-1, J * k, m)))
        start += J * k
    return tf.concat(pieces, axis=1)
