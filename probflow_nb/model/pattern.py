"""Pattern: where the entries of a sparse symmetric matrix of level-by-level blocks lie in one vector.

Two levels that meet, a of factor f and b of factor g, share a block of (k_f, k_g) entries. Blocks of one pair
of factors form a group, diagonal blocks apart; in the vector, entry (c, d) of all blocks of a group stands
together, so that Delta' H Delta is a few products of slices with single numbers of Delta.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Group:
    """All blocks of one pair of factors.

    first, second: the factors of a block's rows and columns. diagonal: whether the blocks are a level with
    itself. start: place of its first entry. count: blocks. k_first, k_second: the shape of a block.
    """

    first: int
    second: int
    diagonal: bool
    start: int
    count: int
    k_first: int
    k_second: int

    def slice(self, c: int, d: int) -> slice:
        """Return where entry (c, d) of its blocks lies."""
        begin = self.start + (c * self.k_second + d) * self.count
        return slice(begin, begin + self.count)


@dataclass(frozen=True, eq=False)
class Pattern:
    """The blocks of an (r, r) matrix, the lower half of them.

    shapes: (J, k) of each factor. groups: of its blocks. size: the length of the vector. level, inner: (r,)
    level (over all factors) and column within it of each row. keys: (blocks,) level times levels plus level,
    ascending. begin, stride, width: (blocks,) entry (c, d) of a block is at begin + (c width + d) stride.
    row, column, place: the distinct entries of the lower half and where they lie.
    """

    shapes: tuple[tuple[int, int], ...]
    groups: tuple[Group, ...]
    size: int
    level: np.ndarray
    inner: np.ndarray
    keys: np.ndarray
    begin: np.ndarray
    stride: np.ndarray
    width: np.ndarray
    row: np.ndarray
    column: np.ndarray
    place: np.ndarray

    def places(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Return where entries (row, column) lie; their blocks must be in the lower half."""
        block = np.searchsorted(self.keys, self.level[row] * self.n_levels + self.level[column])
        return self.begin[block] + (self.inner[row] * self.width[block] + self.inner[column]) * self.stride[block]

    @property
    def n_levels(self) -> int:
        """Levels of all factors together."""
        return sum(J for J, _ in self.shapes)


def pattern(shapes: tuple[tuple[int, int], ...], row: np.ndarray, column: np.ndarray) -> Pattern:
    """Return the pattern that holds all given entries, row >= column, and the diagonal blocks."""
    counts, k = np.array([J for J, _ in shapes]), np.array([k for _, k in shapes])
    factor = np.repeat(np.arange(len(shapes)), counts)
    total = int(counts.sum())
    first_row = np.concatenate([[0], np.cumsum(k[factor])])
    level = np.repeat(np.arange(total), k[factor])
    inner = np.arange(level.size) - first_row[level]
    itself = np.arange(total)
    keys = np.unique(np.concatenate([level[row] * total + level[column], itself * (total + 1)]))
    high, low = keys // total, keys % total
    groups, size = [], 0
    begin, stride, width = (np.empty(keys.size, np.int64) for _ in range(3))
    kind = (factor[high] * len(shapes) + factor[low]) * 2 + (high == low)
    for value in np.unique(kind):
        blocks = np.flatnonzero(kind == value)
        f, g = int(value) // 2 // len(shapes), int(value) // 2 % len(shapes)
        groups.append(Group(f, g, bool(value % 2), size, blocks.size, int(k[f]), int(k[g])))
        begin[blocks] = size + np.arange(blocks.size)
        stride[blocks], width[blocks] = blocks.size, k[g]
        size += blocks.size * int(k[f] * k[g])
    rows, columns, places = [], [], []
    for group in groups:
        blocks = np.flatnonzero(kind == (group.first * len(shapes) + group.second) * 2 + group.diagonal)
        for c in range(group.k_first):
            for d in range(c + 1 if group.diagonal else group.k_second):
                rows.append(first_row[high[blocks]] + c)
                columns.append(first_row[low[blocks]] + d)
                places.append(np.arange(size)[group.slice(c, d)])
    return Pattern(
        shapes, tuple(groups), size, level, inner, keys, begin, stride, width,
        np.concatenate(rows), np.concatenate(columns), np.concatenate(places),
    )  # fmt: skip
