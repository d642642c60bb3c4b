"""Stages: the order in which a sparse symmetric matrix is factorised, found once from its pattern.

Each stage eliminates a set of columns of which no two meet, all at once: over the columns i of it, N_ab
becomes N_ab - sum_i N_ai N_ib / N_ii. What is left when no stage pays any more is factorised densely. A nested
factor is one stage without fill, however many levels it has; a dense matrix has no stage at all.

The sets are greedy maximal independent sets of columns with few neighbours (Luby 1986 for the rounds; Davis
2006 for elimination and fill).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Costs in multiply-adds of a dense factorisation, as measured: one product N_ai N_ib with its gathers and its
# sum, one entry of N or h with all that is done to it, one stage's ops, shared by a batch; and an entry of a
# dense matrix.
PAIR = 150.0
ENTRY = 200.0
# A constant of the maps from A_j to H (see `fill`).
CONSTANT = 25.0
_STAGE = 5e4
DENSE_ENTRY = 40.0
# Above this share of all entries nothing is gained any more.
_DENSE = 0.3
_MOST_STAGES = 200
_ROUNDS = 6


@dataclass(frozen=True, eq=False)
class Stage:
    """One set of columns to eliminate, as places in the stage's vector of entries (lower half) and rows.

    pivots: (i,) entries N_ii. pivot_rows, rows: (i,) and (m',) rows eliminated and left. assemble: (m,) where
    each row lies in [eliminated, left]. edges: (e,) entries N_ia, i eliminated, a left; owner: (e,) which
    pivot; neighbour: (e,) which row left. kept: (c,) entries of the rows left, which come first in the next
    vector; fill: how many new ones follow. left, right: (P,) pairs of edges of one pivot; target: (P,) the
    entry that each changes, ascending.
    """

    pivots: np.ndarray
    pivot_rows: np.ndarray
    rows: np.ndarray
    assemble: np.ndarray
    edges: np.ndarray
    owner: np.ndarray
    neighbour: np.ndarray
    kept: np.ndarray
    fill: int
    left: np.ndarray
    right: np.ndarray
    target: np.ndarray


@dataclass(frozen=True, eq=False)
class Plan:
    """All stages and the dense remainder.

    size: r. remainder: rows left at the end. lower: (remainder^2,) the place of each entry of the remainder's
    lower half in the last vector, one past its end for a zero. cost: rough multiply-adds for one matrix.
    width: the most numbers held at a time for one matrix.
    """

    size: int
    stages: tuple[Stage, ...]
    remainder: int
    lower: np.ndarray
    cost: float
    width: int


def dense_cost(m: int) -> float:
    """Return the rough number of multiply-adds of a dense factorisation, (m, m), and of making the matrix."""
    return m**3 / 3 + DENSE_ENTRY * m * m


def plan(size: int, row: np.ndarray, column: np.ndarray, place: np.ndarray, whole: bool = False) -> Plan:
    """Return the stages for an (r, r) matrix.

    row, column: its distinct structural entries, row >= column, the whole diagonal among them. place: where
    each lies in the vector of entries that the first stage is given. whole: stages to the end, whether they
    pay or not.
    """
    m = size
    stages: list[Stage] = []
    order = np.argsort(row * size + column)
    row, column, place = row[order], column[order], place[order]
    cost, width = ENTRY * row.size, max(row.size, 1)
    while m and (whole or len(stages) < _MOST_STAGES):
        below = row > column
        if not whole and below.sum() > _DENSE * m * m / 2 and below.sum() > m:
            break
        degree = np.bincount(row[below], minlength=m) + np.bincount(column[below], minlength=m)
        chosen = _independent(m, row[below], column[below], degree)
        pairs = float((degree[chosen] * (degree[chosen] + 1.0)).sum() / 2)
        price = _STAGE + PAIR * pairs + ENTRY * (row.size - below.sum())
        if not whole and dense_cost(m) - dense_cost(m - int(chosen.sum())) < price:
            break
        stage, row, column = _stage(m, row, column, place, chosen)
        stages.append(stage)
        m, place = stage.rows.size, np.arange(row.size)
        cost, width = cost + price, max(width, row.size, stage.target.size)
    lower = np.full(m * m, int(place.max(initial=-1)) + 1, np.int64)
    lower[row * m + column] = place
    return Plan(size, tuple(stages), m, lower, cost + dense_cost(m), max(width, m * m))


def _independent(m: int, row: np.ndarray, column: np.ndarray, degree: np.ndarray) -> np.ndarray:
    """Return a mask (m,) of columns of which no two meet, few neighbours first.

    A column is taken when all neighbours still free come after it; ties are broken at random, from a fixed
    seed, since in the order of their numbers the columns of a chain would go one by one.
    """
    rank = np.empty(m, np.int64)
    rank[np.lexsort((np.random.default_rng(0).permutation(m), degree))] = np.arange(m)
    free = degree <= max(2 * degree.min() + 4, int(np.median(degree)))
    chosen = np.zeros(m, bool)
    for _ in range(_ROUNDS):
        both = free[row] & free[column]
        row_, column_ = row[both], column[both]
        local = free.copy()
        local[np.where(rank[row_] > rank[column_], row_, column_)] = False
        chosen |= local
        free &= ~local
        free[row[chosen[column]]] = False
        free[column[chosen[row]]] = False
        if not free.any():
            break
    return chosen


def _stage(
    m: int, row: np.ndarray, column: np.ndarray, place: np.ndarray, chosen: np.ndarray
) -> tuple[Stage, np.ndarray, np.ndarray]:
    """Return the stage that eliminates the chosen columns, and row and column of the entries after it."""
    number = np.where(chosen, np.cumsum(chosen) - 1, np.cumsum(~chosen) - 1)
    size = int((~chosen).sum())
    diagonal = (row == column) & chosen[row]
    pivots = np.empty(m - size, np.int64)
    pivots[number[row[diagonal]]] = place[diagonal]
    edge = np.flatnonzero((row > column) & (chosen[row] | chosen[column]))
    row_is = chosen[row[edge]]
    owner = number[np.where(row_is, row[edge], column[edge])]
    neighbour = number[np.where(row_is, column[edge], row[edge])]
    order = np.lexsort((neighbour, owner))
    owner, neighbour, edge = owner[order], neighbour[order], edge[order]
    low, high = pairs_within(owner, m - size)
    key = neighbour[high] * size + neighbour[low]
    stays = ~(chosen[row] | chosen[column])
    kept_key = number[row[stays]] * size + number[column[stays]]
    order = np.argsort(kept_key)
    kept, kept_key = place[stays][order], kept_key[order]
    target, fill_key = _targets(key, kept_key)
    order = np.argsort(target, kind="stable")
    pivot_rows, rows = np.flatnonzero(chosen), np.flatnonzero(~chosen)
    assemble = np.argsort(np.concatenate([pivot_rows, rows]))
    stage = Stage(
        pivots, pivot_rows, rows, assemble, place[edge], owner, neighbour, kept, fill_key.size,
        low[order], high[order], target[order],
    )  # fmt: skip
    keys = np.concatenate([kept_key, fill_key])
    return stage, keys // max(size, 1), keys % max(size, 1)


def _targets(key: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each key's place among the kept ones (ascending), followed by the new ones, and the new ones."""
    found = np.searchsorted(kept, key)
    known = kept[np.minimum(found, kept.size - 1)] == key if kept.size else np.zeros(key.size, bool)
    fill, inverse = np.unique(key[~known], return_inverse=True)
    found[~known] = kept.size + inverse.reshape(-1)
    return found, fill


def pairs_within(owner: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (low, high), low <= high: all pairs of positions with one owner; owner ascends."""
    start = np.searchsorted(owner, np.arange(count))
    before = np.arange(owner.size) - start[owner] + 1
    high = np.repeat(np.arange(owner.size), before)
    offset = np.arange(high.size) - np.repeat(np.cumsum(before) - before, before)
    return start[owner[high]] + offset, high
