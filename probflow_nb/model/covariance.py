"""Covariance: from unconstrained numbers to the relative factors Delta of the group effects.

The effects of a level have covariance sigma^2 Delta Delta', Delta lower triangular: Delta = diag(sd / sigma) L, L the
Cholesky factor of the correlation matrix. Matrices are kept entry by entry, each entry a tensor of S values, since a
k x k matrix with k of 1 to 5 is cheapest that way: structural zeros cost nothing and nothing is batched over tiny
matrices. An entry has shape (S, 1), so that it meets the (U,) constants of U levels without further ado.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..backend.tensorflow import load

# A lower triangular matrix: row i holds entries 0..i; None is a structural zero.
Lower: TypeAlias = list[list[Any]]


@dataclass(frozen=True)
class TermLayout:
    """Where one group term's numbers lie in theta.

    start: position of its first log sd. k: its columns. correlated: whether k (k - 1) / 2 atanh partial correlations
    follow the k log sds, row by row.
    """

    start: int
    k: int
    correlated: bool

    @property
    def n_correlations(self) -> int:
        """k (k - 1) / 2 when the columns are correlated, else 0."""
        return self.k * (self.k - 1) // 2 if self.correlated else 0

    @property
    def stop(self) -> int:
        """Position after the term's last number."""
        return self.start + self.k + self.n_correlations


@dataclass(frozen=True)
class Layout:
    """Where everything lies in theta: the terms in the order of the text, then log sigma."""

    terms: tuple[TermLayout, ...]

    @property
    def sigma(self) -> int:
        """Position of log sigma."""
        return self.terms[-1].stop if self.terms else 0

    @property
    def size(self) -> int:
        """d, the length of theta."""
        return self.sigma + 1


def layout(shapes: tuple[tuple[int, bool], ...]) -> Layout:
    """Return the layout of terms given as (k, correlated) pairs."""
    terms: list[TermLayout] = []
    start = 0
    for k, correlated in shapes:
        terms.append(TermLayout(start, k, correlated))
        start = terms[-1].stop
    return Layout(tuple(terms))


def partial_correlations(term: TermLayout, theta: list[Any]) -> Lower:
    """Return z[i][j] = tanh of the term's numbers; an empty list when uncorrelated."""
    if not term.n_correlations:
        return []
    tanh = load().math.tanh
    rows: Lower = [[]]
    position = term.start + term.k
    for i in range(1, term.k):
        rows.append([tanh(theta[position + j]) for j in range(i)])
        position += i
    return rows


def correlation_factor(z: Lower) -> Lower:
    """Return the Cholesky factor of the correlation matrix with canonical partial correlations z.

    L[i][j] = z[i][j] sqrt(1 - sum_{m<j} L[i][m]^2) (Lewandowski, Kurowicka and Joe 2009); None stands for 1.
    """
    sqrt = load().sqrt
    rows: Lower = []
    for partial in z:
        left = None
        row: list[Any] = []
        for value in partial:
            row.append(value if left is None else value * sqrt(left))
            left = 1.0 - value * value if left is None else left * (1.0 - value * value)
        # The first row is (1), left out.
        row.append(None if left is None else sqrt(left))
        rows.append(row)
    return rows


def atanh_partial_correlations(R: Any) -> list[Any]:
    """Return the k (k - 1) / 2 numbers (...) whose tanh are the canonical partial correlations of R (..., k, k)."""
    tf = load()
    L = tf.linalg.cholesky(R)
    found = []
    for i in range(1, R.shape[-1]):
        left = tf.ones_like(L[..., 0, 0])
        for j in range(i):
            found.append(tf.math.atanh(L[..., i, j] / tf.sqrt(left)))
            left -= L[..., i, j] ** 2
    return found


def relative_factor(term: TermLayout, theta: list[Any], log_sigma: Any, z: Lower) -> Lower:
    """Return Delta of one term from the d columns of theta and the term's partial correlations z."""
    exp = load().exp
    ratio = [exp(theta[term.start + i] - log_sigma) for i in range(term.k)]
    if not term.n_correlations:
        return [[None] * i + [ratio[i]] for i in range(term.k)]
    L = correlation_factor(z)
    return [[ratio[i] if entry is None else ratio[i] * entry for entry in L[i]] for i in range(term.k)]


def block_diagonal(blocks: list[Lower]) -> Lower:
    """Return the lower triangular matrix with the given blocks on its diagonal."""
    rows: Lower = []
    for block in blocks:
        before = len(rows)
        rows.extend([None] * before + row for row in block)
    return rows


def product(L: Lower) -> Lower:
    """Return the lower half of L L'."""
    k = len(L)
    return [[add([times(L[i][m], L[j][m]) for m in range(j + 1)]) for j in range(i + 1)] for i in range(k)]


def dense(L: Lower) -> Any:
    """Return L as one tensor (S, k, k)."""
    tf = load()
    zero = tf.zeros_like(L[0][0])
    k = len(L)
    rows = [
        tf.stack([L[i][j] if j <= i and L[i][j] is not None else zero for j in range(k)], axis=-1) for i in range(k)
    ]
    return tf.stack(rows, axis=-2)[:, 0]


def times(a: Any, b: Any) -> Any:
    """Return a b, None where one is a structural zero."""
    return None if a is None or b is None else a * b


def add(terms: list[Any]) -> Any:
    """Return the sum of what is not a structural zero, None if nothing is."""
    kept = [t for t in terms if t is not None]
    if not kept:
        return None
    total = kept[0]
    for t in kept[1:]:
        total = total + t
    return total


def correlations(term: TermLayout, theta: np.ndarray) -> np.ndarray:
    """Return the correlation matrices (S, k, k) of one term for numpy theta (S, d)."""
    S, k = theta.shape[0], term.k
    L = np.zeros((S, k, k))
    L[:, 0, 0] = 1.0
    if not term.n_correlations:
        return np.broadcast_to(np.eye(k), (S, k, k)).copy()
    z = np.tanh(theta[:, term.start + term.k : term.stop])
    position = 0
    for i in range(1, k):
        left = np.ones(S)
        for j in range(i):
            L[:, i, j] = z[:, position] * np.sqrt(left)
            left = left * (1.0 - z[:, position] ** 2)
            position += 1
        L[:, i, i] = np.sqrt(left)
    return L @ L.transpose(0, 2, 1)
