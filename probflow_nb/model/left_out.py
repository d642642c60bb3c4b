"""Left out: log p(rows | all other rows, theta) of a Gaussian model, beta and b integrated out, without a refit.

In scaled units, with the first factor's effects eliminated level by level (A_j, C_j as in `elimination`) and
v = (effects of the rest, whitened; beta) left with N = T'(G'WG - sum_j C_j'A_jC_j)T + prior in units of sigma^2:

    ghat_i = (g_i - z_i' A_j C_j) T                  what row i says of v once its level's effect is taken out
    e_i    = y_i - E(eta_i | y),   h_ii' = ghat_i N^-1 ghat_i' + [same level] z_i' A_j z_i'
    t      = 1 / W - h                               for the rows left out
    log p(y_I | y_-I) = -n_I/2 log(2 pi sigma^2) + sum log w + 1/2 log det t - 1/2 e' t^-1 e / sigma^2

Without a level of the first factor N and the log determinant lose that level's part, which is cheaper than its rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..design.design import Design
from ..design.moments import Moments, scaled_rows
from .marginal import Marginal

_LOG_2PI = math.log(2.0 * math.pi)
# Numbers of one array of a block of draws.
_AT_ONCE = 1 << 21
# A border wider than this is left to the draws.
_WIDEST = 400


@dataclass(frozen=True, eq=False)
class LeftOut:
    """The rows of a Gaussian model, ready to be left out.

    marginal: of theta. index: (n,) level of the first factor; z: (n, k). border: (n, m + 1), the columns of the rest's
    effects, of X, and y. gram: (m + 1, m + 1). cross: (J, k, m + 1). weights: (n,).
    """

    marginal: Marginal
    index: np.ndarray
    z: np.ndarray
    border: np.ndarray
    gram: np.ndarray
    cross: np.ndarray
    weights: np.ndarray

    @property
    def width(self) -> int:
        """m."""
        return self.border.shape[1] - 1

    def cost(self, S: int) -> float:
        """Return the multiply-adds of all rows for S draws, about."""
        n, m, k = len(self.border), self.width, self.z.shape[1]
        return float(S) * n * (m * m + 2 * k * m + m + 20)

    def rows(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return log p(y_i | y_-i, theta) and log p(new y_i | y, theta) at y_i, each (S, n), for theta (S, d)."""
        n, m = self.border.shape[0], self.width
        blocks = [_Block(self, part) for part in self._parts(theta, n * (m + 1))]
        return tuple(np.concatenate(side) for side in zip(*(block.rows() for block in blocks), strict=True))  # type: ignore[return-value]

    def levels(self, theta: np.ndarray) -> np.ndarray:
        """Return log p(rows of level j | all others, theta), (S, J), of the first factor."""
        size = len(self.cross) * (self.width + 1) ** 2
        return np.concatenate([_Block(self, part).levels() for part in self._parts(theta, size)])

    def sets(self, theta: np.ndarray, sets: list[np.ndarray]) -> np.ndarray:
        """Return log p(y_I | y_-I, theta), (S, sets), of sets of rows; NaN where rounding leaves no density."""
        most = max(len(rows) for rows in sets)
        size = max(self.cross.size, most * max(most, self.width + 1), (self.width + 1) ** 2)
        return np.concatenate([_Block(self, part).sets(sets) for part in self._parts(theta, size)])

    def common(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean (S, p) and covariance (S, p, p) of beta | y, theta, in scaled units."""
        parts = [_Block(self, part).common() for part in self._parts(theta, (self.width + 1) ** 2)]
        return tuple(np.concatenate(side) for side in zip(*parts, strict=True))  # type: ignore[return-value]

    def common_without_levels(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return those of beta | y without a level of the first factor, theta: (S, J, p) and (S, J, p, p)."""
        size = len(self.cross) * (self.width + 1) ** 2
        parts = [_Block(self, part).common_without_levels() for part in self._parts(theta, size)]
        return tuple(np.concatenate(side) for side in zip(*parts, strict=True))  # type: ignore[return-value]

    def common_without_sets(self, theta: np.ndarray, sets: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return those of beta | y without a set of rows, theta: (S, sets, p) and (S, sets, p, p)."""
        most = max(len(rows) for rows in sets)
        size = max(self.cross.size, most * max(most, self.width + 1), (self.width + 1) ** 2)
        parts = [_Block(self, part).common_without_sets(sets) for part in self._parts(theta, size)]
        return tuple(np.concatenate(side) for side in zip(*parts, strict=True))  # type: ignore[return-value]

    def _parts(self, theta: np.ndarray, size: int) -> list[np.ndarray]:
        step = max(1, _AT_ONCE // max(1, size))
        return [theta[start : start + step] for start in range(0, len(theta), step)]


def left_out(marginal: Marginal, design: Design) -> LeftOut | None:
    """Return the rows of a Gaussian model, ready to be left out; None where the factors cross too widely for it."""
    moments: Moments = marginal.moments
    if sum(f.n_levels * f.n_columns for f in moments.factors[1:]) + moments.n_common > _WIDEST:
        return None
    F, columns = scaled_rows(design, moments)
    n = len(F)
    rest = [_wide(f.index, z, f.n_levels) for f, z in zip(moments.factors[1:], columns[1:], strict=True)]
    border = np.concatenate([*rest, F], axis=1)
    w = np.ones(n) if design.weights is None else design.weights
    first = moments.factors[0] if moments.factors else None
    index = np.zeros(n, np.int64) if first is None else first.index.astype(np.int64)
    z = np.zeros((n, 0)) if first is None else columns[0]
    J = 1 if first is None else first.n_levels
    cross = _by_level(index, (z * w[:, None])[:, :, None] * border[:, None, :], J)
    return LeftOut(marginal, index, z, border, border.T @ (border * w[:, None]), cross, w)


def _wide(index: np.ndarray, z: np.ndarray, J: int) -> np.ndarray:
    """Return the (n, J k) columns of a factor, level by level."""
    n, k = z.shape
    found = np.zeros((n, J, k))
    found[np.arange(n), index] = z
    return found.reshape(n, J * k)


def _by_level(index: np.ndarray, values: np.ndarray, J: int) -> np.ndarray:
    """Return the sums (J, ...) of values (n, ...) over the rows of each level."""
    found = np.zeros((J, *values.shape[1:]))
    np.add.at(found, index, values)
    return found


class _Block:
    """What some draws of theta make of all rows: A_j, N and the residuals."""

    def __init__(self, left: LeftOut, theta: np.ndarray) -> None:
        self.left = left
        marginal, m, S = left.marginal, left.width, len(theta)
        self.log_variance = 2.0 * theta[:, marginal.layout.sigma]
        deltas = [_dense(lower, S) for lower in marginal.factors(load().constant(theta))]
        self.A, self.log_det = _first(deltas[0] if deltas else None, marginal.moments.first_gram, S)
        self.AC = self.A @ left.cross
        J, k = self.A.shape[1:3]
        lost = left.cross.reshape(J * k, m + 1).T @ self.AC.reshape(S, J * k, m + 1)
        self.T = _whitening(marginal.moments, deltas[1:], S, m + 1)
        N = np.swapaxes(self.T, 1, 2) @ (left.gram - lost) @ self.T
        r = m - marginal.n_common
        N[:, np.arange(r), np.arange(r)] += 1.0
        N[:, r:, r:] += np.exp(self.log_variance)[:, None, None] * marginal.common.augmented
        self.N = N

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the two log densities of every row, (S, n)."""
        left, variance = self.left, np.exp(self.log_variance)[:, None]
        e, u = self._residuals(slice(None))
        own = self._own(slice(None))
        h = np.einsum("sni,sni->sn", u, u) + np.einsum("snk,nk->sn", own, left.z)
        scale = -0.5 * (_LOG_2PI + self.log_variance[:, None]) - math.log(left.marginal.moments.scaling.y_scale)
        w = left.weights
        with np.errstate(invalid="ignore", divide="ignore"):
            t = 1.0 / w - h
            apart = scale + np.log(w) + 0.5 * np.log(t) - 0.5 * e * e / (variance * t)
        seen = 1.0 / w + h
        return apart, scale - 0.5 * np.log(seen) - 0.5 * e * e / (variance * seen)

    def sets(self, sets: list[np.ndarray]) -> np.ndarray:
        """Return log p(y_I | y_-I) for every set of rows, (S, sets)."""
        left = self.left
        found = np.empty((len(self.N), len(sets)))
        log_scale = math.log(left.marginal.moments.scaling.y_scale)
        for place, rows in enumerate(sets):
            e, u = self._residuals(rows)
            t, w = self._left_of(rows, u), left.weights[rows]
            sign, log_det = np.linalg.slogdet(t)
            solved = np.linalg.solve(t, e[:, :, None])[:, :, 0]
            square = (e * solved).sum(axis=1) * np.exp(-self.log_variance)
            value = 0.5 * log_det - 0.5 * square - 0.5 * len(rows) * (_LOG_2PI + self.log_variance)
            found[:, place] = np.where(sign > 0, value + np.log(w).sum() - len(rows) * log_scale, np.nan)
        return found

    def levels(self) -> np.ndarray:
        """Return log p(rows of j | all others) for every level j of the first factor, (S, J)."""
        left = self.left
        J = len(left.cross)
        counts = np.bincount(left.index, minlength=J)
        log_weights = np.bincount(left.index, np.log(left.weights), J)
        whole, rest = _eliminated(self.N), _eliminated(self.N[:, None] - self._of_levels())
        log_det = self.log_det + whole[0][:, None] - rest[0]
        square = (whole[1][:, None] - rest[1]) * np.exp(-self.log_variance)[:, None]
        scale = _LOG_2PI + self.log_variance[:, None] + 2.0 * math.log(left.marginal.moments.scaling.y_scale)
        return 0.5 * (log_weights - log_det - square - counts * scale)

    def common(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean (S, p) and covariance (S, p, p) of beta given all rows."""
        root, half = self._root
        mean = np.swapaxes(root, 1, 2) @ half
        r = self.left.width - self.left.marginal.n_common
        own = root[:, :, r:]
        return mean[:, r:, 0], np.swapaxes(own, 1, 2) @ own * np.exp(self.log_variance)[:, None, None]

    def common_without_levels(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean (S, J, p) and covariance (S, J, p, p) of beta without a level: N without its part, solved."""
        m = self.left.width
        r = m - self.left.marginal.n_common
        rest = self.N[:, None] - self._of_levels()
        inverse = np.linalg.inv(rest[..., :m, :m])
        mean = inverse @ rest[..., :m, m:]
        return mean[..., r:, 0], inverse[..., r:, r:] * np.exp(self.log_variance)[:, None, None, None]

    def common_without_sets(self, sets: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return mean (S, sets, p) and covariance of beta without a set of rows.

        v_-I = v - N^-1 ghat_I' t^-1 e_I and N_-I^-1 = N^-1 + N^-1 ghat_I' t^-1 ghat_I N^-1: what t is inverted for.
        """
        left = self.left
        p = left.marginal.n_common
        r = left.width - p
        root = self._root[0]
        mean, covariance = self.common()
        variance = np.exp(self.log_variance)[:, None, None]
        means = np.empty((len(self.N), len(sets), p))
        covariances = np.empty((len(self.N), len(sets), p, p))
        for place, rows in enumerate(sets):
            e, u = self._residuals(rows)
            t = self._left_of(rows, u)
            # (L^-1)' u' = N^-1 ghat', of beta alone.
            reach = np.swapaxes(root[:, :, r:], 1, 2) @ np.swapaxes(u, 1, 2)
            solved = np.linalg.solve(t, np.concatenate([np.swapaxes(reach, 1, 2), e[:, :, None]], axis=2))
            means[:, place] = mean - (reach @ solved[:, :, p:])[:, :, 0]
            covariances[:, place] = covariance + reach @ solved[:, :, :p] * variance
        return means, covariances

    def _left_of(self, rows: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return t = 1 / W - h (S, n, n) of a set of rows."""
        left = self.left
        same = left.index[rows][:, None] == left.index[rows]
        h = u @ np.swapaxes(u, 1, 2) + np.where(same, self._own(rows) @ left.z[rows].T, 0.0)
        found: np.ndarray = np.diag(1.0 / left.weights[rows]) - h
        return found

    def _of_levels(self) -> np.ndarray:
        """Return the part of N that each level of the first factor has, (S, J, m + 1, m + 1)."""
        left = self.left
        weighted = left.border * left.weights[:, None]
        grams = _by_level(left.index, weighted[:, :, None] * left.border[:, None, :], len(left.cross))
        own = grams - np.swapaxes(left.cross, 1, 2) @ self.AC
        found: np.ndarray = np.swapaxes(self.T, 1, 2)[:, None] @ own @ self.T[:, None]
        return found

    def _residuals(self, rows: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return e (S, n), and u (S, n, m) with u u' the part of h that v has."""
        left, m = self.left, self.left.width
        ghat = left.border[rows] - np.einsum("nk,snkm->snm", left.z[rows], self.AC[:, left.index[rows]])
        if left.width > left.marginal.n_common:
            ghat = ghat @ self.T
        if m == 0:
            return ghat[:, :, 0], ghat[:, :, :0]
        root, half = self._root
        u = ghat[:, :, :m] @ np.swapaxes(root, 1, 2)
        return ghat[:, :, m] - (u @ half)[:, :, 0], u

    @cached_property
    def _root(self) -> tuple[np.ndarray, np.ndarray]:
        """Return L^-1 and L^-1 h with N = L L' for v, (S, m, m) and (S, m, 1)."""
        m = self.left.width
        root = np.linalg.inv(np.linalg.cholesky(self.N[:, :m, :m]))
        return root, root @ self.N[:, :m, m:]

    def _own(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return z_i' A_j of every row, (S, n, k)."""
        left = self.left
        return np.einsum("nk,snkl->snl", left.z[rows], self.A[:, left.index[rows]])


def _dense(lower: Any, S: int) -> np.ndarray:
    """Return Delta (S, k, k) of entries that are each (S, 1)."""
    k = len(lower)
    found = np.zeros((S, k, k))
    for i, row in enumerate(lower):
        for j, entry in enumerate(row):
            if entry is not None:
                found[:, i, j] = np.asarray(entry).reshape(-1)
    return found


def _first(delta: np.ndarray | None, gram: np.ndarray, S: int) -> tuple[np.ndarray, np.ndarray]:
    """Return A_j (S, J, k, k) and log det(I + Delta' G_j Delta) (S, J)."""
    if delta is None:
        return np.zeros((S, 1, 0, 0)), np.zeros((S, 1))
    d = delta[:, None]
    B = np.swapaxes(d, 2, 3) @ gram @ d + np.eye(gram.shape[1])
    if B.shape[2] == 1:
        return d * d / B, np.log(B[:, :, 0, 0])
    if B.shape[2] == 2:
        # By hand: a library call for each of many small matrices costs more than its arithmetic.
        det = B[:, :, 0, 0] * B[:, :, 1, 1] - B[:, :, 0, 1] * B[:, :, 1, 0]
        turned = np.stack([B[:, :, 1, 1], -B[:, :, 0, 1], -B[:, :, 1, 0], B[:, :, 0, 0]], axis=-1)
        inverse = (turned / det[:, :, None]).reshape(B.shape)
        return d @ inverse @ np.swapaxes(d, 2, 3), np.log(det)
    return d @ np.linalg.inv(B) @ np.swapaxes(d, 2, 3), np.linalg.slogdet(B)[1]


def _whitening(moments: Moments, deltas: list[np.ndarray], S: int, size: int) -> np.ndarray:
    """Return T (S, size, size): the rest's effects in terms of whitened ones, everything else as it is."""
    T = np.broadcast_to(np.eye(size), (S, size, size)).copy()
    start = 0
    for factor, delta in zip(moments.factors[1:], deltas, strict=True):
        k = factor.n_columns
        for _ in range(factor.n_levels):
            T[:, start : start + k, start : start + k] = delta
            start += k
    return T


def _eliminated(N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log det of N (..., q, q) without its last row and column, and what is left of the last, by pivots."""
    log_det = np.zeros(N.shape[:-2])
    with np.errstate(invalid="ignore", divide="ignore"):
        while N.shape[-1] > 1:
            pivot = N[..., 0, 0]
            log_det = log_det + np.log(pivot)
            N = N[..., 1:, 1:] - N[..., 1:, :1] * (N[..., :1, 1:] / pivot[..., None, None])
    return log_det, N[..., 0, 0]
