"""Power-scaling: how the posterior moves when the prior, or the likelihood, is raised to a power near 1.

Draws of p(parameters | data) become draws under p(y | .) p(.)^alpha by the weights p(.)^(alpha - 1), Pareto-smoothed;
nothing is fitted again. Kallioinen, Paananen, Buerkner and Vehtari (2024, Statistics and Computing 34:57).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .pareto import pareto_smooth

# The powers between which the derivative is taken, and the sensitivity from which it is worth a word.
LOWER, UPPER = 0.99, 1.01
SENSITIVE = 0.05


@dataclass(frozen=True, eq=False)
class Scaled:
    """Draws under a power: weights (S,) that sum to 1, and khat of the raw ones."""

    weights: np.ndarray
    khat: float

    def mean(self, table: np.ndarray) -> np.ndarray:
        """Return the means of columns (S, m), (m,)."""
        return self.weights @ table

    def sd(self, table: np.ndarray) -> np.ndarray:
        """Return the standard deviations of columns (S, m), (m,)."""
        centred = table - self.mean(table)
        return np.sqrt(self.weights @ centred**2)


def power_scaled(log_density: np.ndarray, alpha: float) -> Scaled:
    """Return the draws weighed as if a part of the model, of log density (S,), were raised to the power alpha."""
    logs = (alpha - 1.0) * log_density
    if np.ptp(logs) < 1e-13 * max(1.0, float(np.abs(logs).max())):
        # A flat prior has no power.
        return Scaled(np.full(len(logs), 1.0 / len(logs)), -math.inf)
    smooth, khat = pareto_smooth(logs)
    weights = np.exp(smooth)
    return Scaled(weights / weights.sum(), khat)


def sensitivity(table: np.ndarray, log_density: np.ndarray) -> tuple[np.ndarray, float]:
    """Return how far each column moves per doubling of a power, and the larger khat.

    table: (S, m) draws. log_density: (S,) of the part that is scaled. The distances at alpha = 1.01 and 0.99 over
    log2(1.01 / 0.99), Kallioinen and others (2024), as ArviZ has it.
    """
    upper, lower = power_scaled(log_density, UPPER), power_scaled(log_density, LOWER)
    moved = np.array([distance(column, upper.weights) + distance(column, lower.weights) for column in table.T])
    return moved / (math.log2(UPPER) - math.log2(LOWER)), max(upper.khat, lower.khat)


def distance(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the cumulative Jensen-Shannon distance, 0 to 1, of draws (S,) from the same draws weighed (S,).

    With the distribution functions P and Q, CJS(P, Q) = int P log2(2 P / (P + Q)) + (Q - P) / (2 ln 2), its sum with
    CJS(Q, P) over int P + Q, rooted; the larger of that of x and of -x. Nguyen and Vreeken (2015), Non-parametric
    Jensen-Shannon Divergence, ECML PKDD 2015.
    """
    order = np.argsort(values, kind="stable")
    steps = np.diff(values[order])
    if not len(steps) or not steps.sum() > 0:
        return 0.0
    P = np.arange(1, len(values)) / len(values)
    Q = np.cumsum(weights[order])[:-1]
    Q = np.clip(Q, 0.0, 1.0)
    # Of -x the distribution functions are 1 - P and 1 - Q on the same steps.
    return max(_one_sided(P, Q, steps), _one_sided(1.0 - P, 1.0 - Q, steps))


def _one_sided(P: np.ndarray, Q: np.ndarray, steps: np.ndarray) -> float:
    middle = 0.5 * (P + Q)

    def log_ratio(F: np.ndarray) -> np.ndarray:
        held = F > 0
        return np.where(held, F * np.log2(np.where(held, F, 1.0) / np.where(held, middle, 1.0)), 0.0)

    # The terms (Q - P) / (2 ln 2) of both directions cancel.
    total = float(steps @ (log_ratio(P) + log_ratio(Q)))
    return math.sqrt(max(0.0, total) / float(steps @ (P + Q)))


def diagnosis(prior: float, likelihood: float) -> str:
    """Return in words what two sensitivities say."""
    if prior < SENSITIVE:
        return "the data decide" if likelihood >= SENSITIVE else "neither moves it"
    if likelihood >= SENSITIVE:
        return "prior and data disagree, or the prior is informative"
    return "the prior decides, the data say little"
