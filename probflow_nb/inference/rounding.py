"""Rounding: the mode of a climb on a grid, so that the same seed makes the same draws whatever the order of the rows.

Sums of the same rows in another order, or in pieces, differ in their last digits, and second differences turn 1e-15 of
them into 1e-7 of the Hessian. What is drawn needs neither: the proposal that begins at the mode is only made better by
the draws. On a grid far wider than such noise, and far narrower than the posterior, it is the same to the last digit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .newton import Mode

# Of a number of order one, and of the curvature in units of its diagonal.
_POINT, _CURVATURE = 2.0**-14, 2.0**-12


def on_grid(mode: Mode) -> Mode:
    """Return a mode whose place (d,) and Hessian (d, d) are rounded, h_ij to about 2^-12 (h_ii h_jj)^1/2."""
    if not (np.isfinite(mode.hessian).all() and mode.x.size):
        return mode
    diagonal = np.maximum(np.abs(np.diag(mode.hessian)), 1e-12)
    # A power of two: the unit itself must not carry the noise on.
    unit = 2.0 ** np.round(0.5 * np.log2(diagonal))
    step = _CURVATURE * np.outer(unit, unit)
    return replace(mode, x=np.round(mode.x / _POINT) * _POINT, hessian=np.round(mode.hessian / step) * step)
