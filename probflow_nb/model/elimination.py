"""Block elimination: what is left of the cross-products when every group effect is integrated out.

With V = W^-1 + Z Delta Delta' Z' (so that sigma^2 V is the covariance of y) and F = [X y], the marginal likelihood
needs only K = F' V^-1 F, (q, q), and log det V. Both come from the moments alone:

    first factor   A_j = Delta (I + Delta' G_j Delta)^-1 Delta'         level by level, k x k
    the rest       H = [rest, F] cross-products - sum_j E_j' A_j E_j     linear in the entries of A_j
                   N = I + Delta' H_rr Delta,  N = L L'
    K = H_FF - V' V,  V = L^-1 Delta' H_rF,   log det V = sum_j log det(I + Delta' G_j Delta) + log det N

Levels with equal G_j (balanced data) share one A_j. "sum_j E_j' A_j E_j" is a matrix of constants times the vector of
the entries of all A_j: dense for the few entries of F'F, sparse for the rest, so that only pairs of levels that occur
together cost anything. N is held densely or sparsely, whichever is estimated to cost less. Everything is batched over S
values of theta (Bates et al. 2015, section 5.4, derive the same with the factors in the opposite role).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..design.moments import Moments
from . import covariance
from .covariance import Lower
from .dense_rest import DenseRest, dense_rest
from .fill import Entries, cross_fill, entry_pairs, gram_fill
from .sparse_rest import SparseRest, sparse_plan, sparse_rest
from .stages import dense_cost

# Above this size the matrix of constants for F'F is not formed and E_j' A_j E_j is summed directly.
_LARGE = 40_000_000
# Numbers in one array of a batch: few enough for the cache, enough to hide the cost of an op; products of matrices,
# which mind their own cache, like more.
_CELLS = 1 << 18
_CELLS_OF_PRODUCTS = 1 << 20
# The pattern of a rest of at most so many effects is looked at in a table, and no order is sought for it when more than
# this share of it is filled.
_LARGE_REST = 1 << 13
_FILLED = 0.3


@dataclass(frozen=True, eq=False)
class Reduced:
    """What the elimination leaves for S values of theta.

    K: (S, q, q), X before y. log_det: (S,) log det V, without the weights' part.
    """

    K: Any
    log_det: Any


@dataclass(frozen=True, eq=False)
class Small:
    """Constants of the shortcut for one factor with k of 1 or 2; c counts Omega's entries and its determinant (k = 2).

    determinants: (c, U), det_j less 1 is a product with them. features: (U, c q q), likewise for C_j' A_j C_j.
    """

    determinants: Any
    features: Any


@dataclass(frozen=True, eq=False)
class Elimination:
    """The constants of the elimination, as tensors.

    k: columns of the first factor, 0 without group terms. blocks: the lower half of the distinct G_j, entry by entry,
    (U,) numpy each. counts: (U,) how many levels share each. inverse: (J,) which of them a level has. gram: (q, q).
    common_map: (m U, q q) or None when it would be too large; cross: (J, k, q). rest: the other factors, or None.
    small: for the shortcut, or None.
    """

    q: int
    k: int
    blocks: list[list[np.ndarray]]
    counts: Any
    inverse: np.ndarray
    gram: Any
    cross: Any
    common_map: Any
    rest: DenseRest | SparseRest | None
    small: Small | None = None

    @property
    def n_blocks(self) -> int:
        """U."""
        return len(self.blocks[0][0]) if self.k else 0

    @property
    def batch(self) -> int:
        """How many values of theta are worked on at a time."""
        if self.k == 0:
            return 1 << 14
        width, cells = max(self.n_blocks, self.q * self.q), _CELLS
        if self.small is not None:
            cells = _CELLS_OF_PRODUCTS
        if self.common_map is None:
            width = max(width, int(self.cross.shape[0]) * self.k * self.q)
        if self.rest is not None:
            width = max(width, self.rest.width)
            remainder = self.rest.plan.remainder if isinstance(self.rest, SparseRest) else self.rest.size
            if remainder > 256:
                # A large factorisation minds its own cache; a few at once save what each costs to set up.
                cells = 1 << 22
            elif isinstance(self.rest, SparseRest):
                # Many small ops: what each costs to set up outweighs the cache.
                cells = 1 << 21
        return max(1, cells // width)

    @property
    def cost(self) -> float:
        """Rough number of multiply-adds for one value of theta."""
        U = self.n_blocks
        flops = 10.0 * U * self.k**3 + U * self.k**2 * self.q**2
        if self.rest is not None:
            flops += self.rest.cost
        return flops


def elimination(moments: Moments, form: str = "auto") -> Elimination:
    """Return the constants of the elimination for these moments.

    form: of the rest, "dense" or "sparse"; "auto" takes the one that is estimated to cost less.
    """
    tf = load()
    q = moments.gram.shape[0]
    gram = tf.constant(moments.gram)
    if not moments.factors:
        return Elimination(q, 0, [], tf.zeros((0,), tf.float64), np.zeros(0, int), gram, None, None, None)
    k = moments.factors[0].n_columns
    flat = moments.first_gram.reshape(-1, k * k)
    blocks, inverse, counts = _unique_rows(flat)
    U = len(blocks)
    common_map = None
    if U * k * k * q * q + moments.first_cross.size * q <= _LARGE:
        common_map = tf.constant(_common_map(moments.first_cross, inverse, U))
    small = None
    if common_map is not None and k <= 2 and len(moments.factors) == 1:
        small = _small(blocks.reshape(U, k, k), common_map.numpy().reshape(-1, U, q * q))
    rest = _rest(moments, inverse, U, form) if len(moments.factors) > 1 else None
    return Elimination(
        q,
        k,
        [[np.ascontiguousarray(blocks[:, c * k + d]) for d in range(c + 1)] for c in range(k)],
        tf.constant(counts.astype(float)),
        inverse,
        gram,
        tf.constant(moments.first_cross),
        common_map,
        rest,
        small,
    )


def _unique_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct rows, each row's place among them, and their counts."""
    # Rows are told apart by a view as raw bytes: exact equality, one sort, no tolerance.
    raw = np.ascontiguousarray(rows + 0.0).view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))
    _, first, inverse, counts = np.unique(raw.reshape(-1), return_index=True, return_inverse=True, return_counts=True)
    return rows[first], inverse.reshape(-1), counts


