"""Small products: products of narrow matrices in pieces that a BLAS library does not split between threads.

A product of a million multiply-adds takes less time than waking a second thread, which then waits, and counts as time
of the processor, until the next one: libraries split above about 262,144 multiply-adds.
"""

from __future__ import annotations

import numpy as np

_WHOLE = 250_000
# Products above this are worth all threads.
_LARGE = 1 << 28


def inner(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return A @ B for A (a, n) and B (n, S), a and S small: pieces along n are summed."""
    a, n = A.shape
    S = B.shape[1]
    size = _WHOLE // max(1, a * S)
    if size >= n or size < 8 or a * n * S > _LARGE:
        return A @ B
    total = np.zeros((a, S))
    for start in range(0, n, size):
        total += A[:, start : start + size] @ B[start : start + size]
    return total


def outer(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return A @ B for A (n, p) and B (p, S), p and S small: pieces along n stand below each other."""
    n, p = A.shape
    S = B.shape[1]
    size = _WHOLE // max(1, p * S)
    if size >= n or size < 8 or n * p * S > _LARGE:
        return A @ B
    found = np.empty((n, S))
    for start in range(0, n, size):
        np.matmul(A[start : start + size], B, out=found[start : start + size])
    return found


def weighted_sum(w: np.ndarray | None, values: np.ndarray) -> np.ndarray:
    """Return the sum over rows of values (n, S), times w (n,) if there is one."""
    total: np.ndarray = values.sum(axis=0) if w is None else np.einsum("n,ns->s", w, values)
    return total
