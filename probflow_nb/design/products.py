"""Products: weighted cross-products of rows, factor by factor; those of two sets of rows add up.

With W the diagonal of weights, F = [X y] and Z_f the columns of factor f: F'WF, and for each factor the blocks of
Z_f'WZ_f by level, Z_f'WF, and Z_f'WZ_g where levels of two factors occur together. Another scaling of the columns is a
linear map of them, so that products can follow it without the rows:

    F_new = F A,  z_new = z D    =>    F'WF -> A'(F'WF)A,  Z'WF -> D(Z'WF)A,  Z_f'WZ_g -> D_f (Z_f'WZ_g) D_g
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# Rows worked on at a time: the temporary products stay in the cache and memory stays flat.
_CHUNK = 1 << 17
# Up to this many (level, level) pairs, cells are counted in a table; beyond, they are found by sorting.
_TABLE = 1 << 24


@dataclass(frozen=True, eq=False)
class Levels:
    """The rows of one factor: index (n,), the level of each of n_levels, and z, its k columns, each (n,)."""

    index: np.ndarray
    n_levels: int
    z: Sequence[np.ndarray]

    @property
    def size(self) -> int:
        """J k, the effects of the factor."""
        return self.n_levels * len(self.z)


@dataclass(frozen=True, eq=False)
class Meeting:
    """Where the levels of two factors a and b occur together.

    pairs: (m,) distinct level_a * J_b + level_b, ascending. value: (m, k_a, k_b) Z_a'WZ_b.
    """

    pairs: np.ndarray
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class Products:
    """Cross-products of n rows; q = p + 1 columns of F.

    sum_log_weights: sum of log w. gram: (q, q) F'WF. own: per factor (J, k, k). cross: per factor (J, k, q).
    meetings: by the places (a, b) of two factors, one entry for every pair in one order or the other.
    """

    n: int
    sum_log_weights: float
    gram: np.ndarray
    own: tuple[np.ndarray, ...]
    cross: tuple[np.ndarray, ...]
    meetings: Mapping[tuple[int, int], Meeting]


def pairs_of_factors(count: int) -> list[tuple[int, int]]:
    """Return the pairs (a, b) of factors in the order in which moments hold them: the first with all, then the rest."""
    return [(0, b) for b in range(1, count)] + [(a, b) for a in range(2, count) for b in range(1, a)]


def products(columns: Sequence[np.ndarray], factors: Sequence[Levels], w: np.ndarray | None) -> Products:
    """Return the products of rows in one pass; columns: q of F, each (n,); w: weights (n,) or None."""
    return Products(
        columns[0].size,
        0.0 if w is None else float(np.log(w).sum()),
        _gram(columns, w),
        tuple(_level_products(factor, factor.z, w, symmetric=True) for factor in factors),
        tuple(_level_products(factor, columns, w) for factor in factors),
        {(a, b): _meeting(factors[a], factors[b], w) for a, b in pairs_of_factors(len(factors))},
    )


def total(one: Products, other: Products, sizes: Sequence[int]) -> Products:
    """Return the products of both sets of rows, whose columns and levels are the same; sizes: J of each factor."""
    meetings = {
        (a, b): _joined(meeting, other.meetings[a, b], sizes[a] * sizes[b]) for (a, b), meeting in one.meetings.items()
    }
    return Products(
        one.n + other.n,
        one.sum_log_weights + other.sum_log_weights,
        one.gram + other.gram,
        tuple(a + b for a, b in zip(one.own, other.own, strict=True)),
        tuple(a + b for a, b in zip(one.cross, other.cross, strict=True)),
        meetings,
    )


def mapped(
    held: Products, A: np.ndarray, ratios: Sequence[np.ndarray], places: Sequence[np.ndarray], sizes: Sequence[int]
) -> Products:
    """Return the products of the same rows in other units and with their levels at other places.

    A: (q, q), F_new = F A. ratios: per factor (k,), z_new = z * ratio. places: per factor (J,), where each level goes.
    sizes: per factor how many levels there are then.
    """
    own, cross = [], []
    for block, side, ratio, place, size in zip(held.own, held.cross, ratios, places, sizes, strict=True):
        own.append(_placed(block * np.outer(ratio, ratio), place, size))
        cross.append(_placed(ratio[:, None] * (side @ A), place, size))
    meetings = {}
    for (a, b), meeting in held.meetings.items():
        old = len(places[b])
        pairs = places[a][meeting.pairs // old].astype(np.int64) * sizes[b] + places[b][meeting.pairs % old]
        order = np.argsort(pairs)
        meetings[a, b] = Meeting(pairs[order], (meeting.value * np.outer(ratios[a], ratios[b]))[order])
    return Products(held.n, held.sum_log_weights, A.T @ held.gram @ A, tuple(own), tuple(cross), meetings)


def ordered(held: Products, order: Sequence[int], sizes: Sequence[int]) -> Products:
    """Return the products with the factors in another order; sizes: J of each in the order that they have now."""
    meetings = {}
    for a, b in pairs_of_factors(len(order)):
        old = order[a], order[b]
        meetings[a, b] = held.meetings[old] if old in held.meetings else _turned(held.meetings[old[::-1]], sizes, old)
    own, cross = (tuple(part[i] for i in order) for part in (held.own, held.cross))
    return Products(held.n, held.sum_log_weights, held.gram, own, cross, meetings)


def _turned(meeting: Meeting, sizes: Sequence[int], places: tuple[int, int]) -> Meeting:
    """Return the meeting of (a, b) from that of (b, a)."""
    a, b = places
    pairs = meeting.pairs % sizes[a] * sizes[b] + meeting.pairs // sizes[a]
    order = np.argsort(pairs)
    return Meeting(pairs[order], np.swapaxes(meeting.value, 1, 2)[order])


def _placed(blocks: np.ndarray, place: np.ndarray, size: int) -> np.ndarray:
    out = np.zeros((size, *blocks.shape[1:]))
    out[place] = blocks
    return out


def _joined(one: Meeting, other: Meeting, size: int) -> Meeting:
    pairs, position = _distinct(np.concatenate([one.pairs, other.pairs]), size)
    value = np.zeros((pairs.size, *one.value.shape[1:]))
    # Each set has a pair at most once, so no sum is lost.
    value[position[: one.pairs.size]] = one.value
    value[position[one.pairs.size :]] += other.value
    return Meeting(pairs, value)


def _chunks(n: int, size: int = _CHUNK) -> list[slice]:
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def _gram(columns: Sequence[np.ndarray], w: np.ndarray | None) -> np.ndarray:
    total = np.zeros((len(columns), len(columns)))
    for rows in _chunks(len(columns[0])):
        a = np.stack([c[rows] for c in columns])
        total += (a if w is None else a * w[rows]) @ a.T
    return total


def _level_products(
    factor: Levels, right: Sequence[np.ndarray], w: np.ndarray | None, symmetric: bool = False
) -> np.ndarray:
    """Return (J, k, m): for each level the sum over its rows of w * z_c * right_f."""
    J, left = factor.n_levels, factor.z
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


def _meeting(a: Levels, b: Levels, w: np.ndarray | None) -> Meeting:
    pairs, position = _distinct(a.index.astype(np.int64) * b.n_levels + b.index, a.n_levels * b.n_levels)
    value = np.empty((pairs.size, len(a.z), len(b.z)))
    for d, right in enumerate(b.z):
        weighted = right if w is None else right * w
        for c, left in enumerate(a.z):
            value[:, c, d] = np.bincount(position, left * weighted, pairs.size)
    return Meeting(pairs, value)


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
