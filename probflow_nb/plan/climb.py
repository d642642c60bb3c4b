"""Climb: Newton's method for many functions of a few numbers at once, each from its own differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_WIDTH = 1e-3
_LONGEST_STEP = 2.0
# Decrements at which a climb ends, and below which it has arrived after all where rounding lets it get no further.
_TOLERANCE, _ARRIVED = 1e-11, 1e-6
_STEPS = 100
_SHORTEST = 2.0**-14


@dataclass(frozen=True, eq=False)
class Bottoms:
    """Where N functions are least.

    x: (N, d). value: (N,). hessian: (N, d, d). also: (N, m) further functions there; slopes: (N, m, d) of them.
    converged: (N,).
    """

    x: np.ndarray
    value: np.ndarray
    hessian: np.ndarray
    also: np.ndarray
    slopes: np.ndarray
    converged: np.ndarray


# Points (B, d) and which of the N functions each is for -> values (B, 1 + m): the function, then the further ones.
Many = Callable[[np.ndarray, np.ndarray], np.ndarray]


def climb(f: Many, x: np.ndarray) -> Bottoms:
    """Return the minima of N functions from x (N, d): full Newton steps, halved where they would go up."""
    N, d = x.shape
    x = x.copy()
    everything = np.arange(N)
    found = _differences(f, x, everything)
    value, gradient, hessian, also, slopes = (part.copy() for part in found)
    length = np.ones(N)
    converged = _decrement(gradient, hessian) < _TOLERANCE
    active = everything[~converged]
    for _ in range(_STEPS if d else 0):
        if not active.size:
            break
        step = _direction(x[active], gradient[active], hessian[active]) * length[active, None]
        tried = _differences(f, x[active] + step, active)
        # As much lower as the slope promises, in part: a step across a symmetric function's middle gains nothing.
        promised = np.einsum("nd,nd->n", gradient[active], step)
        lower = tried[0] <= value[active] + 1e-3 * promised + 1e-12 * np.abs(value[active])
        better = active[lower]
        x[better] += step[lower]
        for held, new in zip((value, gradient, hessian, also, slopes), tried, strict=True):
            held[better] = new[lower]
        length[better] = np.minimum(1.0, 4.0 * length[better])
        length[active[~lower]] /= 4.0
        # Where not even a short step goes down, the point is as low as rounding lets the function tell.
        stuck = length < _SHORTEST
        converged[active] = stuck[active] | (lower & (_decrement(gradient[active], hessian[active]) < _TOLERANCE))
        active = active[~converged[active]]
    converged |= _decrement(gradient, hessian) < _ARRIVED
    return Bottoms(x, value, hessian, also, slopes, converged)


def _differences(f: Many, x: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return value (N,), gradient (N, d), Hessian (N, d, d), further values (N, m) and slopes (N, m, d)."""
    N, d = x.shape
    unit = np.eye(d) * _WIDTH
    pairs = [(i, j) for i in range(d) for j in range(i)]
    corners = [unit[i] + unit[j] for i, j in pairs]
    # One move, nowhere, where there is nothing to move along: a model without group terms.
    moves = (
        np.array([np.zeros(d), *unit, *-unit, *corners, *(-corner for corner in corners)]) if d else np.zeros((1, 0))
    )
    m = len(moves)
    values = f((x[:, None] + moves).reshape(N * m, d), np.repeat(which, m)).reshape(N, m, -1)
    all_up, all_down = values[:, 1 : d + 1], values[:, d + 1 : 2 * d + 1]
    centre, up, down = values[:, 0, 0], all_up[..., 0], all_down[..., 0]
    hessian = np.zeros((N, d, d))
    own = np.arange(d)
    hessian[:, own, own] = (up - 2 * centre[:, None] + down) / _WIDTH**2
    # Opposite corners, so that the error of a mixed derivative is of second order like all others.
    both = values[:, 2 * d + 1 : 2 * d + 1 + len(pairs), 0] + values[:, 2 * d + 1 + len(pairs) :, 0]
    sides = up + down - centre[:, None]
    for (i, j), corner in zip(pairs, both.T, strict=True):
        hessian[:, i, j] = hessian[:, j, i] = (corner - sides[:, i] - sides[:, j]) / (2 * _WIDTH**2)
    slopes = (all_up - all_down).transpose(0, 2, 1)[:, 1:] / (2 * _WIDTH)
    return centre, (up - down) / (2 * _WIDTH), hessian, values[:, 0, 1:], slopes


def _decrement(gradient: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Return what a full step would still gain, 1/2 g' |H|^-1 g."""
    if not gradient.shape[1]:
        return np.zeros(len(gradient))
    values, vectors = np.linalg.eigh(hessian)
    along = np.einsum("nij,ni->nj", vectors, gradient)
    return np.asarray(0.5 * (along**2 / np.maximum(np.abs(values), 1e-8)).sum(axis=1))


def _direction(x: np.ndarray, gradient: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(hessian)
    size = np.abs(values)
    size = np.maximum(size, 1e-6 * np.maximum(1.0, size.max(axis=1, keepdims=True)))
    along = np.einsum("nij,ni->nj", vectors, gradient) / size
    step = -np.einsum("nij,nj->ni", vectors, along)
    longest = np.abs(step).max(axis=1, keepdims=True)
    limit = _LONGEST_STEP * np.maximum(1.0, np.abs(x).max(axis=1, keepdims=True))
    return np.asarray(step * np.minimum(1.0, limit / np.maximum(longest, 1e-300)))
