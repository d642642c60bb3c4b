"""Grouping: the levels of a group term, learned from the rows of a fit and found again in new rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..lang.tree import Name, Node
from .column import Factor
from .expression import Scope


@dataclass(frozen=True, eq=False)
class Grouping:
    """The levels of a grouping factor, or of an interaction of several.

    parts: the level names of each factor. cells: the J combinations that occur, as sorted codes; the code of
    levels (i, j) of parts of sizes (a, b) is i * b + j. levels: the J shown names, such as "A:x".
    """

    parts: tuple[tuple[str, ...], ...]
    cells: np.ndarray
    levels: tuple[str, ...]

    def index(self, factors: Sequence[Factor]) -> np.ndarray:
        """Return (n,) int32, the level of each row, -1 for missing or unknown ones."""
        codes = [factor.recode(levels) for factor, levels in zip(factors, self.parts)]
        if len(codes) == 1 and len(self.cells) == len(self.parts[0]):
            return codes[0]
        cell = _cells(codes, [len(levels) for levels in self.parts])
        place = np.searchsorted(self.cells, cell)
        place[place == len(self.cells)] = 0
        known = (cell >= 0) & (self.cells[place] == cell) if len(self.cells) else np.zeros(len(cell), bool)
        return np.where(known, place, -1).astype(np.int32)


def group_factors(factor: Sequence[Node], scope: Scope) -> list[Factor]:
    """Return the factor of each grouping expression on the rows at hand."""
    return [scope.columns[node.name].factor() for node in factor if isinstance(node, Name)]


def learn_grouping(factors: Sequence[Factor]) -> tuple[Grouping, np.ndarray]:
    """Return the levels of a grouping factor and the (n,) int32 level of each row, -1 where missing."""
    if len(factors) == 1:
        levels = factors[0].levels
        return Grouping((levels,), np.arange(len(levels)), levels), factors[0].codes
    sizes = [len(factor.levels) for factor in factors]
    cell = _cells([factor.codes for factor in factors], sizes)
    cells, index = _compress(cell, int(np.prod([float(size) for size in sizes])))
    return Grouping(tuple(factor.levels for factor in factors), cells, _cell_names(factors, cells)), index


def _cell_names(factors: Sequence[Factor], cells: np.ndarray) -> tuple[str, ...]:
    names = np.full(len(cells), "", dtype=object)
    rest = cells
    for factor in reversed(factors):
        rest, place = np.divmod(rest, max(len(factor.levels), 1))
        names = np.array([*factor.levels, ""], dtype=object)[place] + ":" + names
    return tuple(name[:-1] for name in names)


def _cells(codes: Sequence[np.ndarray], sizes: Sequence[int]) -> np.ndarray:
    cell = codes[0].astype(np.int64)
    missing = codes[0] < 0
    for code, size in zip(codes[1:], sizes[1:]):
        cell = cell * size + code
        missing = missing | (code < 0)
    return np.where(missing, -1, cell) if missing.any() else cell


def _compress(cell: np.ndarray, span: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted distinct cells that are not -1, and each row's place among them (or -1)."""
    if span <= 4 * len(cell) + 1024:
        seen = np.zeros(span + 1, dtype=bool)
        seen[cell] = True
        place = np.cumsum(seen[:-1], dtype=np.int32) - np.int32(1)
        return np.flatnonzero(seen[:-1]), np.append(place, np.int32(-1))[cell]
    cells, index = np.unique(cell, return_inverse=True)
    if len(cells) and cells[0] == -1:
        return cells[1:], index.astype(np.int32) - np.int32(1)
    return cells, index.astype(np.int32)
