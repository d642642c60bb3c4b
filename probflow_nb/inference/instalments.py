"""Instalments: a costly density evaluated a little at a time, so that a step of much work takes several short turns.

What a step computes follows from its state alone. So a turn that runs out of time is given up, with the evaluations
that were made, and begun again: what is known by then costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np

from ..model.collapsed import Collapsed, Evaluation

# Seconds of evaluations in a turn.
_TURN = 0.2
# Rows of evaluations by what was asked ("value", "all") and theta.
Known = Mapping[tuple[str, bytes], tuple[np.ndarray, ...]]


class NotYet(Exception):  # noqa: N818 - no error: the step goes on in the next turn
    """The turn is over before all evaluations of the step are made."""


class Instalments:
    """A collapsed density (see `model.collapsed.Collapsed`) that knows some evaluations and makes more for one turn.

    collapsed: the density. known: evaluations of the turns before, with those of this one. Raises NotYet from
    `log_densities` and `evaluate` when the turn is over; at least one batch is made in each.
    """

    def __init__(self, collapsed: Collapsed, known: Known) -> None:
        self.collapsed = collapsed
        self.known = dict(known)
        self._end = perf_counter() + _TURN
        self._made = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.collapsed, name)

    def log_densities(self, theta: np.ndarray) -> np.ndarray:
        """Return log p(y, theta) for numpy theta (S, d)."""
        (value,) = self._rows("value", theta, lambda part: (self.collapsed.log_densities(part),))
        return value

    def evaluate(self, theta: np.ndarray) -> Evaluation:
        """Return the log density and the conditional of the coefficients for numpy theta (S, d)."""

        def parts(part: np.ndarray) -> tuple[np.ndarray, ...]:
            e = self.collapsed.evaluate(part)
            return e.log_density, e.mean, e.root

        return Evaluation(*self._rows("all", theta, parts))

    def _rows(self, kind: str, theta: np.ndarray, make: Any) -> tuple[np.ndarray, ...]:
        """Return the arrays that `make` has for theta, made in the density's own batches."""
        keys = [(kind, row.tobytes()) for row in theta]
        for rows in self.collapsed.batches(len(theta)):
            if all(key in self.known for key in keys[rows]):
                continue
            if self._made and perf_counter() > self._end:
                raise NotYet
            arrays = make(theta[rows])
            self.known |= {key: tuple(a[i] for a in arrays) for i, key in enumerate(keys[rows])}
            self._made = True
        return tuple(np.stack(column) for column in zip(*(self.known[key] for key in keys), strict=True))
