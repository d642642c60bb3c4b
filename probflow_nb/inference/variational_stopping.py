"""When VI stops: averages of the iterates that no longer move, and that a lower learning rate confirms.

The ascent runs at a fixed rate. Its iterates are averaged over windows that grow; two windows agree when the
symmetrised Kullback-Leibler divergence between their averages exceeds a bound for no coordinate and the averages do not
keep moving in one direction. Then the rate is cut to a quarter, and once the averages at two successive rates agree the
fit is done (after Welandawe, Andersen, Vehtari and Huggins 2022, section 4, with windows compared instead of chains).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

# A mean may differ by 0.05 posterior sds, or an sd by 3.5%.
BOUND = 0.0025
# A divergence so small ends the doubt about a direction: 0.01 sds.
_NEGLIGIBLE = 1e-4
# Cosine between two successive moves above which they are a drift, not noise.
_DRIFT = 0.3
_CUT = 0.25
_FIRST = 4
_GROWTH = 1.5

Arrays = Mapping[str, np.ndarray]
# Mean and sd of every coordinate.
Moments = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Trail:
    """Where the rule stands.

    rate: the learning rate, as a share of the engine's. length: chunks of the present window, count: those done, steps:
    iterates in `total`, their sum. before: averages of the windows at this rate so far, at most two, as moments.
    settled: the moments at the rate before, if it settled. average: of the last whole window. figure: the largest
    divergence found at the last comparison of rates, or of windows. met: whether the rule is met.
    """

    rate: float = 1.0
    length: int = _FIRST
    count: int = 0
    steps: int = 0
    total: Arrays | None = None
    before: tuple[Moments, ...] = ()
    settled: Moments | None = None
    average: Arrays | None = None
    figure: float = float("inf")
    met: bool = False

    @property
    def best(self) -> Arrays | None:
        """The average to answer with: of the last whole window, or of what there is of the first."""
        if self.average is not None or self.total is None:
            return self.average
        return mean(self.total, self.steps)


def mean(total: Arrays, steps: int) -> dict[str, np.ndarray]:
    """Return the average of `steps` iterates from their sum."""
    return {name: value / steps for name, value in total.items()}


def add(trail: Trail, total: Arrays, steps: int) -> Trail:
    """Return the trail with the sum of one more chunk's iterates."""
    if trail.total is not None:
        total = {name: value + trail.total[name] for name, value in total.items()}
    return replace(trail, total=total, steps=trail.steps + steps, count=trail.count + 1)


def close(trail: Trail, moments: Moments) -> Trail:
    """Return the trail after a whole window whose average has these moments."""
    assert trail.total is not None
    average = mean(trail.total, trail.steps)
    fresh = replace(trail, total=None, steps=0, count=0, average=average)
    figure = _largest(trail.before[-1], moments) if trail.before else float("inf")
    if not figure < BOUND or (figure > _NEGLIGIBLE and _drifts(trail.before, moments)):
        length = int(np.ceil(trail.length * _GROWTH)) if trail.before else trail.length
        met = trail.met and not BOUND <= figure < float("inf")
        return replace(fresh, length=length, before=(*trail.before, moments)[-2:], figure=figure, met=met)
    if trail.settled is not None:
        figure = _largest(trail.settled, moments)
        if figure < BOUND:
            return replace(fresh, met=True, figure=figure, settled=moments)
    return replace(fresh, rate=trail.rate * _CUT, length=_FIRST, before=(), settled=moments, figure=figure, met=False)


def again(trail: Trail) -> Trail:
    """Return the trail of an ascent that goes on at the same rate; the rule stays met unless later windows differ."""
    return replace(trail, count=0, steps=0, total=None, before=())


def _largest(first: Moments, second: Moments) -> float:
    return float(np.max(divergence(*first, *second), initial=0.0))


def divergence(mean: np.ndarray, sd: np.ndarray, other_mean: np.ndarray, other_sd: np.ndarray) -> np.ndarray:
    """Return the symmetrised Kullback-Leibler divergence of normals, element by element.

    A mean that differs by d sds contributes d^2, an sd that differs by a share r 2 r^2.
    """
    shift = (mean - other_mean) ** 2
    result: np.ndarray = 0.5 * ((sd**2 + shift) / other_sd**2 + (other_sd**2 + shift) / sd**2) - 1.0
    return result


def _drifts(before: tuple[Moments, ...], moments: Moments) -> bool:
    """Return whether the last two moves of all means and log sds point the same way; true while there is only one."""
    if len(before) < 2:
        return True
    scale = moments[1]
    steps = [
        np.concatenate([(b[0] - a[0]) / scale, np.log(b[1] / a[1])])
        for a, b in ((before[0], before[1]), (before[1], moments))
    ]
    lengths = np.linalg.norm(steps[0]) * np.linalg.norm(steps[1])
    return bool(lengths > 0 and steps[0] @ steps[1] > _DRIFT * lengths)
