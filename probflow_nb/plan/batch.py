"""Batch: the REML criterion of many data sets with one design, each at points of its own, all at once.

With one design X'WX, Z'WX and Z'WZ are the same for all data sets; only X'Wy, Z'Wy and y'Wy differ. Levels of the first
factor with the same Z_j'WZ_j make one class: of a balanced design there is one, and what an evaluation costs does not
grow with the number of levels but for y. With Delta the relative factor of the first factor, A_j = Delta' G_j Delta + I
and P_j = Delta A_j^-1 Delta' (Bates et al. 2015, Journal of Statistical Software 67(1), eqs. 29-41),

    K = F'WF - sum_j C_j' P_j C_j,     log det V = sum_j log det A_j,     F = [X y],  C_j = Z_j'WF,

and the other factors, r effects in all, are eliminated after it by one dense Cholesky factor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..design.moments import Factor, scaled_rows
from ..model.covariance import Layout
from ..model.model import Model

# Numbers of one array of a batch.
AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class Arrays:
    """What all data sets have in common, in scaled units (p columns of X, J levels of k columns, r further effects).

    gram: (p, p). classes: (c, k, k) distinct Z_j'WZ_j. which: (J,) the class of each level. counts: (c,).
    cross: (J, k, p). cells: (J, k, r). cross_cross, cells_cells, cells_cross: sums over a class of outer products,
    (c k k, p p), (c k k, r r), (c k k, r p). rest: (r, r). rest_cross: (r, p).
    """

    n: int
    gram: np.ndarray
    classes: np.ndarray
    which: np.ndarray
    counts: np.ndarray
    cross: np.ndarray
    cells: np.ndarray
    cross_cross: np.ndarray
    cells_cells: np.ndarray
    cells_cross: np.ndarray
    rest: np.ndarray
    rest_cross: np.ndarray
    factors: tuple[Factor, ...]
    layout: Layout


@dataclass(frozen=True, eq=False)
class Responses:
    """Cross-products of N responses: yy (N,), xy (N, p), zy (N, J, k), ry (N, r)."""

    yy: np.ndarray
    xy: np.ndarray
    zy: np.ndarray
    ry: np.ndarray

    def __len__(self) -> int:
        return len(self.yy)


@dataclass(frozen=True, eq=False)
class Reduced:
    """K of B points with b eliminated: xx (B, p, p), xy (B, p), yy (B,), and log det V (B,)."""

    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray
    log_det: np.ndarray


def arrays(model: Model) -> Arrays:
    """Return the arrays of a Gaussian model's design."""
    m, layout = model.moments, model.marginal.layout
    p = m.n_common
    if not m.factors:
        none, zero = np.zeros((0, 0, 0)), np.zeros((0, 0))
        empty = np.zeros(0, np.int64)
        return Arrays(
            m.n, m.gram[:p, :p], none, empty, empty, np.zeros((0, 0, p)), none, np.zeros((0, p * p)), zero, zero,
            zero, np.zeros((0, p)), (), layout,
        )  # fmt: skip
    G, C = m.first_gram, m.first_cross[:, :, :p]
    J, k = G.shape[:2]
    r = len(m.rest_cross)
    scale = np.abs(G).max() or 1.0
    _, first, which, counts = np.unique(
        np.round(G.reshape(J, -1) / scale, 9), axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    which = which.reshape(-1)
    E = np.zeros((J, k, r))
    E[m.cells.level, :, m.cells.column] = m.cells.value
    return Arrays(
        m.n, m.gram[:p, :p], G[first], which, counts, C, E,
        _outer(C, C, which, len(counts)), _outer(E, E, which, len(counts)), _outer(E, C, which, len(counts)),
        m.rest_gram.dense() if r else np.zeros((0, 0)), m.rest_cross[:, :p], m.factors, layout,
    )  # fmt: skip


def responses(model: Model, residuals: np.ndarray) -> Responses:
    """Return the cross-products of N responses (N, n), already centred and scaled as their drawer wishes."""
    from scipy import sparse

    design, m = model.design, model.moments
    F, z = scaled_rows(design, m)
    weighted = residuals if design.weights is None else residuals * design.weights
    found = []
    for factor, columns in zip(m.factors, z, strict=True):
        k = factor.n_columns
        n = len(columns)
        where = factor.index[:, None] * k + np.arange(k)
        Z = sparse.csr_array(
            (columns.ravel(), where.ravel(), np.arange(0, n * k + 1, k)), shape=(n, factor.n_levels * k)
        )
        found.append(np.asarray((Z.T @ weighted.T).T))
    N = len(residuals)
    first = found[0].reshape(N, m.factors[0].n_levels, -1) if found else np.zeros((N, 0, 0))
    return Responses(
        np.einsum("ij,ij->i", residuals, weighted),
        weighted @ F[:, :-1],
        first,
        np.concatenate(found[1:], axis=1) if len(found) > 1 else np.zeros((N, 0)),
    )


def reduced(a: Arrays, data: Responses, phi: np.ndarray, which: np.ndarray) -> Reduced:
    """Return K and log det V at phi (B, d), point i for the data set which[i]."""
    B, p = len(phi), len(a.gram)
    xx = np.broadcast_to(a.gram, (B, p, p)).copy()
    xy, yy = data.xy[which], data.yy[which]
    log_det = np.zeros(B)
    if not a.factors:
        return Reduced(xx, xy, yy, log_det)
    P, log_dets = _eliminated(a.classes, _relative(a, phi, 0))
    flat = P.reshape(B, -1)
    zy = data.zy[which]
    solved = np.einsum("bjkl,bjl->bjk", P[:, a.which] if len(a.counts) > 1 else P, zy)
    solved_flat = solved.reshape(B, -1)
    xx -= (flat @ a.cross_cross).reshape(B, p, p)
    xy = xy - solved_flat @ a.cross.reshape(-1, p)
    yy = yy - np.einsum("bjk,bjk->b", solved, zy)
    log_det += log_dets @ a.counts
    r = len(a.rest)
    if not r:
        return Reduced(xx, xy, yy, log_det)
    # The other factors: what the first leaves of their cross-products, relative to sigma.
    scales = [_relative(a, phi, f) for f in range(1, len(a.factors))]
    inner = _scaled(a, a.rest - (flat @ a.cells_cells).reshape(B, r, r), scales)
    inner = _scaled(a, inner.transpose(0, 2, 1), scales) + np.eye(r)
    cross = np.concatenate(
        [
            a.rest_cross - (flat @ a.cells_cross).reshape(B, r, p),
            (data.ry[which] - solved_flat @ a.cells.reshape(-1, r))[:, :, None],
        ],
        axis=2,
    )
    cross = _scaled(a, cross, scales)
    L = np.linalg.cholesky(inner)
    found = np.linalg.solve(inner, cross)
    xx -= cross[:, :, :p].transpose(0, 2, 1) @ found[:, :, :p]
    xy = xy - np.einsum("brp,br->bp", cross[:, :, :p], found[:, :, p])
    yy = yy - np.einsum("br,br->b", cross[:, :, p], found[:, :, p])
    log_det += 2.0 * np.log(np.diagonal(L, axis1=1, axis2=2)).sum(axis=1)
    return Reduced(xx, xy, yy, log_det)


def cost(a: Arrays) -> int:
    """Return how many numbers one point of a batch holds."""
    J, k, r = a.cells.shape
    return int(J * k * (k + 2) + 3 * r * r + r * (len(a.gram) + 2) + len(a.gram) ** 2 + 8)


def _relative(a: Arrays, phi: np.ndarray, position: int) -> np.ndarray:
    """Return Delta (B, k, k) of one factor: the terms' lower triangles along its diagonal."""
    factor = a.factors[position]
    k, B = factor.n_columns, len(phi)
    Delta, start = np.zeros((B, k, k)), 0
    for member, width in zip(factor.members, factor.widths, strict=True):
        term = a.layout.terms[member]
        own = np.arange(start, start + width)
        Delta[:, own, own] = phi[:, term.start : term.start + width]
        if term.n_correlations:
            i, j = np.tril_indices(width, -1)
            Delta[:, start + i, start + j] = phi[:, term.start + width : term.stop]
        start += width
    return Delta


def _eliminated(G: np.ndarray, Delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return P = Delta (Delta' G Delta + I)^-1 Delta', (B, c, k, k), and the log determinants (B, c)."""
    k = G.shape[1]
    if k == 1:
        d = Delta[:, :, 0] ** 2
        A = 1.0 + d * G[None, :, 0, 0]
        return (d / A)[:, :, None, None], np.log(A)
    D = Delta[:, None]
    Dt = D.transpose(0, 1, 3, 2)
    A = Dt @ G @ D + np.eye(k)
    if k == 2:
        a, b, c = A[..., 0, 0], A[..., 0, 1], A[..., 1, 1]
        det = a * c - b * b
        inverse = np.stack([c, -b, -b, a], axis=-1).reshape(A.shape) / det[..., None, None]
        return D @ inverse @ Dt, np.log(det)
    L = np.linalg.cholesky(A)
    return D @ np.linalg.inv(A) @ Dt, 2.0 * np.log(np.diagonal(L, axis1=2, axis2=3)).sum(axis=2)


def _scaled(a: Arrays, M: np.ndarray, scales: list[np.ndarray]) -> np.ndarray:
    """Return Delta' M, Delta the relative factors of the rest along its diagonal, M (B, r, m)."""
    pieces, start = [], 0
    for factor, Delta in zip(a.factors[1:], scales, strict=True):
        J, k = factor.n_levels, factor.n_columns
        part = M[:, start : start + J * k]
        if k == 1:
            pieces.append(part * Delta)
        else:
            blocks = part.reshape(len(M), J, k, -1)
            pieces.append((Delta.transpose(0, 2, 1)[:, None] @ blocks).reshape(part.shape))
        start += J * k
    return np.concatenate(pieces, axis=1)


def _outer(left: np.ndarray, right: np.ndarray, which: np.ndarray, classes: int) -> np.ndarray:
    """Return (c k k, m m'): for each class and pair of columns the sum over levels of left_k' right_l."""
    k = left.shape[1]
    out = np.zeros((classes, k, k, left.shape[2], right.shape[2]))
    for c in range(classes):
        own = which == c
        for i in range(k):
            for j in range(k):
                out[c, i, j] = left[own, i].T @ right[own, j]
    return out.reshape(classes * k * k, -1)
