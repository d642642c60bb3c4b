"""Newton's method on a function that is cheap to evaluate at many points at once.

Gradient and Hessian come from finite differences over one batch of 1 + 2d + d(d-1)/2 points, so the function needs no
derivative and one call serves a whole iteration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

_LONGEST_STEP = 2.0


@dataclass(frozen=True, eq=False)
class Mode:
    """A point of the climb.

    x: (d,). value: f(x). gradient: (d,). hessian: (d, d). decrement: 1/2 g' |H|^-1 g, what a full step would still
    gain if f were quadratic. iteration: steps made. converged: whether the decrement is below the tolerance.
    """

    x: np.ndarray
    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    decrement: float
    iteration: int
    converged: bool


def start(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, tolerance: float, width: float = 1e-3) -> Mode:
    """Return the first point of a climb of f: (S, d) -> (S,) from x (d,)."""
    return _differences(f, x, tolerance, width, 0)


def step(f: Callable[[np.ndarray], np.ndarray], mode: Mode, tolerance: float, width: float = 1e-3) -> Mode:
    """Return the next point: the full Newton step if it climbs, else the best of shorter ones."""
    direction = _direction(mode)
    ahead = _differences(f, mode.x + direction, tolerance, width, mode.iteration + 1)
    if ahead.value >= mode.value:
        return ahead
    # Shorter steps, three at a time: the first ones usually do, and where f costs much the others are never asked.
    for lengths in np.split(2.0 ** -np.arange(1.0, 13.0), 4):
        values = f(mode.x + lengths[:, None] * direction)
        best = int(np.argmax(values))
        if values[best] > mode.value:
            ahead = _differences(f, mode.x + lengths[best] * direction, tolerance, width, mode.iteration + 1)
            # At the end of a prior's support the differences may reach beyond it: then a shorter step is made.
            if np.isfinite(ahead.value) or not np.isfinite(mode.value):
                return ahead
    # Not even a short step gains: the point is as high as rounding lets f tell.
    return replace(mode, iteration=mode.iteration + 1, converged=True)


def polish(f: Callable[[np.ndarray], np.ndarray], mode: Mode, width: float = 1e-3) -> Mode:
    """Return the point one more Newton step on, if it is no lower, with a gradient of the fourth order.

    (4 g(h) - g(2h)) / 3 is free of the third derivative, which moves what g(h) takes for the top: an sd of a tenth of
    sigma by some 1e-5 of itself. g(h) is known, so that 2d + 1 evaluations do.
    """
    d = mode.x.size
    if not d:
        return mode
    ends = f(np.concatenate([mode.x + 2 * width * np.eye(d), mode.x - 2 * width * np.eye(d)]))
    with np.errstate(invalid="ignore", over="ignore"):
        gradient = (4.0 * mode.gradient - (ends[:d] - ends[d:]) / (4 * width)) / 3.0
    better = replace(mode, gradient=gradient) if np.isfinite(gradient).all() else mode
    x = mode.x + _direction(better)
    value = float(f(x[None])[0])
    return replace(mode, x=x, value=value) if value >= mode.value else mode


def covariance_root(mode: Mode, widest: float = 3.0) -> np.ndarray:
    """Return R (d, d) with R R' = |H|^-1; no direction is wider than `widest`."""
    values, vectors = np.linalg.eigh(-mode.hessian)
    return vectors * np.minimum(1.0 / np.sqrt(np.maximum(np.abs(values), 1e-12)), widest)


def _direction(mode: Mode) -> np.ndarray:
    values, vectors = np.linalg.eigh(-mode.hessian)
    # |lambda| turns a direction of upward curvature, where a plain Newton step would go down, into an ascent.
    size = np.maximum(np.abs(values), 1e-6 * max(1.0, np.abs(values).max()))
    direction = vectors @ ((vectors.T @ mode.gradient) / size)
    longest = np.abs(direction).max()
    # A point far out may go as far again, so that a ratio of a thousand is reached in ten steps.
    limit = _LONGEST_STEP * max(1.0, np.abs(mode.x).max())
    return direction * min(1.0, limit / longest) if longest > 0 else direction


def _differences(
    f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, tolerance: float, width: float, iteration: int
) -> Mode:
    d = x.size
    unit = np.eye(d) * width
    pairs = [(i, j) for i in range(d) for j in range(i)]
    points = [x, *(x + unit), *(x - unit), *(x + unit[i] + unit[j] for i, j in pairs)]
    values = f(np.array(points))
    centre, up, down = values[0], values[1 : d + 1], values[d + 1 : 2 * d + 1]
    # f may be minus infinity at some of them: then so is the difference, or not a number, which is looked for below.
    with np.errstate(invalid="ignore", over="ignore"):
        gradient = (up - down) / (2 * width)
        hessian = np.diag((up - 2 * centre + down) / width**2)
        for (i, j), corner in zip(pairs, values[2 * d + 1 :], strict=True):
            hessian[i, j] = hessian[j, i] = (corner - up[i] - up[j] + centre) / width**2
    if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
        return Mode(x, -np.inf, np.zeros(d), -np.eye(d), np.inf, iteration, False)
    size = np.maximum(np.abs(np.linalg.eigvalsh(hessian)), 1e-12) if d else np.ones(0)
    vectors = np.linalg.eigh(hessian)[1] if d else np.zeros((0, 0))
    with np.errstate(over="ignore"):
        decrement = float(0.5 * np.sum((vectors.T @ gradient) ** 2 / size))
    return Mode(x, float(centre), gradient, hessian, decrement, iteration, decrement < tolerance)