def _common_map(cross: np.ndarray, inverse: np.ndarray, U: int) -> np.ndarray:
    """Return (m U, q q): contributions of each entry of A to F' Z A Z' F."""
    J, k, q = cross.shape
    out = np.zeros((len(entry_pairs(k)), U, q * q))
    for position, (c, d) in enumerate(entry_pairs(k)):
        value = cross[:, c, :, None] * cross[:, d, None, :]
        if c != d:
            value = value + value.transpose(0, 2, 1)
        if U == J:
            out[position, inverse] = value.reshape(J, -1)
        else:
            np.add.at(out[position], inverse, value.reshape(J, -1))
    return out.reshape(-1, q * q)


def _small(G: np.ndarray, common: np.ndarray) -> Small:
    """Return the shortcut's constants from the distinct blocks (U, k, k) and the map (m, U, q q)."""
    tf = load()
    if G.shape[1] == 1:
        return Small(tf.constant(G[:, 0].T), tf.constant(common[0]))
    g00, g01, g11 = G[:, 0, 0], G[:, 0, 1], G[:, 1, 1]
    det = np.maximum(g00 * g11 - g01 * g01, 0.0)
    adjugate = g11[:, None] * common[0] - g01[:, None] * common[1] + g00[:, None] * common[2]
    features = np.stack([*common, adjugate], axis=1)
    return Small(tf.constant(np.stack([g00, 2.0 * g01, g11, det])), tf.constant(features.reshape(len(G), -1)))


