"""A Gaussian likelihood integrated over Gaussian innovations, for a whole batch of theta at once.

Given theta, rows y_i ~ N(c_i + A_i v, s_i^2) and innovations v = m + R e, e standard normal. With d = v - v0, v0 a
constant near the best fit, the likelihood is the quadratic precision (square - 2 cross' d + d' gram d), and

    P = I + precision R' gram R,   h = precision R' (cross - gram (m - v0)),   e | y ~ N(P^-1 h, P^-1)
    log p(y | theta) = -1/2 (n log 2 pi + the quadratic at P^-1 h + |P^-1 h|^2 + log det P) - sum_i log s_i

Evaluated at the minimum, the quadratic does not cancel however wide the prior; P is stable however narrow. Leading
innovations with a diagonal gram and a diagonal R are eliminated first, element by element.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..backend.tensorflow import load

_LOG_2PI = math.log(2.0 * math.pi)


@dataclass(frozen=True, eq=False)
class Block:
    """The root of one parameter's prior covariance: elements start to stop of v.

    sd: (S, stop - start) of independent elements; or root: (S, k, k), lower, of each of J rows, and sd None.
    """

    start: int
    stop: int
    sd: Any
    root: Any = None

    def apply(self, M: Any, adjoint: bool = False) -> Any:
        """Return R M, or R' M, for M (S, stop - start, q)."""
        tf = load()
        if self.root is None:
            return M * self.sd[:, :, None]
        split = tf.reshape(M, tf.stack([tf.shape(M)[0], *self._rows, tf.shape(M)[2]]))
        moved = tf.einsum("sab,sjaq->sjbq" if adjoint else "sab,sjbq->sjaq", self.root, split)
        return tf.reshape(moved, tf.shape(M))

    def divide(self, v: Any) -> Any:
        """Return R^-1 v for v (S, stop - start)."""
        tf = load()
        if self.root is None:
            return v / self.sd
        split = tf.reshape(v, tf.stack([tf.shape(v)[0], *self._rows]))
        solved = tf.linalg.triangular_solve(self.root, tf.linalg.matrix_transpose(split))
        return tf.reshape(tf.linalg.matrix_transpose(solved), tf.shape(v))

    @property
    def _rows(self) -> tuple[int, int]:
        k = int(self.root.shape[-1])
        return (self.stop - self.start) // k, k


@dataclass(frozen=True, eq=False)
class Quadratic:
    """The likelihood as a quadratic in v, and the prior of v, at S values of theta.

    gram: (P, P) or (S, P, P). cross: (P,) or (S, P). square: () or (S,). precision: (S,), multiplies all three.
    log_scale: (S,), sum of log s_i. n: rows. mean: (S, P), m - v0. blocks: of R, in the order of v.
    first: how many leading innovations have a diagonal gram and a diagonal R.
    """

    gram: Any
    cross: Any
    square: Any
    precision: Any
    log_scale: Any
    n: int
    mean: Any
    blocks: tuple[Block, ...]
    first: int

    def apply(self, M: Any, begin: int = 0, adjoint: bool = False) -> Any:
        """Return R M, or R' M, for M (S, P - begin, q) whose first row is element `begin`, where a block starts."""
        pieces = [b.apply(M[:, b.start - begin : b.stop - begin], adjoint) for b in self.blocks if b.start >= begin]
        return load().concat(pieces, axis=1)

    def times(self, e: Any) -> Any:
        """Return R e for e (S, P)."""
        return self.apply(e[:, :, None])[:, :, 0]


@dataclass(frozen=True, eq=False)
class Solution:
    """What integrating leaves.

    log_lik: (S,). pivots: (S, E) of the eliminated innovations. meet: (S, E, F) or None, P between them and the rest.
    root: (S, F, F), Cholesky factor of the rest of P once they are eliminated. half: (S, F), root^-1 h of the rest.
    shift: (S, E), h of the eliminated. centre: (S, P), P^-1 h.
    """

    log_lik: Any
    pivots: Any
    meet: Any
    root: Any
    half: Any
    shift: Any
    centre: Any


