"""Spread: where a response lies and how wide it is, for the default priors and starts of what is on its scale."""

from __future__ import annotations

import numpy as np

from ...spec.priors import Distribution
from .auxiliary import Auxiliary

# Default priors are this many spreads wide, or this wide on the scale of a logit or of a log.
WIDTH = 2.5
# The median absolute deviation of a normal distribution is its sd over this.
_NORMAL_MAD = 1.4826


def spread_of_response(y: np.ndarray) -> float:
    """Return the standard deviation of y (n,), or 1 where there is none."""
    spread = float(y.std(ddof=1)) if len(y) > 1 else 0.0
    return spread if np.isfinite(spread) and spread > 0 else 1.0


def robust_spread(y: np.ndarray) -> float:
    """Return 1.4826 times the median absolute deviation of y (n,); its standard deviation where that is 0."""
    spread = _NORMAL_MAD * float(np.median(np.abs(y - np.median(y)))) if len(y) else 0.0
    return spread if spread > 0 else spread_of_response(y)


def logs_of(y: np.ndarray) -> np.ndarray:
    """Return log y of the numbers above 0; those are all where a response has no fault."""
    return np.log(y[y > 0])


def sigma(spread: float) -> Auxiliary:
    """Return a residual scale with prior HalfStudentT(3, 0, 2.5 spread), starting at half the spread."""
    return Auxiliary("sigma", Distribution("HalfStudentT", (3.0, 0.0, rounded(WIDTH * spread))), "log", 0.5 * spread)


def rounded(value: float, unit: float | None = None) -> float:
    """Round to four significant digits, or to a thousandth of `unit`: defaults are read by people."""
    if value == 0.0:
        return 0.0
    size = abs(value) if unit is None else abs(unit)
    digits = 3 - int(np.floor(np.log10(size)))
    return float(round(value, digits))