def _rest(moments: Moments, inverse: np.ndarray, U: int, form: str) -> DenseRest | SparseRest:
    """Return the constants of the rest in the form that is estimated to cost less, or in the one that is asked for."""
    k, r = moments.factors[0].n_columns, moments.rest_gram.size
    shapes = tuple((f.n_levels, f.n_columns) for f in moments.factors[1:])
    gram = gram_fill(moments.cells, inverse, U, k, r)
    cross = cross_fill(moments.cells, moments.first_cross, inverse, U)
    if form == "sparse" or (form == "auto" and _may_be_sparse(gram, r)):
        found = sparse_plan(moments, shapes, gram, whole=form == "sparse")
        if form == "sparse" or found[1].cost < dense_cost(r):
            return sparse_rest(moments, found, gram, cross, U)
    return dense_rest(moments, shapes, gram, cross, U)


def _may_be_sparse(gram: Entries, r: int) -> bool:
    """Return whether it is worth while to look for an order: not where most entries are filled already."""
    if r > _LARGE_REST:
        return True
    seen = np.zeros(r * r, bool)
    seen[gram.row] = True
    return bool(2 * seen.sum() < _FILLED * r * r)


# The elimination itself ---------------------------------------------------------------------------------------------


def reduce(constants: Elimination, factors: list[Lower]) -> Reduced:
    """Integrate all group effects out.

    factors: Delta of the first factor, then of the rest, entries (S, 1).
    """
    tf = load()
    if not factors:
        return Reduced(constants.gram[None], tf.zeros((1,), tf.float64))
    if constants.small is not None:
        return _reduce_small(constants, constants.small, factors[0])
    entries, log_det = first_inverse(constants.blocks, factors[0])
    log_det = tf.linalg.matvec(log_det, constants.counts)
    A = entries[0] if len(entries) == 1 else tf.concat(entries, axis=1)
    H = constants.gram - _common(constants, A)
    if constants.rest is None:
        return Reduced(H, log_det)
    taken, more = constants.rest.reduce(A, factors[1:])
    return Reduced(H - taken, log_det + more)


def _reduce_small(constants: Elimination, small: Small, delta: Lower) -> Reduced:
    """Return the same for one factor with k of 1 or 2, as products of matrices.

    The entries of A_j are (Omega, det Omega adj G_j) / det_j, so sum_j C_j' A_j C_j is a product of 1 / det_j with
    constants, combined with the few numbers of Omega; det_j is itself a product of them with constants. Only the
    reciprocal and the logarithm of det_j are taken for every theta and level.
    """
    tf = load()
    omega = covariance.product(delta)
    if constants.k == 1:
        coefficients = [omega[0][0]]
    else:
        root = delta[0][0] * delta[1][1]
        coefficients = [omega[0][0], omega[1][0], omega[1][1], root * root]
        if omega[1][0] is None:
            coefficients[1] = tf.zeros_like(root)
    weights = coefficients[0] if constants.k == 1 else tf.concat(coefficients, axis=1)
    det = 1.0 + tf.matmul(weights, small.determinants)
    log_det = tf.linalg.matvec(tf.math.log(det), constants.counts)
    q = constants.q
    sums = tf.reshape(tf.matmul(1.0 / det, small.features), (-1, len(coefficients), q * q))
    total = tf.reduce_sum(weights[:, :, None] * sums, axis=1)
    return Reduced(constants.gram - tf.reshape(total, (-1, q, q)), log_det)