def integrate(q: Quadratic) -> Solution:
    """Return the log likelihood of theta and what the innovations' distribution given theta is made of."""
    tf = load()
    E = q.first
    weight = q.precision[:, None]
    h = weight * q.apply((q.cross - _times(q.gram, q.mean))[:, :, None], adjoint=True)[:, :, 0]
    rest = _rest(q.gram, E) * weight[:, :, None]
    if int(h.shape[1]) > E:
        rest = q.apply(tf.linalg.matrix_transpose(q.apply(rest, E, True)), E, True)
    F = int(rest.shape[-1])
    rest = rest + tf.eye(F, dtype=tf.float64)
    shift, other = h[:, :E], h[:, E:]
    pivots, meet = tf.ones_like(shift), None
    if E:
        sd = tf.concat([b.sd for b in q.blocks if b.stop <= E], axis=1)
        pivots = 1.0 + weight * sd * sd * tf.linalg.diag_part(q.gram)[..., :E]
        crossing = q.gram[..., :E, E:] * (weight * sd)[:, :, None]
        meet = tf.linalg.matrix_transpose(q.apply(tf.linalg.matrix_transpose(crossing), E, True)) if F else crossing
        scaled = meet / pivots[:, :, None]
        rest = rest - tf.linalg.matmul(scaled, meet, transpose_a=True)
        other = other - tf.einsum("sef,se->sf", scaled, shift)
    root = tf.linalg.cholesky(rest)
    half = _solve(root, other)
    of_rest = _solve(root, half, adjoint=True)
    first = shift / pivots if meet is None else (shift - tf.einsum("sef,sf->se", meet, of_rest)) / pivots
    centre = tf.concat([first, of_rest], axis=1)
    d = q.mean + q.times(centre)
    quadratic = q.square + tf.reduce_sum(d * (_times(q.gram, d) - 2.0 * q.cross), axis=1)
    value = -0.5 * (q.n * _LOG_2PI + q.precision * quadratic + tf.reduce_sum(centre * centre, axis=1))
    value -= q.log_scale + 0.5 * tf.reduce_sum(tf.math.log(pivots), axis=1)
    value -= tf.reduce_sum(tf.math.log(tf.linalg.diag_part(root)), axis=1)
    return Solution(value, pivots, meet, root, half, shift, centre)


def last(q: Quadratic, solution: Solution, p: int) -> tuple[Any, Any]:
    """Return mean (S, p) and root (S, p, p) of the last p innovations given theta, root' root their covariance."""
    tf = load()
    P = int(solution.centre.shape[1])
    v = q.mean + q.times(solution.centre)
    tail = solution.root[:, solution.root.shape[-1] - p :, solution.root.shape[-1] - p :]
    eye = tf.eye(p, batch_shape=tf.shape(tail)[:1], dtype=tf.float64)
    inverse = tf.linalg.triangular_solve(tail, eye)
    # The covariance of the last e is inverse' inverse, that of v is R inverse' inverse R'.
    turned = q.apply(tf.linalg.matrix_transpose(inverse), P - p) if p else inverse
    return v[:, P - p :], tf.linalg.matrix_transpose(turned)


def given_last(q: Quadratic, solution: Solution, known: Any, noise: Any) -> Any:
    """Return v - v0 (S, P) given that its last p are `known` (S, p); noise: (S, P - p) standard normal, 0 for means."""
    tf = load()
    E, P, p = q.first, int(q.mean.shape[1]), int(known.shape[1])
    blocks = [b for b in q.blocks if b.start >= P - p]
    away = known - q.mean[:, P - p :]
    pieces = [b.divide(away[:, b.start - (P - p) : b.stop - (P - p)]) for b in blocks]
    e_last = tf.concat(pieces, axis=1) if pieces else away
    free = P - p - E
    root = solution.root
    half = solution.half[:, :free] - tf.einsum("stf,st->sf", root[:, free:, :free], e_last)
    e_free = _solve(root[:, :free, :free], half + noise[:, E:], adjoint=True)
    e_rest = tf.concat([e_free, e_last], axis=1)
    shift = solution.shift
    if solution.meet is not None:
        shift = shift - tf.einsum("sef,sf->se", solution.meet, e_rest)
    e_first = shift / solution.pivots + noise[:, :E] / tf.sqrt(solution.pivots)
    d = q.mean + q.times(tf.concat([e_first, e_rest], axis=1))
    return tf.concat([d[:, : P - p], known], axis=1)


def _times(gram: Any, d: Any) -> Any:
    """Return gram d for d (S, P), gram (P, P) or (S, P, P)."""
    tf = load()
    if gram.shape.rank == 2:
        return tf.linalg.matmul(d, gram)
    return tf.linalg.matvec(gram, d)


def _rest(gram: Any, E: int) -> Any:
    """Return the gram of all but the first E elements, with an axis for the batch."""
    rest = gram[..., E:, E:]
    return rest if rest.shape.rank == 3 else rest[None]


def _solve(root: Any, x: Any, adjoint: bool = False) -> Any:
    return load().linalg.triangular_solve(root, x[:, :, None], adjoint=adjoint)[:, :, 0]
