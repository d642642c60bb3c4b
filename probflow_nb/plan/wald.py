"""Wald: estimate, standard error and degrees of freedom of one combination of coefficients in many data sets at once.

REML estimates; the t test has the degrees of freedom of Satterthwaite (Kuznetsova, Brockhoff and Christensen 2017,
Journal of Statistical Software 82(13), section 2). With sigma profiled out, v(phi) = sigma^2(phi) c' K_xx^-1 c and H
the Hessian of the REML criterion,

    df = 1 / (g' H^-1 g + 1 / (n - p)),     g = d log v / d phi,

which is 2 v^2 / var(v) with var(v) from the inverse information of (phi, sigma). Directions in which the criterion is
flat, as at a variance of 0, add nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..model.model import Model
from .batch import AT_ONCE, Arrays, Responses, arrays, cost, reduced, responses
from .climb import climb


@dataclass(frozen=True, eq=False)
class Estimates:
    """Of N data sets: value, error (standard error) and df, (N,) each; NaN where there is none. df infinite for z."""

    value: np.ndarray
    error: np.ndarray
    df: np.ndarray

    def t(self, null: float) -> np.ndarray:
        """Return (value - null) / error."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((self.value - null) / self.error)


def wald(
    model: Model, Y: np.ndarray, beta: np.ndarray, sigma: float, phi: np.ndarray, contrast: np.ndarray
) -> Estimates:
    """Return the estimates of contrast' beta in N responses.

    Y: (N, n). beta (p,), sigma: of which they were drawn; they serve as units. phi: (d,), where the climb starts.
    contrast: (p,).
    """
    design, a = model.design, arrays(model)
    common = design.X @ beta + (0.0 if design.offset is None else design.offset)
    # Around the truth and in units of sigma: of order one, so that cross-products lose no digits.
    data = responses(model, (Y - common) / sigma)
    T = _units(model)
    scaled = T.T @ contrast
    phi = np.where(np.abs(phi) < 0.1, 0.1, phi) if phi.size else phi
    diagonal = np.concatenate([np.arange(t.start, t.start + t.k) for t in a.layout.terms] or [np.zeros(0, int)])
    start = np.zeros(phi.size)
    start[diagonal] = phi[diagonal]
    m = 1 + len(start) * (len(start) + 1)
    size = max(1, AT_ONCE // (cost(a) * m))
    parts = []
    for begin in range(0, len(Y), size):
        part = Responses(*(getattr(data, name)[begin : begin + size] for name in ("yy", "xy", "zy", "ry")))
        parts.append(_estimates(a, part, start, scaled))
    value, error, df = (np.concatenate(found) for found in zip(*parts, strict=True))
    return Estimates(contrast @ beta + sigma * value, sigma * error, df)


def _estimates(a: Arrays, data: Responses, start: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, ...]:
    df_residual = a.n - len(a.gram)
    f = _criterion(a, data, c)
    found = climb(f, np.tile(start, (len(data), 1)))
    last = reduced(a, data, found.x, np.arange(len(data)))
    value = np.linalg.solve(last.xx, last.xy[:, :, None])[:, :, 0] @ c
    error = np.exp(0.5 * found.also[:, 0])
    g, d = found.slopes[:, 0], found.x.shape[1]
    shrink = np.zeros(len(data))
    if d:
        curvature, vectors = np.linalg.eigh(found.hessian)
        along = np.einsum("nij,ni->nj", vectors, g)
        known = curvature > 1e-6 * np.maximum(curvature.max(axis=1, keepdims=True), 1e-6)
        shrink = np.where(known, along**2 / np.where(known, curvature, 1.0), 0.0).sum(axis=1)
    df = 1.0 / (shrink + 1.0 / df_residual)
    good = found.converged & np.isfinite(found.value)
    return tuple(np.where(good, part, np.nan) for part in (value, error, df))


def _criterion(a: Arrays, data: Responses, c: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return the function of points that gives the REML criterion, but for a constant, and log v."""
    df = a.n - len(a.gram)

    def f(phi: np.ndarray, which: np.ndarray) -> np.ndarray:
        K = reduced(a, data, phi, which)
        both = np.concatenate([K.xy[:, :, None], np.broadcast_to(c[None, :, None], (len(phi), len(c), 1))], axis=2)
        solved = np.linalg.solve(K.xx, both)
        log_rss = np.log(K.yy - np.einsum("bp,bp->b", K.xy, solved[:, :, 0]))
        criterion = K.log_det + np.linalg.slogdet(K.xx)[1] + df * log_rss
        log_v = log_rss - np.log(df) + np.log(solved[:, :, 1] @ c)
        return np.stack([criterion, log_v], axis=1)

    return f


def _units(model: Model) -> np.ndarray:
    """Return T (p, p) with beta = T beta_scaled for a response in the person's units."""
    scaling = model.moments.scaling
    return np.asarray(scaling.coefficients()[0] / scaling.y_scale)
