"""Moments: the one pass over the rows; after it no cost of a Gaussian model depends on n.

With W the diagonal of weights, F = [X y] and Z the group columns, the moments are the weighted cross-products F'WF,
Z'WF and Z'WZ. The factor with the most effects goes first: its part of Z'WZ is block-diagonal, J blocks of k x k, and
is kept as such; the other factors ("the rest") meet the first factor in cells and each other in entries of a sparse
matrix, one for each pair of levels that occur together. So nothing grows with the product of two factors' levels.

Everything is in scaled units, y and the columns of X centred (if there is an intercept) and divided by their standard
deviations, the columns of Z by their root mean square, so that the numbers are of order one and cross-products lose
no digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .design import Design
from .group import GroupBlock

# Rows worked on at a time: the temporary products stay in the cache and memory stays flat.
_CHUNK = 1 << 17
# Up to this many (level, level) pairs, cells are counted in a table; beyond, they are found by sorting.
_TABLE = 1 << 24


@dataclass(frozen=True, eq=False)
class Scaling:
    """The affine map between the person's units and the scaled ones.

    y = y_center + y_scale * y_scaled; column j of X is x_center[j] + x_scale[j] * (scaled column).
    """

    y_center: float
    y_scale: float
    x_center: np.ndarray
    x_scale: np.ndarray
    has_intercept: bool

    def coefficients(self) -> tuple[np.ndarray, np.ndarray]:
        """Return T (p, p) and t (p,) with beta = T beta_scaled + t."""
        p = self.x_scale.size
        T = np.diag(self.y_scale / self.x_scale)
        t = np.zeros(p)
        if self.has_intercept:
            # beta_0 = y_center + y_scale beta~_0 - sum_j x_center_j beta_j
            T[0, 1:] = -self.x_center[1:] * self.y_scale / self.x_scale[1:]
            t[0] = self.y_center
        return T, t


@dataclass(frozen=True, eq=False)
class Factor:
    """All group terms of one grouping factor, side by side, so that they are eliminated together.

    name: the factor's shown name. levels: its J names. index: (n,) level of each row.
    members: positions of its terms in design.groups. widths: number of columns of each member; k is their sum.
    scale: (k,) root mean squares by which the columns of z were divided.
    """

    name: str
    levels: tuple[str, ...]
    index: np.ndarray
    members: tuple[int, ...]
    widths: tuple[int, ...]
    scale: np.ndarray

    @property
    def n_levels(self) -> int:
        """J."""
        return len(self.levels)

    @property
    def n_columns(self) -> int:
        """k, over all members."""
        return int(sum(self.widths))


@dataclass(frozen=True, eq=False)
class Cells:
    """Where levels of the first factor meet columns of the rest: the sparse k x r blocks E_j.

    level: (m,) level j of the first factor, ascending. column: (m,) column of the rest. value: (m, k) Z1'W Z2.
    """

    level: np.ndarray
    column: np.ndarray
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class Symmetric:
    """A sparse symmetric (r, r) matrix by its lower half: distinct entries, row >= column, the whole diagonal."""

    size: int
    row: np.ndarray
    column: np.ndarray
    value: np.ndarray

    def dense(self) -> np.ndarray:
        """Return the whole matrix (r, r)."""
        out = np.zeros((self.size, self.size))
        out[self.row, self.column] = self.value
        out[self.column, self.row] = self.value
        return out

    def blocks(self, start: int, J: int, k: int) -> np.ndarray:
        """Return the J diagonal blocks (J, k, k) that begin at row `start`."""
        row, column = self.row - start, self.column - start
        own = (column >= 0) & (row < J * k) & (row // k == column // k)
        row, column, out = row[own], column[own], np.zeros((J, k, k))
        out[row // k, row % k, column % k] = self.value[own]
        out[row // k, column % k, row % k] = self.value[own]
        return out


@dataclass(frozen=True, eq=False)
class Moments:
    """Cross-products of a design in scaled units (q = p + 1: the columns of X, then y).

    n: rows. sum_log_weights: sum of log w. gram: (q, q) F'WF.
    factors: the first factor, then the rest; empty for a model without group terms.
    first_gram: (J, k, k). first_cross: (J, k, q). cells: the meeting of first and rest.
    rest_gram: (r, r), sparse. rest_cross: (r, q); r effects of all the other factors together, factor by factor,
    level by level, column by column.
    """

    n: int
    sum_log_weights: float
    scaling: Scaling
    factors: tuple[Factor, ...]
    gram: np.ndarray
    first_gram: np.ndarray
    first_cross: np.ndarray
    cells: Cells
    rest_gram: Symmetric
    rest_cross: np.ndarray

    @property
    def n_common(self) -> int:
        """p."""
        return self.gram.shape[0] - 1

    def own(self, position: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the blocks (J, k, k) and cross-products (J, k, q) of one factor as if it were the only one."""
        if position == 0:
            return self.first_gram, self.first_cross
        start = sum(f.n_levels * f.n_columns for f in self.factors[1:position])
        J, k = self.factors[position].n_levels, self.factors[position].n_columns
        cross = self.rest_cross[start : start + J * k].reshape(J, k, -1)
        return self.rest_gram.blocks(start, J, k), cross


