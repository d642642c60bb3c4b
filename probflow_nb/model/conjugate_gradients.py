"""Conjugate gradients: one symmetric positive definite system for each of many draws, solved all at once.

Hestenes and Stiefel 1952, with a preconditioner M^-1 (Golub and Van Loan 2013, algorithm 11.5.1). With eigenvalues of
M^-1 Q in [1, kappa] the error falls by (sqrt(kappa) - 1) / (sqrt(kappa) + 1) an iteration or faster.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_MOST_ITERATIONS = 60
# How much larger than the one that the recursion reports the residual itself may be, for rounding.
_SLACK = 10.0
# Squared residual norm over the one that is enough.
_RUNAWAY = 1e30


def solve(
    apply: Callable[[np.ndarray], np.ndarray],
    precondition: Callable[[np.ndarray], np.ndarray],
    target: np.ndarray,
    tolerance: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return x with Q_s x_s = t_s for every draw s, (r, S), and which of them are solved, (S,).

    apply: v -> Q v. precondition: v -> M^-1 v. target: (r, S). A draw is solved when the residual is at most the
    tolerance times the target, both in the norm v'M^-1 v. What a draw's solution is hangs on its own column alone.
    """
    x, residual = np.zeros_like(target), target.copy()
    direction = precondition(residual)
    size = np.einsum("rs,rs->s", residual, direction)
    enough = tolerance**2 * size
    for _ in range(_MOST_ITERATIONS):
        going = size > enough
        if not going.any():
            break
        image = apply(direction)
        # A draw that is solved stands still while others go on.
        curvature = np.einsum("rs,rs->s", direction, image)
        # So does one whose matrix is not positive definite, or so far from M that its residual runs away.
        going &= (curvature > 0.0) & (size < _RUNAWAY * enough)
        step = np.where(going, size / _positive(curvature), 0.0)
        x += step * direction
        residual -= step * image
        whitened = precondition(residual)
        after = np.einsum("rs,rs->s", residual, whitened)
        direction *= np.where(going, after / _positive(size), 0.0)
        direction += whitened
        size = np.where(going, after, size)
    left = target - apply(x)
    final = np.einsum("rs,rs->s", left, precondition(left))
    return x, (final <= _SLACK**2 * enough) & np.isfinite(x).all(axis=0)


def _positive(values: np.ndarray) -> np.ndarray:
    """Return the values, 1 where one is no positive number: what is divided by it is not used."""
    return np.where(values > 0.0, values, 1.0)
