"""Sparse rest: the factors after the first as a sparse matrix, for nested factors and rare meetings.

N = I + Delta' H_rr Delta is factorised stage by stage (see `stages`), its entries and h = Delta' H_rF as
vectors with one number for each of S values of theta. Eliminating column i:

    log det N  gains  log N_ii          V'V  gains  h_i' h_i / N_ii
    N_ab loses N_ai N_ib / N_ii         h_a  loses  N_ai h_i / N_ii

Run backwards, the stages give u_i = (h_i c + N_ii^1/2 z_i - sum_a N_ia u_a) / N_ii and the entries of N^-1 on
the pattern of N (Takahashi, Fagan and Chen 1973). Everything is gathers, products and sums, differentiable in
theta.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..design.moments import Cells, Moments
from . import covariance
from .covariance import Lower
from .fill import Entries, carried, constants_of, entry_pairs, sparse_tensor
from .pattern import Group, Pattern, pattern
from .stages import CONSTANT, ENTRY, Plan, Stage, pairs_within, plan


@dataclass(frozen=True, eq=False)
class Step:
    """What one stage leaves: pivots N_ii (i, S), weights N_ia / N_ii (e, S), h of its columns (i, q, S)."""

    pivots: Any
    weights: Any
    h: Any


@dataclass(frozen=True, eq=False)
class SparseRest:
    """The constants of the sparse factorisation, as tensors.

    pattern: of H and N, E entries. plan: how N is factorised, its stages as tensors. gram: (E, 1). cross: (r
    q, 1). identity: (E, 1). gram_map: sparse (E, m U). cross_map: sparse (r q, m U).
    """

    pattern: Pattern
    plan: Plan
    gram: Any
    cross: Any
    identity: Any
    gram_map: Any
    cross_map: Any

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(J, k) of each factor."""
        return self.pattern.shapes

    @property
    def size(self) -> int:
        """r, the number of effects."""
        return self.plan.size

    @property
    def width(self) -> int:
        """Numbers held for one value of theta."""
        return max(self.plan.width, int(self.cross.shape[0]))

    @property
    def cost(self) -> float:
        """Rough number of multiply-adds for one value of theta."""
        maps = CONSTANT * constants_of(self.gram_map, self.cross_map)
        return self.plan.cost + ENTRY * int(self.cross.shape[0]) + maps

    def reduce(self, A: Any, deltas: list[Lower]) -> tuple[Any, Any]:
        """Return V'V (S, q, q), what the rest takes from K, and log det N (S,)."""
        tf = load()
        steps, L, V = self._factor(A, deltas)
        log_det = 2.0 * tf.reduce_sum(tf.math.log(tf.linalg.diag_part(L)), axis=-1)
        taken = tf.matmul(V, V, transpose_a=True)
        for step in steps:
            log_det = log_det + tf.reduce_sum(tf.math.log(step.pivots), axis=0)
            half = tf.transpose(step.h / tf.sqrt(step.pivots)[:, None], (2, 0, 1))
            taken = taken + tf.matmul(half, half, transpose_a=True)
        return taken, log_det

    def effects(self, A: Any, deltas: list[Lower], c: Any, noise: Any) -> Any:
        """Return b = Delta (N^-1 Delta' H_rF c + N^-1/2 noise), (S, r), for c (S, q) and noise (S, r)."""
        tf = load()
        steps, L, V = self._factor(A, deltas)
        noises, left = [], tf.transpose(noise)
        for stage in self.plan.stages:
            noises.append(tf.gather(left, stage.pivot_rows))
            left = tf.gather(left, stage.rows)
        half = tf.linalg.matvec(V, c) + tf.transpose(left)
        u = tf.transpose(tf.linalg.triangular_solve(L, half[:, :, None], adjoint=True)[:, :, 0])
        for stage, step, z in zip(self.plan.stages[::-1], steps[::-1], noises[::-1], strict=True):
            own = (tf.reduce_sum(step.h * tf.transpose(c), axis=1) + tf.sqrt(step.pivots) * z) / step.pivots
            others = step.weights * tf.gather(u, stage.neighbour)
            own = own - _sums(others, stage.owner, int(own.shape[0]))
            u = tf.gather(tf.concat([own, u], axis=0), stage.assemble)
        return tf.transpose(self._by_factor(u[:, None], _upper(deltas)))[:, 0]

    def variances(self, A: Any, deltas: list[Lower], cells: Cells, J: int) -> tuple[np.ndarray, np.ndarray]:
        """Return diag Sigma (r,), Sigma = Delta N^-1 Delta', for one theta, and E_j Sigma E_j' (J, k, k)."""
        steps, L, _ = self._factor(A, deltas)
        plan, m = self.plan, self.plan.remainder
        last = int(plan.stages[-1].kept.shape[0]) + plan.stages[-1].fill if plan.stages else self.pattern.size
        sigma = np.zeros(last + 1)
        root = np.linalg.inv(L.numpy()[0]) if m else np.zeros((0, 0))
        sigma[plan.lower] = (root.T @ root).reshape(-1)
        sigma = sigma[:last]
        sizes = [self.pattern.size, *(int(s.kept.shape[0]) + s.fill for s in plan.stages[:-1])]
        for stage, step, size in zip(plan.stages[::-1], steps[::-1], sizes[::-1], strict=True):
            sigma = _selected_inverse(stage, step, sigma, size)
        sigma = self._to_effects(sigma, [covariance.dense(delta).numpy()[0] for delta in deltas])
        rows = np.arange(self.size)
        low, high = pairs_within(cells.level, J)
        meeting = sigma[self.pattern.places(cells.column[high], cells.column[low])]
        return sigma[self.pattern.places(rows, rows)], carried(cells, J, low, high, meeting)

    def _factor(self, A: Any, deltas: list[Lower]) -> tuple[list[Step], Any, Any]:
        """Return what each stage leaves, L (S, m, m) of the remainder L L' and V = L^-1 h, (S, m, q)."""
        tf = load()
        entries = tf.transpose(A)
        S = entries.shape[1]
        H = self.gram - tf.sparse.sparse_dense_matmul(self.gram_map, entries)
        N = self._scaled(H, deltas) + self.identity
        h = self.cross - tf.sparse.sparse_dense_matmul(self.cross_map, entries)
        h = self._by_factor(tf.reshape(h, (self.size, -1, S)), deltas)
        steps = []
        for stage in self.plan.stages:
            step, N, h = _eliminate(stage, N, h)
            steps.append(step)
        m = self.plan.remainder
        padded = tf.concat([N, tf.zeros_like(N[:1])], axis=0)
        M = tf.transpose(tf.reshape(tf.gather(padded, self.plan.lower), (m, m, S)), (2, 0, 1))
        L = tf.linalg.cholesky(M)
        return steps, L, tf.linalg.triangular_solve(L, tf.transpose(h, (2, 0, 1)))

    def _scaled(self, H: Any, deltas: list[Lower]) -> Any:
        """Return the entries of Delta' H Delta, (E, S)."""
        tf = load()
        lower = [_transposed(delta) for delta in deltas]
        pieces: list[Any] = []
        for group in self.pattern.groups:
            left, right = lower[group.first], lower[group.second]
            found: dict[tuple[int, int], Any] = {}
            for c in range(group.k_first):
                for d in range(group.k_second):
                    if group.diagonal and c < d:
                        continue
                    products = [
                        covariance.times(covariance.times(left[e][c], right[f][d]), H[group.slice(e, f)])
                        for e in range(c, group.k_first)
                        for f in range(d, group.k_second)
                    ]
                    found[c, d] = covariance.add(products)
            for c in range(group.k_first):
                pieces.extend(_entry(found, group, c, d) for d in range(group.k_second))
        return tf.concat(pieces, axis=0)

    def _by_factor(self, h: Any, deltas: list[Lower]) -> Any:
        """Return Delta' h, (r, q, S), for the block-diagonal Delta with J copies of each factor's."""
        tf = load()
        pieces, start = [], 0
        for (J, k), delta in zip(self.shapes, deltas, strict=True):
            part = tf.reshape(h[start : start + J * k], (J, k, *h.shape[1:]))
            rows = _transposed(delta)
            columns = []
            for c in range(k):
                met = [e for e in range(k) if c < len(rows[e])]
                columns.append(covariance.add([covariance.times(rows[e][c], part[:, e]) for e in met]))
            whole = columns[0] if k == 1 else tf.stack(columns, axis=1)
            pieces.append(tf.reshape(whole, (J * k, *h.shape[1:])))
            start += J * k
        return tf.concat(pieces, axis=0)

    def _to_effects(self, sigma: np.ndarray, deltas: list[np.ndarray]) -> np.ndarray:
        """Return the entries of Delta Sigma Delta' from those of Sigma, its diagonal blocks half filled."""
        out = np.empty_like(sigma)
        for g in self.pattern.groups:
            span = slice(g.start, g.start + g.count * g.k_first * g.k_second)
            block = sigma[span].reshape(g.k_first, g.k_second, g.count)
            if g.diagonal:
                lower = np.tril(np.ones((g.k_first, g.k_first), bool))[:, :, None]
                block = np.where(lower, block, block.transpose(1, 0, 2))
            product = np.einsum("ce,efn,df->cdn", deltas[g.first], block, deltas[g.second])
            out[span] = product.reshape(-1)
        return out