def moments(design: Design) -> Moments:
    """Return the cross-products of a design in one pass over its rows."""
    scaling = _scaling(design)
    columns = _scaled_columns(design, scaling)
    factors = _factors(design.groups)
    z = [_factor_columns(factor, design.groups) for factor in factors]
    w = design.weights
    log_weights = 0.0 if w is None else float(np.log(w).sum())
    q = len(columns)
    gram = _gram(columns, columns, w)
    if not factors:
        none = Cells(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 0)))
        return Moments(
            design.y.size, log_weights, scaling, (), gram, np.zeros((0, 0, 0)), np.zeros((0, 0, q)), none,
            Symmetric(0, none.level, none.level, np.zeros(0)), np.zeros((0, q)),
        )  # fmt: skip
    first = factors[0]
    first_gram = _level_products(first, z[0], z[0], w, symmetric=True)
    first_cross = _level_products(first, z[0], columns, w)
    cells = _cells(factors, z, w)
    rest_gram, rest_cross = _rest(factors[1:], z[1:], columns, w)
    return Moments(
        design.y.size, log_weights, scaling, factors, gram, first_gram, first_cross, cells, rest_gram, rest_cross
    )


def _scaling(design: Design) -> Scaling:
    X, y = design.X, _response(design)
    p = X.shape[1]
    center, scale = np.zeros(p), np.ones(p)
    start = 1 if design.has_intercept else 0
    if p > start:
        part = X[:, start:]
        if design.has_intercept:
            center[start:] = part.mean(axis=0)
            scale[start:] = part.std(axis=0)
        else:
            scale[start:] = np.sqrt(np.einsum("ij,ij->j", part, part) / len(part))
    scale[scale == 0.0] = 1.0
    y_center = float(y.mean()) if design.has_intercept else 0.0
    y_scale = float(y.std()) if design.has_intercept else float(np.sqrt(np.mean(y * y)))
    return Scaling(y_center, y_scale if y_scale > 0 else 1.0, center, scale, design.has_intercept)


def _response(design: Design) -> np.ndarray:
    return design.y if design.offset is None else design.y - design.offset


def _scaled_columns(design: Design, scaling: Scaling) -> list[np.ndarray]:
    """Return the q scaled columns of F = [X y] as separate contiguous arrays."""
    columns = []
    for j in range(design.X.shape[1]):
        if design.has_intercept and j == 0:
            columns.append(np.ones(len(design.X)))
        else:
            columns.append((design.X[:, j] - scaling.x_center[j]) / scaling.x_scale[j])
    columns.append((_response(design) - scaling.y_center) / scaling.y_scale)
    return columns


def _factors(groups: tuple[GroupBlock, ...]) -> tuple[Factor, ...]:
    """Merge the terms of one factor; the factor with the most effects J k comes first."""
    by_name: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for position, group in enumerate(groups):
        by_name.setdefault((group.factor, group.levels), []).append(position)
    factors = []
    for (name, levels), members in by_name.items():
        scale = np.concatenate([np.sqrt(np.einsum("ij,ij->j", groups[m].z, groups[m].z)) for m in members])
        scale = scale / np.sqrt(len(groups[members[0]].z))
        scale[scale == 0.0] = 1.0
        widths = tuple(groups[m].n_columns for m in members)
        factors.append(Factor(name, levels, groups[members[0]].index, tuple(members), widths, scale))
    return tuple(sorted(factors, key=lambda f: -f.n_levels * f.n_columns))


def _factor_columns(factor: Factor, groups: tuple[GroupBlock, ...]) -> list[np.ndarray]:
    columns = [groups[m].z[:, c] for m in factor.members for c in range(groups[m].n_columns)]
    return [column if scale == 1.0 else column / scale for column, scale in zip(columns, factor.scale, strict=True)]


