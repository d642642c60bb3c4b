"""Contrasts: how the levels of a factor become columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Contrast:
    """A coding of L levels by q columns.

    matrix: (L, q), the row of a level.
    labels: the q column labels.
    """

    matrix: np.ndarray
    labels: tuple[str, ...]

    def columns(self, codes: np.ndarray) -> np.ndarray:
        """Return (n, q), a level's row for each code; NaN for code -1."""
        if codes.size and codes.min() < 0:
            beyond = np.full((1, self.matrix.shape[1]), np.nan)
            return np.concatenate([self.matrix, beyond])[codes]
        return self.matrix[codes]


def indicators(levels: Sequence[str]) -> Contrast:
    """Return the coding by one 0/1 column for each level."""
    return Contrast(np.eye(len(levels)), tuple(levels))


def treatment(levels: Sequence[str], reference: int = 0) -> Contrast:
    """Return each level's difference from the reference level, a column for every other level."""
    others = [i for i in range(len(levels)) if i != reference]
    return Contrast(np.eye(len(levels))[:, others], tuple(levels[i] for i in others))


def summed(levels: Sequence[str]) -> Contrast:
    """Return each level's deviation from the mean of the levels; the last is minus the sum of the others."""
    n = len(levels)
    return Contrast(np.concatenate([np.eye(n - 1), -np.ones((1, n - 1))]), tuple(levels[:-1]))


def helmert(levels: Sequence[str]) -> Contrast:
    """Return each level against the mean of those before it: column j is (-1, ..., -1, j, 0, ...)."""
    n = len(levels)
    matrix = np.zeros((n, n - 1))
    for j in range(1, n):
        matrix[:j, j - 1] = -1.0
        matrix[j, j - 1] = j
    return Contrast(matrix, tuple(str(j) for j in range(1, n)))


def polynomial(levels: Sequence[str]) -> Contrast:
    """Return orthonormal polynomials in the levels' places 1..L: linear, quadratic, cubic, 4th, ..."""
    n = len(levels)
    places = np.arange(n) - (n - 1) / 2
    Q = np.full((n, n), 1 / np.sqrt(n))
    for j in range(1, n):
        # Each column is the one before times x, freed of all before it; twice, since one pass loses digits.
        column = places / n * Q[:, j - 1]
        for _ in range(2):
            column -= Q[:, :j] @ (Q[:, :j].T @ column)
        Q[:, j] = column / np.linalg.norm(column)
    labels = ((".L", ".Q", ".C")[j - 1] if j <= 3 else f"^{j}" for j in range(1, n))
    return Contrast(Q[:, 1:], tuple(labels))
