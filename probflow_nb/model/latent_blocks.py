"""Latent blocks: one Newton step of all latent numbers by block elimination, for S values of theta at once.

With G_j = Z_j'WZ_j, C_j = Z_j'WB (B the border: the rest and X), D the relative factor of the first factor, D_B that of
the border (the identity for X) and P the border's prior precision:

    L_j L_j' = I + D' G_j D,  V_j = L_j^-1 D' C_j D_B,  M = D_B' B'WB D_B + P - sum_j V_j' V_j
    t_j = L_j^-1 (D' Z_j'g - u_j),  s = M^-1 (g_B - sum_j V_j' t_j) for the border,  L_j^-T (t_j - V_j s) for u_j
    log det H = sum_j 2 log det L_j + log det M
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .latent_design import LatentDesign

# Lower triangular k x k matrices entry by entry, each (S,); None is a structural zero.
Entries = list[list[np.ndarray | None]]
# A pivot below this is taken for none: at a mode the prior alone gives 1.
_LEAST_PIVOT = 1e-3


@dataclass(frozen=True, eq=False)
class Scales:
    """Relative factors for S values of theta: of the first factor, entry by entry, and of the rest, (S, k, k) each."""

    first: Entries
    rest: tuple[np.ndarray, ...]

    def take(self, rows: np.ndarray | slice) -> Scales:
        """Return those of some of the S values."""
        first = [[None if entry is None else entry[rows] for entry in line] for line in self.first]
        return Scales(first, tuple(delta[rows] for delta in self.rest))


@dataclass(frozen=True, eq=False)
class Factored:
    """The factored Hessian: inverse L_j^-1 entry by entry, (J, S) each; V (S, J k, m); root (S, m, m) = chol(M)^-1.

    log_det: (S,).
    """

    inverse: Entries
    V: np.ndarray
    root: np.ndarray
    log_det: np.ndarray

    def back(self, t: np.ndarray) -> np.ndarray:
        """Return L_j^-T t_j for t (J, k, S)."""
        out = np.zeros_like(t)
        for c, line in enumerate(self.inverse):
            for d, entry in enumerate(line):
                if entry is not None:
                    out[:, d] += entry * t[:, c]
        return out


def scale_first(scales: Scales, u: np.ndarray) -> np.ndarray:
    """Return D u_j for u (J, k, S)."""
    out = np.zeros_like(u)
    for c, line in enumerate(scales.first):
        for d, entry in enumerate(line):
            if entry is not None:
                out[:, c] += entry * u[:, d]
    return out


def scale_first_back(scales: Scales, g: np.ndarray) -> np.ndarray:
    """Return D' g_j for g (J, k, S)."""
    out = np.zeros_like(g)
    for c, line in enumerate(scales.first):
        for d, entry in enumerate(line):
            if entry is not None:
                out[:, d] += entry * g[:, c]
    return out


def scale_rest(design: LatentDesign, scales: Scales, v: np.ndarray, back: bool = False) -> np.ndarray:
    """Return D v (or D' v) along the last axis, the rest's r effects, for v (S, ..., r)."""
    if not design.r:
        return v
    pieces, start = [], 0
    for factor, delta in zip(design.factors[1:], scales.rest, strict=True):
        J, k = factor.n_levels, factor.n_columns
        part = v[..., start : start + J * k]
        start += J * k
        if k == 1:
            pieces.append(part * delta[:, 0, 0].reshape(-1, *([1] * (v.ndim - 1))))
            continue
        shaped = part.reshape(*part.shape[:-1], J, k)
        turned = "sdc" if back else "scd"
        pieces.append(np.einsum(f"{turned},s...d->s...c", delta, shaped).reshape(part.shape))
    return np.concatenate(pieces, axis=-1)


def factor(
    design: LatentDesign, scales: Scales, W: np.ndarray, precision: np.ndarray, safe: np.ndarray | None = None
) -> Factored:
    """Return the factored Hessian for the information W (n, S) of eta; precision: (p, p) of the prior of beta.

    safe: (n, S), above 0, stands for W in levels whose block is not positive definite, and in all rows where the border
    is not: far from a mode a log density that is not concave has no Newton step. At a mode W itself is taken.
    """
    first = _first(design, scales, W, safe is None)
    if safe is not None and first.lost.any():
        W = np.where(first.lost[design.factors[0].index], safe, W)
        first = _first(design, scales, W, False)
    V, M = _border(design, scales, W, precision, first.inverse)
    if not design.m:
        return Factored(first.inverse, V, M, first.log_det)
    chol, lost = _cholesky(M)
    if safe is not None and lost.any():
        return factor(design, scales, np.where(lost, safe, W), precision)
    log_det = np.where(lost, np.inf, first.log_det) + 2.0 * np.log(np.diagonal(chol, axis1=1, axis2=2)).sum(axis=1)
    return Factored(first.inverse, V, np.linalg.inv(chol), log_det)