def _chunks(n: int, size: int = _CHUNK) -> list[slice]:
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def _gram(left: list[np.ndarray], right: list[np.ndarray], w: np.ndarray | None) -> np.ndarray:
    total = np.zeros((len(left), len(right)))
    for rows in _chunks(len(left[0])):
        a = np.stack([c[rows] for c in left])
        b = a if right is left else np.stack([c[rows] for c in right])
        total += (a if w is None else a * w[rows]) @ b.T
    return total


def _level_products(
    factor: Factor,
    left: list[np.ndarray],
    right: list[np.ndarray],
    w: np.ndarray | None,
    symmetric: bool = False,
) -> np.ndarray:
    """Return (J, k, m): for each level the sum over its rows of w * left_c * right_f."""
    J = factor.n_levels
    out = np.zeros((J, len(left), len(right)))
    for rows in _chunks(len(left[0]), max(_CHUNK, 4 * J)):
        index = factor.index[rows]
        for c, a in enumerate(left):
            weighted = a[rows] if w is None else a[rows] * w[rows]
            for f in range(c if symmetric else 0, len(right)):
                out[:, c, f] += np.bincount(index, weighted * right[f][rows], J)
    if symmetric:
        for c in range(len(left)):
            for f in range(c):
                out[:, c, f] = out[:, f, c]
    return out


def _rest(
    factors: tuple[Factor, ...], z: list[list[np.ndarray]], columns: list[np.ndarray], w: np.ndarray | None
) -> tuple[Symmetric, np.ndarray]:
    """Return the sparse (r, r) and the (r, q) cross-products of all factors but the first."""
    sizes = [f.n_levels * f.n_columns for f in factors]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    none = np.zeros(0, np.int64)
    entries, cross = [(none, none, np.zeros(0))], [np.zeros((0, len(columns)))]
    for a, factor in enumerate(factors):
        cross.append(_level_products(factor, z[a], columns, w).reshape(sizes[a], -1))
        own = _level_products(factor, z[a], z[a], w, symmetric=True)
        c, d = np.tril_indices(factor.n_columns)
        level = starts[a] + np.arange(factor.n_levels)[:, None] * factor.n_columns
        entries.append(((level + c).reshape(-1), (level + d).reshape(-1), own[:, c, d].reshape(-1)))
        for b in range(a):
            row, column, value = _co_products(factor, z[a], factors[b], z[b], w)
            entries.append((starts[a] + row, starts[b] + column, value))
    row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
    return Symmetric(int(starts[-1]), row, column, value), np.concatenate(cross)


def _co_products(
    fa: Factor, za: list[np.ndarray], fb: Factor, zb: list[np.ndarray], w: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row, column and value of the (J_a k_a, J_b k_b) cross-products where levels meet."""
    key = fa.index.astype(np.int64) * fb.n_levels + fb.index
    pairs, position = _distinct(key, fa.n_levels * fb.n_levels)
    rows, columns, values = [], [], []
    for c, left in enumerate(za):
        weighted = left if w is None else left * w
        for d, right in enumerate(zb):
            rows.append(pairs // fb.n_levels * len(za) + c)
            columns.append(pairs % fb.n_levels * len(zb) + d)
            values.append(np.bincount(position, weighted * right, pairs.size))
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(values)


def _cells(factors: tuple[Factor, ...], z: list[list[np.ndarray]], w: np.ndarray | None) -> Cells:
    """Return the cells where levels of the first factor meet the columns of every other."""
    first = factors[0]
    levels, columns, values = [], [], []
    start = 0
    for factor, zb in zip(factors[1:], z[1:], strict=True):
        J, Jb, k = first.n_levels, factor.n_levels, factor.n_columns
        key = first.index.astype(np.int64) * Jb + factor.index
        pairs, position = _distinct(key, J * Jb)
        for d, right in enumerate(zb):
            weighted = right if w is None else right * w
            value = np.stack([np.bincount(position, left * weighted, pairs.size) for left in z[0]], axis=1)
            levels.append(pairs // Jb)
            columns.append(start + (pairs % Jb) * k + d)
            values.append(value)
        start += Jb * k
    if not levels:
        none = np.zeros(0, np.int64)
        return Cells(none, none, np.zeros((0, first.n_columns)))
    level, column, value = np.concatenate(levels), np.concatenate(columns), np.concatenate(values)
    order = np.lexsort((column, level))
    return Cells(level[order], column[order], value[order])


def _distinct(key: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct keys in ascending order and the position of each key among them."""
    if size > _TABLE:
        pairs, position = np.unique(key, return_inverse=True)
        return pairs, position.reshape(-1)
    seen = np.zeros(size, bool)
    seen[key] = True
    pairs = np.flatnonzero(seen)
    place = np.zeros(size, np.int64)
    place[pairs] = np.arange(pairs.size)
    return pairs, place[key]
