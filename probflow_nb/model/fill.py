"""Fill: how eliminating the first factor changes the cross-products of the rest.

H = [rest, F] cross-products - sum_j E_j' A_j E_j is linear in the entries of A_j: H is constants less a
matrix of constants times the vector of those entries, (m U,), entry (c, d) of block u at place(c, d) U + u.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from ..design.moments import Cells
from .stages import pairs_within


@dataclass(frozen=True, eq=False)
class Entries:
    """A sparse matrix of constants as (row, column, value), with repeated places to be added."""

    row: np.ndarray
    column: np.ndarray
    value: np.ndarray


def entry_pairs(k: int) -> list[tuple[int, int]]:
    """Return (c, d), c <= d: the order of the entries of A in its vector."""
    return [(c, d) for d in range(k) for c in range(d + 1)]


def gram_fill(cells: Cells, inverse: np.ndarray, U: int, k: int, r: int) -> Entries:
    """Return the map to the lower half of sum_j E_j' A_j E_j, whose entry (a, b) is row a r + b.

    Every pair of cells of one level of the first factor is an entry; cells are sorted by level and column.
    """
    low, high = pairs_within(cells.level, len(inverse))
    row = cells.column[high] * r + cells.column[low]
    place = inverse[cells.level[high]]
    rows, columns, values = [], [], []
    for position, (c, d) in enumerate(entry_pairs(k)):
        value = cells.value[high, c] * cells.value[low, d]
        if c != d:
            value = value + cells.value[high, d] * cells.value[low, c]
        rows.append(row)
        columns.append(position * U + place)
        values.append(value)
    return Entries(np.concatenate(rows), np.concatenate(columns), np.concatenate(values))


def cross_fill(cells: Cells, cross: np.ndarray, inverse: np.ndarray, U: int) -> Entries:
    """Return the map to sum_j E_j' A_j C_j, C_j the (k, q) products with F; entry (a, f) is row a q + f."""
    _, k, q = cross.shape
    place = inverse[cells.level]
    rows, columns, values = [], [], []
    for position, (c, d) in enumerate(entry_pairs(k)):
        value = cells.value[:, c, None] * cross[cells.level, d]
        if c != d:
            value = value + cells.value[:, d, None] * cross[cells.level, c]
        rows.append((cells.column[:, None] * q + np.arange(q)).reshape(-1))
        columns.append(np.repeat(position * U + place, q))
        values.append(value.reshape(-1))
    return Entries(np.concatenate(rows), np.concatenate(columns), np.concatenate(values))


def sparse_tensor(entries: Entries, shape: tuple[int, int]) -> Any:
    """Return a sparse tensor in row order, entries of equal place added."""
    from scipy.sparse import coo_matrix

    tf = load()
    rows = coo_matrix((entries.value, (entries.row, entries.column)), shape=shape).tocsr()
    rows.sum_duplicates()
    added = rows.tocoo()
    places = np.stack([added.row, added.col], axis=1).astype(np.int64)
    return tf.SparseTensor(places, added.data, np.array(shape, np.int64))


def constants_of(*maps: Any) -> int:
    """Return how many constants these sparse tensors hold."""
    return sum(int(one.values.shape[0]) for one in maps)


def carried(cells: Cells, J: int, low: np.ndarray, high: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return E_j Sigma E_j' for every level of the first factor, (J, k, k).

    low, high: the pairs of cells of one level. covariance: Sigma of the columns of each pair.
    """
    k = cells.value.shape[1]
    out = np.zeros((J, k, k))
    # A pair of distinct cells stands for (low, high) and (high, low).
    weight = np.where(low == high, 0.5, 1.0) * covariance
    for c in range(k):
        for d in range(k):
            value = cells.value[low, c] * cells.value[high, d] + cells.value[high, c] * cells.value[low, d]
            out[:, c, d] = np.bincount(cells.level[low], weight * value, J)
    return out