def sparse_plan(
    moments: Moments, shapes: tuple[tuple[int, int], ...], gram: Entries, whole: bool = False
) -> tuple[Pattern, Plan]:
    """Return the pattern of the rest after the first factor's elimination and how to factorise it."""
    r = moments.rest_gram.size
    places = np.unique(gram.row)
    row = np.concatenate([moments.rest_gram.row, places // r])
    column = np.concatenate([moments.rest_gram.column, places % r])
    found = pattern(shapes, row, column)
    return found, plan(r, found.row, found.column, found.place, whole)


def sparse_rest(moments: Moments, found: tuple[Pattern, Plan], gram: Entries, cross: Entries, U: int) -> SparseRest:
    """Return the constants from the moments and the maps that the first factor's elimination makes."""
    tf = load()
    pattern, plan = found
    r, q = moments.rest_cross.shape
    m = len(entry_pairs(moments.factors[0].n_columns))
    constants, known = np.zeros((pattern.size, 1)), moments.rest_gram
    for places, entry in _whole(pattern, known.row, known.column):
        constants[places, 0] = known.value[entry]
    filled = _whole(pattern, gram.row // r, gram.row % r)
    entries = Entries(
        np.concatenate([places for places, _ in filled]),
        np.concatenate([gram.column[entry] for _, entry in filled]),
        np.concatenate([gram.value[entry] for _, entry in filled]),
    )
    identity = np.zeros((pattern.size, 1))
    identity[pattern.places(np.arange(r), np.arange(r))] = 1.0
    return SparseRest(
        pattern,
        replace(plan, stages=tuple(_placed(stage) for stage in plan.stages)),
        tf.constant(constants),
        tf.constant(moments.rest_cross.reshape(-1, 1)),
        tf.constant(identity),
        sparse_tensor(entries, (pattern.size, m * U)),
        sparse_tensor(cross, (r * q, m * U)),
    )


def _whole(pattern: Pattern, row: np.ndarray, column: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (places, which entry) of the lower half, then of what a diagonal block mirrors."""
    mirrored = np.flatnonzero((pattern.level[row] == pattern.level[column]) & (row != column))
    return [
        (pattern.places(row, column), np.arange(row.size)),
        (pattern.places(column[mirrored], row[mirrored]), mirrored),
    ]


def _placed(stage: Stage) -> Stage:
    """Return the stage with tensors for arrays, so that no call converts them again."""
    tf = load()
    arrays = {f.name: getattr(stage, f.name) for f in fields(stage) if f.name != "fill"}
    return replace(stage, **{name: tf.constant(array) for name, array in arrays.items()})


def _eliminate(stage: Stage, N: Any, h: Any) -> tuple[Step, Any, Any]:
    """Eliminate one stage's columns from N (E, S) and h (m, q, S)."""
    tf = load()
    pivots, edges = tf.gather(N, stage.pivots), tf.gather(N, stage.edges)
    weights = edges / tf.gather(pivots, stage.owner)
    own, left = tf.gather(h, stage.pivot_rows), tf.gather(h, stage.rows)
    loss = weights[:, None] * tf.gather(own, stage.owner)
    h = left - tf.math.unsorted_segment_sum(loss, stage.neighbour, left.shape[0])
    products = tf.gather(weights, stage.left) * tf.gather(edges, stage.right)
    kept = tf.pad(tf.gather(N, stage.kept), [[0, stage.fill], [0, 0]])
    return Step(pivots, weights, own), kept - _sums(products, stage.target, int(kept.shape[0])), h


def _sums(values: Any, place: Any, size: int) -> Any:
    """Return the sums (size, S) of the values of one place; places ascend."""
    tf = load()
    total = tf.math.segment_sum(values, place)
    return tf.pad(total, [[0, size - int(total.shape[0])], [0, 0]])


def _selected_inverse(stage: Stage, step: Step, sigma: np.ndarray, size: int) -> np.ndarray:
    """Return N^-1 on the pattern before the stage, (size,), from that after it; one theta.

    Sigma_ia = -sum_b w_ib Sigma_ba and Sigma_ii = 1 / N_ii - sum_a w_ia Sigma_ia, w_ia = N_ia / N_ii.
    """
    w, pivots = step.weights.numpy()[:, 0], step.pivots.numpy()[:, 0]
    left, right, owner, target = map(np.asarray, (stage.left, stage.right, stage.owner, stage.target))
    between, apart = sigma[target], left != right
    edges = -np.bincount(left, w[right] * between, w.size)
    edges -= np.bincount(right[apart], (w[left] * between)[apart], w.size)
    out = np.zeros(size)
    out[np.asarray(stage.kept)] = sigma[: int(stage.kept.shape[0])]
    out[np.asarray(stage.edges)] = edges
    out[np.asarray(stage.pivots)] = 1.0 / pivots - np.bincount(owner, w * edges, pivots.size)
    return out


def _entry(found: dict[tuple[int, int], Any], group: Group, c: int, d: int) -> Any:
    return found[max(c, d), min(c, d)] if group.diagonal else found[c, d]


def _transposed(delta: Lower) -> Lower:
    """Return the same numbers as (1, S) in place of (S, 1)."""
    tf = load()
    return [[None if entry is None else tf.transpose(entry) for entry in row] for row in delta]


def _upper(deltas: list[Lower]) -> list[Lower]:
    """Return each Delta', rows of full length."""
    return [
        [[delta[j][i] if i <= j else None for j in range(len(delta))] for i in range(len(delta))] for delta in deltas
    ]
