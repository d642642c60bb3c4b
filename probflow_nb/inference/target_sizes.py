"""How much of an exact answer is made: draws of effects for a table, points to start from."""

from __future__ import annotations

import numpy as np

from ..model.collapsed import Collapsed

# Multiply-adds that making group effects may cost when a table or a picture asks for them.
_AFFORDABLE = 2e10
# but no fewer draws of them than this.
_LEAST = 60
# Group effects that a table or a picture may hold at once.
_HELD = 4_500_000


def affordable(S: int, cost: float, size: int) -> int:
    """Return how many of S draws of `size` effects summaries use, each costing some multiply-adds."""
    return int(min(S, max(_LEAST, _AFFORDABLE / (2 * max(cost, 1.0))), max(_LEAST, _HELD / max(size, 1))))


def scattered(collapsed: Collapsed, seed: int, size: int = 64) -> np.ndarray:
    """Return the best of `size` points scattered over what is plausible."""
    points = collapsed.scatter(size, np.random.default_rng([seed, 1]))
    return points[int(np.argmax(collapsed.log_densities(points)))]
