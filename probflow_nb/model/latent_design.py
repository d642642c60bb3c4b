"""Latent design: the arrays of a model whose response is not Gaussian, laid out for many values of theta at once.

Rows come first and the S values of theta last, so that one sparse product serves all of them. With W the information of
eta row by row, (n, S), every cross-product that Newton's method needs is a constant matrix times W:

    Z'WZ  of the first factor, J blocks of k x k       (J k(k+1)/2, n) sparse
    Z'WB  of it and its border B = [rest, X]           (J k m, n) sparse, m = r + p
    B'WB  its rows of the rest                         (r m, n) sparse;  X'WX  (p(p+1)/2, n) dense

The columns of X are centred and scaled as in `design.moments`, eta is in its own unit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..design.design import Design
from ..design.group import GroupBlock
from ..design.moments import Factor, Scaling, eliminated_factors
from .families import ResponseFamily
from .small_products import inner

# Numbers of one array of a batch: few enough for the cache, enough to hide what a call costs.
_CELLS = 1 << 16
# Products of columns of X are held up to so many numbers; beyond, X'WX is made for one theta at a time.
_HELD = 1 << 24


@dataclass(frozen=True, eq=False)
class LatentDesign:
    """y (n, 1), trials (n, 1) or None, weights (n,) or None, offset (n, 1) or 0; X (n, p) scaled.

    record: the family. constant: summed log density without eta. scaling: of X. factors: the first, then the
    rest. first: (n, J k) sparse or None. rest: (n, r) sparse or None.
    """

    record: ResponseFamily
    y: np.ndarray
    trials: np.ndarray | None
    weights: np.ndarray | None
    offset: Any
    constant: float
    scaling: Scaling
    X: np.ndarray
    factors: tuple[Factor, ...]
    first: Any
    rest: Any

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.y)

    @property
    def p(self) -> int:
        """Common columns in the border."""
        return self.X.shape[1]

    @property
    def J(self) -> int:  # noqa: N802
        """Levels of the first factor."""
        return self.factors[0].n_levels if self.factors else 0

    @property
    def k(self) -> int:
        """Columns of the first factor."""
        return self.factors[0].n_columns if self.factors else 0

    @property
    def r(self) -> int:
        """Effects of the rest."""
        return sum(f.n_levels * f.n_columns for f in self.factors[1:])

    @property
    def m(self) -> int:
        """Columns of the border: the rest, then X."""
        return self.r + self.p

    @property
    def size(self) -> int:
        """D, numbers of one latent point: u of the first factor, u of the rest, beta."""
        return self.J * self.k + self.m

    @property
    def batch(self) -> int:
        """How many values of theta are worked on at a time."""
        width = max(self.n, self.J * self.k * max(self.m, 1), self.m * self.m, self.size)
        return max(1, min(4096, _CELLS // width))

    @property
    def cost(self) -> float:
        """Rough number of multiply-adds of one Newton step for one value of theta; exp and log count for ten."""
        c, p = self.k + sum(f.n_columns for f in self.factors[1:]), self.p
        return self.n * (30.0 + c * (c + p) + p * p) + self.J * self.k * self.m**2 + self.m**3 / 3.0

    def without_common(self) -> LatentDesign:
        """Return the design with beta outside: its part of eta comes with the offset."""
        return LatentDesign(
            self.record, self.y, self.trials, self.weights, self.offset, self.constant, self.scaling,
            np.zeros((self.n, 0)), self.factors, self.first, self.rest,
        )  # fmt: skip

    def first_alone(self) -> LatentDesign:
        """Return the design with the whole border outside."""
        return LatentDesign(
            self.record, self.y, self.trials, self.weights, self.offset, self.constant, self.scaling,
            np.zeros((self.n, 0)), self.factors[:1], self.first, None,
        )  # fmt: skip

    # Constant matrices that W is multiplied with -----------------------------------------------------------------

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Entries (c, d), d <= c, of a k x k block."""
        return [(c, d) for c in range(self.k) for d in range(c + 1)]

    @cached_property
    def level_sum(self) -> Any:
        """(J, n) sparse: sums over the rows of each level of the first factor."""
        from scipy import sparse

        index = self.factors[0].index
        return sparse.csr_matrix((np.ones(self.n), (index, np.arange(self.n))), shape=(self.J, self.n))

    @cached_property
    def first_gram(self) -> Any:
        """(pairs J, n) sparse."""
        from scipy import sparse

        index, z = self.factors[0].index, self._first_columns
        rows = np.concatenate([e * self.J + index for e in range(len(self.pairs))])
        values = np.concatenate([z[:, c] * z[:, d] for c, d in self.pairs])
        columns = np.tile(np.arange(self.n), len(self.pairs))
        return sparse.csr_matrix((values, (rows, columns)), shape=(len(self.pairs) * self.J, self.n))

    @cached_property
    def first_border(self) -> Any:
        """(J k m, n) sparse, rows in the order level, column, border."""
        from scipy import sparse

        index, z, border = self.factors[0].index, self._first_columns, self._border
        rows, columns, values = [], [], []
        for at, value in border:
            for c in range(self.k):
                rows.append((index * self.k + c) * self.m + at)
                columns.append(np.arange(self.n))
                values.append(z[:, c] * value)
        shape = (self.J * self.k * self.m, self.n)
        return sparse.csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)

    @cached_property
    def rest_border(self) -> Any:
        """(r m, n) sparse: rows of the rest of B'WB."""
        from scipy import sparse

        border = self._border
        own = border[: len(border) - self.p]
        rows = np.concatenate([a * self.m + b for a, _ in own for b, _ in border])
        values = np.concatenate([v * w for _, v in own for _, w in border])
        columns = np.tile(np.arange(self.n), len(own) * len(border))
        return sparse.csr_matrix((values, (rows, columns)), shape=(self.r * self.m, self.n))

    def common_gram(self, W: np.ndarray) -> np.ndarray:
        """Return X'WX, (S, p, p), for W (n, S)."""
        p, S = self.p, W.shape[1]
        out = np.empty((S, p, p))
        if self._common_products is None:
            for s in range(S):
                out[s] = (self.X * W[:, s, None]).T @ self.X
            return out
        found = inner(self._common_products, W).T
        low = np.tril_indices(p)
        out[:, low[0], low[1]] = found
        out[:, low[1], low[0]] = found
        return out

    @cached_property
    def _common_products(self) -> np.ndarray | None:
        i, j = np.tril_indices(self.p)
        if len(i) * self.n > _HELD:
            return None
        return np.ascontiguousarray((self.X[:, i] * self.X[:, j]).T)

    @cached_property
    def _first_columns(self) -> np.ndarray:
        """(n, k)."""
        return self.first.data.reshape(self.n, self.k)

    @cached_property
    def _border(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return (place in the border (n,), value (n,)) of every column that a row has there."""
        found, start, rows = [], 0, self.rest.data.reshape(self.n, -1) if self.rest is not None else None
        column = 0
        for factor in self.factors[1:]:
            for c in range(factor.n_columns):
                assert rows is not None
                found.append((start + factor.index.astype(np.int64) * factor.n_columns + c, rows[:, column]))
                column += 1
            start += factor.n_levels * factor.n_columns
        found += [(np.full(self.n, self.r + j), self.X[:, j]) for j in range(self.p)]
        return found


def elimination_cost(design: Design) -> float:
    """Return the multiply-adds of the dense part of one Newton step: of V'V and of the border's factor."""
    sizes = [f.n_levels * f.n_columns for f in eliminated_factors(design.groups)]
    border = float(sum(sizes[1:]) + design.X.shape[1])
    return (sizes[0] if sizes else 0) * border**2 + border**3 / 3.0


def latent_design(design: Design, record: ResponseFamily, unit: float = 1.0) -> LatentDesign:
    """Return the arrays of a design for a family; unit: that of eta, in which sds of group effects are relative."""
    scaling = column_scaling(design)
    X = (design.X - scaling.x_center) / scaling.x_scale
    if design.has_intercept:
        X[:, 0] = 1.0
    factors = tuple(replace(f, scale=f.scale / unit) for f in eliminated_factors(design.groups))
    w = design.weights
    constant = record.constant(design.y, design.trials)
    return LatentDesign(
        record,
        design.y[:, None],
        None if design.trials is None else design.trials[:, None],
        w,
        0.0 if design.offset is None else design.offset[:, None],
        float(constant.sum() if w is None else w @ constant),
        scaling,
        X,
        factors,
        _columns(factors[:1], design.groups, len(X)),
        _columns(factors[1:], design.groups, len(X)),
    )


def column_scaling(design: Design) -> Scaling:
    """Return the scaling of the columns of X alone, for a response that is taken as it is."""
    X = design.X
    center, scale = np.zeros(X.shape[1]), np.ones(X.shape[1])
    start = 1 if design.has_intercept else 0
    if X.shape[1] > start:
        part = X[:, start:]
        center[start:] = part.mean(axis=0) if design.has_intercept else 0.0
        scale[start:] = part.std(axis=0) if design.has_intercept else np.sqrt(np.mean(part * part, axis=0))
    scale[scale == 0.0] = 1.0
    return Scaling(0.0, 1.0, center, scale, design.has_intercept)


def _columns(factors: tuple[Factor, ...], groups: tuple[GroupBlock, ...], n: int) -> Any:
    """Return the scaled columns of some factors as one sparse matrix (n, sum J k), each row of equal length."""
    from scipy import sparse

    if not factors:
        return None
    places, values, start = [], [], 0
    for factor in factors:
        z = np.concatenate([groups[m].z for m in factor.members], axis=1) / factor.scale
        k = factor.n_columns
        places.append(start + factor.index.astype(np.int64)[:, None] * k + np.arange(k))
        values.append(z)
        start += factor.n_levels * k
    at, held = np.concatenate(places, axis=1), np.concatenate(values, axis=1)
    ends = np.arange(n + 1) * at.shape[1]
    return sparse.csr_matrix((held.reshape(-1), at.reshape(-1), ends), shape=(n, start))
