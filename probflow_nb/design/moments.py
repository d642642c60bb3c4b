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
from .products import Levels, Meeting, Products, pairs_of_factors, products


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
    scaling = scaling_of(design)
    factors = eliminated_factors(design.groups)
    return assembled(products_of(design, scaling, factors), scaling, factors)


def products_of(design: Design, scaling: Scaling, factors: tuple[Factor, ...], rows: slice = slice(None)) -> Products:
    """Return the products of some of the rows in the units given."""
    columns = _scaled_columns(design, scaling, rows)
    levels = [
        Levels(factor.index[rows], factor.n_levels, _factor_columns(factor, design.groups, rows)) for factor in factors
    ]
    return products(columns, levels, None if design.weights is None else design.weights[rows])


def assembled(held: Products, scaling: Scaling, factors: tuple[Factor, ...]) -> Moments:
    """Return products as moments: the first factor in blocks, the rest in one sparse matrix."""
    q = len(held.gram)
    first_gram = held.own[0] if factors else np.zeros((0, 0, 0))
    first_cross = held.cross[0] if factors else np.zeros((0, 0, q))
    rest_gram, rest_cross = _rest(held, factors[1:], q)
    return Moments(
        held.n, held.sum_log_weights, scaling, factors, held.gram, first_gram, first_cross, _cells(held, factors),
        rest_gram, rest_cross,
    )  # fmt: skip


def scaled_rows(design: Design, moments: Moments) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the rows of F = [X y] (n, q) and the columns (n, k) of each factor in the units of their moments."""
    F = np.column_stack(_scaled_columns(design, moments.scaling))
    return F, [np.column_stack(_factor_columns(factor, design.groups)) for factor in moments.factors]


def scaling_of(design: Design, floor: bool = True) -> Scaling:
    """Return the scaling of the rows of a design; with `floor` a column that does not vary has the scale 1."""
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
    y_center = float(y.mean()) if design.has_intercept else 0.0
    y_scale = float(y.std()) if design.has_intercept else float(np.sqrt(np.mean(y * y)))
    if floor:
        scale[scale == 0.0] = 1.0
        y_scale = y_scale if y_scale > 0 else 1.0
    return Scaling(y_center, y_scale, center, scale, design.has_intercept)


def _response(design: Design, rows: slice = slice(None)) -> np.ndarray:
    return design.y[rows] if design.offset is None else design.y[rows] - design.offset[rows]


def _scaled_columns(design: Design, scaling: Scaling, rows: slice = slice(None)) -> list[np.ndarray]:
    """Return the q scaled columns of F = [X y] as separate contiguous arrays."""
    columns, X = [], design.X[rows]
    for j in range(X.shape[1]):
        if design.has_intercept and j == 0:
            columns.append(np.ones(len(X)))
        else:
            columns.append((X[:, j] - scaling.x_center[j]) / scaling.x_scale[j])
    columns.append((_response(design, rows) - scaling.y_center) / scaling.y_scale)
    return columns


def eliminated_factors(groups: tuple[GroupBlock, ...]) -> tuple[Factor, ...]:
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


def _factor_columns(factor: Factor, groups: tuple[GroupBlock, ...], rows: slice = slice(None)) -> list[np.ndarray]:
    columns = [groups[m].z[rows, c] for m in factor.members for c in range(groups[m].n_columns)]
    return [column if scale == 1.0 else column / scale for column, scale in zip(columns, factor.scale, strict=True)]


def _rest(held: Products, factors: tuple[Factor, ...], q: int) -> tuple[Symmetric, np.ndarray]:
    """Return the sparse (r, r) and the (r, q) cross-products of all factors but the first."""
    sizes = [f.n_levels * f.n_columns for f in factors]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    none = np.zeros(0, np.int64)
    entries, cross = [(none, none, np.zeros(0))], [np.zeros((0, q))]
    for a, factor in enumerate(factors):
        cross.append(held.cross[a + 1].reshape(sizes[a], -1))
        c, d = np.tril_indices(factor.n_columns)
        level = starts[a] + np.arange(factor.n_levels)[:, None] * factor.n_columns
        own = held.own[a + 1][:, c, d]
        entries.append(((level + c).reshape(-1), (level + d).reshape(-1), own.reshape(-1)))
        for b in range(a):
            met, other = held.meetings[a + 1, b + 1], factors[b]
            ka, kb = factor.n_columns, other.n_columns
            row = (starts[a] + met.pairs // other.n_levels * ka)[:, None, None] + np.arange(ka)[:, None]
            column = (starts[b] + met.pairs % other.n_levels * kb)[:, None, None] + np.arange(kb)
            rows, columns = np.broadcast_arrays(row, column)
            entries.append((rows.reshape(-1), columns.reshape(-1), met.value.reshape(-1)))
    row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
    return Symmetric(int(starts[-1]), row, column, value), np.concatenate(cross)


def _cells(held: Products, factors: tuple[Factor, ...]) -> Cells:
    """Return the cells where levels of the first factor meet the columns of every other."""
    none = np.zeros(0, np.int64)
    k = factors[0].n_columns if factors else 0
    levels, columns, values = [none], [none], [np.zeros((0, k))]
    start = 0
    for b, factor in enumerate(factors[1:], 1):
        met, kb = held.meetings[0, b], factor.n_columns
        levels.append(np.repeat(met.pairs // factor.n_levels, kb))
        columns.append((start + (met.pairs % factor.n_levels * kb)[:, None] + np.arange(kb)).reshape(-1))
        values.append(np.swapaxes(met.value, 1, 2).reshape(-1, k))
        start += factor.n_levels * kb
    level, column, value = np.concatenate(levels), np.concatenate(columns), np.concatenate(values)
    order = np.lexsort((column, level))
    return Cells(level[order], column[order], value[order])


def taken_apart(held: Moments) -> Products:
    """Return moments as products again, what `assembled` was made of."""
    factors = held.factors
    parts = [held.own(position) for position in range(len(factors))]
    starts = np.concatenate([[0], np.cumsum([f.n_levels * f.n_columns for f in factors[1:]])]).astype(np.int64)
    meetings = {}
    for a, b in pairs_of_factors(len(factors)):
        start, J, kb = starts[b - 1], factors[b].n_levels, factors[b].n_columns
        if a == 0:
            own = (held.cells.column >= start) & (held.cells.column < starts[b])
            # The columns of one level stand together, so every kb-th entry begins a pair.
            place, value = held.cells.column[own][::kb] - start, held.cells.value[own]
            pairs = held.cells.level[own][::kb] * J + place // kb
            meetings[a, b] = Meeting(pairs, np.swapaxes(value.reshape(len(pairs), kb, -1), 1, 2))
            continue
        rest, ka = held.rest_gram, factors[a].n_columns
        own = (rest.row >= starts[a - 1]) & (rest.row < starts[a])
        own &= (rest.column >= start) & (rest.column < starts[b])
        row, column = rest.row[own] - starts[a - 1], rest.column[own] - start
        order = np.lexsort((column % kb, row % ka, row // ka * J + column // kb))
        pairs = (row // ka * J + column // kb)[order][:: ka * kb]
        meetings[a, b] = Meeting(pairs, rest.value[own][order].reshape(-1, ka, kb))
    own_blocks, cross = tuple(own for own, _ in parts), tuple(side for _, side in parts)
    return Products(held.n, held.sum_log_weights, held.gram, own_blocks, cross, meetings)