def _border(
    design: LatentDesign, scales: Scales, W: np.ndarray, precision: np.ndarray, inverse: Entries
) -> tuple[np.ndarray, np.ndarray]:
    """Return V (S, J k, m) and M (S, m, m)."""
    S, J, k, m, r = W.shape[1], design.J, design.k, design.m, design.r
    if not m:
        return np.zeros((S, J * k, 0)), np.zeros((S, 0, 0))
    M = np.zeros((S, m, m))
    if r:
        block = (design.rest_border @ W).T.reshape(S, r, m)
        block[..., :r] = scale_rest(design, scales, block[..., :r], back=True)
        block = np.swapaxes(scale_rest(design, scales, np.swapaxes(block, 1, 2), back=True), 1, 2)
        M[:, :r] = block
        M[:, r:, :r] = np.swapaxes(block[..., r:], 1, 2)
        M[:, range(r), range(r)] += 1.0
    if design.p:
        M[:, r:, r:] = design.common_gram(W) + precision
    V = np.zeros((S, 0, m))
    if J:
        C = (design.first_border @ W).reshape(J, k, m, S)
        DC = np.zeros_like(C)
        for c, line in enumerate(scales.first):
            for d, entry in enumerate(line):
                if entry is not None:
                    DC[:, d] += entry * C[:, c]
        VT = np.zeros_like(C)
        for c, line in enumerate(inverse):
            for d, entry in enumerate(line):
                if entry is not None:
                    VT[:, c] += entry[:, None] * DC[:, d]
        V = np.ascontiguousarray(VT.reshape(J * k * m, S).T).reshape(S, J * k, m)
        if r:
            V[..., :r] = scale_rest(design, scales, V[..., :r], back=True)
        M -= np.matmul(np.swapaxes(V, 1, 2), V)
    return V, M


def _cholesky(M: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the Cholesky factors of M (S, m, m), and which M have none; theirs is the identity."""
    lost = ~np.isfinite(M).all(axis=(1, 2))
    try:
        if not lost.any():
            return np.linalg.cholesky(M), lost
    except np.linalg.LinAlgError:
        pass
    found = np.repeat(np.eye(M.shape[1])[None], len(M), axis=0)
    for s in np.flatnonzero(~lost):
        try:
            found[s] = np.linalg.cholesky(M[s])
        except np.linalg.LinAlgError:
            lost[s] = True
    return found, lost


class _Levels(NamedTuple):
    """L_j^-1 entry by entry, sum_j log det(I + D' G_j D) (S,), and which blocks are not positive definite (J, S)."""

    inverse: Entries
    log_det: np.ndarray
    lost: np.ndarray


def _first(design: LatentDesign, scales: Scales, W: np.ndarray, concave: bool) -> _Levels:
    """Factor the blocks of the first factor; concave: W is nowhere below 0."""
    S, J, k = W.shape[1], design.J, design.k
    lost = np.zeros((J, S), bool)
    if not J:
        return _Levels([], np.zeros(S), lost)
    G = (design.first_gram @ W).reshape(-1, J, S)
    D = scales.first
    if k == 1:
        assert D[0][0] is not None
        det = 1.0 + D[0][0] ** 2 * G[0]
        if not concave:
            lost = ~(det > _LEAST_PIVOT)
            det = np.where(lost, 1.0, det)
        return _Levels([[1.0 / np.sqrt(det)]], np.log(det).sum(axis=0), lost)
    place = {pair: e for e, pair in enumerate(design.pairs)}

    def gram(c: int, d: int) -> np.ndarray:
        return G[place[max(c, d), min(c, d)]]

    def times(i: int, j: int) -> np.ndarray:
        total = np.zeros((J, S))
        for c in range(i, k):
            for d in range(j, k):
                left, right = D[c][i], D[d][j]
                if left is not None and right is not None:
                    total += left * right * gram(c, d)
        return total

    L: list[list[np.ndarray]] = []
    log_det = np.zeros(S)
    for i in range(k):
        row: list[np.ndarray] = []
        for j in range(i + 1):
            value = times(i, j) + (1.0 if i == j else 0.0)
            for h in range(j):
                value = value - row[h] * (row[h] if j == i else L[j][h])
            if i == j and concave:
                # A pivot of the identity and something semi-definite is at least 1, whatever rounding says.
                value = np.maximum(value, 1.0)
            elif i == j:
                lost |= ~(value > _LEAST_PIVOT)
                value = np.where(lost, 1.0, value)
            row.append(np.sqrt(value) if i == j else value / L[j][j])
        log_det = log_det + 2.0 * np.log(row[i]).sum(axis=0)
        L.append(row)
    return _Levels(_inverse(L), log_det, lost)


def _inverse(L: list[list[np.ndarray]]) -> Entries:
    """Return L^-1, lower triangular, entry by entry."""
    found: Entries = []
    for i, row in enumerate(L):
        line: list[np.ndarray | None] = []
        for j in range(i):
            total = np.zeros_like(row[i])
            for h in range(j, i):
                entry = found[h][j]
                if entry is not None:
                    total -= row[h] * entry
            line.append(total / row[i])
        found.append([*line, 1.0 / row[i]])
    return found