def first_inverse(G: Any, delta: Lower) -> tuple[list[Any], Any]:
    """Return the entries of A = Delta (I + Delta' G Delta)^-1 Delta', each (S, U), and log det(I + Delta' G Delta).

    k = 1, 2 use the adjugate, with Omega = Delta Delta': no entry is divided before the end, so that Delta = 0 is no
    special case. det(I + Omega G) = 1 + tr(Omega G) + det Omega det G;
    A = (Omega + det Omega adj G) / det(I + Omega G).
    """
    tf = load()
    k = len(delta)
    if k > 2:
        return _inverse_by_cholesky(G, delta)
    omega = covariance.product(delta)
    o00 = omega[0][0]
    if k == 1:
        det = 1.0 + o00 * G[0][0]
        return [o00 / det], tf.math.log(det)
    o11 = omega[1][1]
    root = delta[0][0] * delta[1][1]
    det_omega = root * root
    g00, g01, g11 = G[0][0], G[1][0], G[1][1]
    det_g = np.maximum(g00 * g11 - g01 * g01, 0.0)
    det = 1.0 + o00 * g00 + o11 * g11 + det_omega * det_g
    if omega[1][0] is None:
        inverse = 1.0 / det
        off = -(det_omega * g01) * inverse
    else:
        o01 = omega[1][0]
        det = det + 2.0 * o01 * g01
        inverse = 1.0 / det
        off = (o01 - det_omega * g01) * inverse
    return [(o00 + det_omega * g11) * inverse, off, (o11 + det_omega * g00) * inverse], tf.math.log(det)


def _inverse_by_cholesky(G: Any, delta: Lower) -> tuple[list[Any], Any]:
    """Return the same for any k, as A = B' B."""
    B, log_det = whitened_inverse(G, delta)
    k = len(delta)
    zero = load().zeros_like(B[0][0])
    entries = [covariance.add([covariance.times(B[i][c], B[i][d]) for i in range(k)]) for c, d in entry_pairs(k)]
    return [zero if entry is None else entry for entry in entries], log_det


def whitened_inverse(G: Any, delta: Lower) -> tuple[list[list[Any]], Any]:
    """Return B = L^-1 Delta' with L L' = I + Delta' G Delta, entry by entry (S, U), and its log determinant."""
    tf = load()
    k = len(delta)
    D = delta
    GD = [
        [covariance.add([covariance.times(D[e][d], G[max(c, e)][min(c, e)]) for e in range(d, k)]) for d in range(k)]
        for c in range(k)
    ]
    L: Lower = []
    log_det = 0.0
    for i in range(k):
        row: list[Any] = []
        for j in range(i + 1):
            m = covariance.add([covariance.times(D[e][i], GD[e][j]) for e in range(i, k)])
            for h in range(j):
                m = m - row[h] * (row[h] if j == i else L[j][h])
            if j < i:
                row.append(m / L[j][j])
            else:
                pivot = tf.sqrt(1.0 + m)
                log_det = log_det + 2.0 * tf.math.log(pivot)
                row.append(pivot)
        L.append(row)
    # Forward substitution, row by row; Delta' is upper triangular.
    B: list[list[Any]] = []
    for i in range(k):
        line: list[Any] = []
        for c in range(k):
            value = D[c][i] if i <= c else None
            for h in range(i):
                if B[h][c] is not None:
                    step = L[i][h] * B[h][c]
                    value = -step if value is None else value - step
            line.append(None if value is None else value / L[i][i])
        B.append(line)
    return B, log_det


def _common(constants: Elimination, A: Any) -> Any:
    """Return sum_j C_j' A_j C_j, (S, q, q)."""
    tf = load()
    q, k = constants.q, constants.k
    if constants.common_map is not None:
        return tf.reshape(tf.matmul(A, constants.common_map), (-1, q, q))
    U = constants.n_blocks
    pieces = tf.gather(tf.reshape(A, (-1, len(entry_pairs(k)), U)), constants.inverse, axis=2)
    full = [[pieces[:, entry_pairs(k).index((min(c, d), max(c, d)))] for d in range(k)] for c in range(k)]
    AC = tf.stack([sum(full[c][d][:, :, None] * constants.cross[:, d] for d in range(k)) for c in range(k)], axis=2)
    J = int(constants.cross.shape[0])
    flat = tf.reshape(AC, (-1, J * k, q))
    return tf.matmul(tf.reshape(constants.cross, (J * k, q)), flat, transpose_a=True)
