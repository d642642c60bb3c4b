"""Contrast: the difference of two levels of a factor, from draws of both at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .draws import Effects

# With fewer draws than this the far quantiles are rougher than those of a Gaussian with the draws' sd.
_ENOUGH_FOR_QUANTILES = 400


@dataclass(frozen=True, eq=False)
class Contrast:
    """The first level's effect minus the second's.

    mean, sd: of the difference. lower, upper: its central interval. above: the probability that it is positive, NaN
    where nothing says it. values: (S,) draws of it, empty for a point fit.
    """

    mean: float
    sd: float
    lower: float
    upper: float
    above: float
    values: np.ndarray


def level_contrast(effects: Effects, column: int, first: int, second: int, probability: float = 0.95) -> Contrast:
    """Return the difference of two levels' effects in one column, by joint draws.

    Both levels are taken from the same draw, so that what they share cancels and what ties them is kept. Of as many
    draws as summaries use.
    """
    sample = effects.affordable_sample()
    values = sample[:, first, column] - sample[:, second, column]
    mean, sd = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0
    tail = (1.0 - probability) / 2.0
    if len(values) < _ENOUGH_FOR_QUANTILES:
        z = _normal_quantile(1.0 - tail)
        lower, upper = mean - z * sd, mean + z * sd
    else:
        lower, upper = (float(q) for q in np.quantile(values, [tail, 1.0 - tail]))
    # A level against itself is neither above nor below.
    above = float(np.mean(values > 0) + 0.5 * np.mean(values == 0))
    return Contrast(mean, sd, lower, upper, above, values)


def mode_contrast(mode: np.ndarray, sd: np.ndarray, first: int, second: int, probability: float = 0.95) -> Contrast:
    """Return the difference of two conditional modes; modes and conditional sds (J,) of a point fit.

    The levels count as independent given the estimates. Nothing is said of how probable a sign is.
    """
    mean = float(mode[first] - mode[second])
    spread = 0.0 if first == second else float(np.hypot(sd[first], sd[second]))
    z = _normal_quantile(0.5 + probability / 2.0)
    return Contrast(mean, spread, mean - z * spread, mean + z * spread, float("nan"), np.empty(0))


def _normal_quantile(probability: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(probability)
