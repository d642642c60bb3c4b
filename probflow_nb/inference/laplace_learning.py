"""Laplace learning: latent modes at thetas around the mode, a few at a time, from which all others are guessed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..model.laplace import LOOSE, LaplaceMarginal

# Multiply-adds of one part: about a quarter of a second.
_PART = 4e8


@dataclass(frozen=True, eq=False)
class Learning:
    """theta (S, d), the first at the mode, and the latent modes (D, ...) that were found so far, batch by batch."""

    theta: np.ndarray
    found: tuple[np.ndarray, ...] = ()

    @property
    def made(self) -> int:
        """How many modes are found."""
        return sum(part.shape[1] for part in self.found)

    @property
    def complete(self) -> bool:
        """Whether all are."""
        return self.made == len(self.theta)

    def further(self, marginal: LaplaceMarginal) -> Learning:
        """Return the modes with some more of them, as many as a short step has time for."""
        if not self.found:
            return replace(self, found=(marginal.solved(self.theta[:1], None, LOOSE)[1].x,))
        begin = self.made
        size = max(1, int(_PART / marginal.cost))
        theta, start = self.theta[begin : begin + size], self.found[0]
        more = [marginal.solved(theta[rows], start, LOOSE)[1].x for rows in marginal.batches(len(theta))]
        return replace(self, found=(*self.found, *more))

    def learned(self, marginal: LaplaceMarginal) -> LaplaceMarginal:
        """Return the marginal that guesses modes from these."""
        starts = replace(marginal.starts, first=self.found[0][:, 0])
        return replace(marginal, starts=starts.learned(self.theta, np.concatenate(self.found, axis=1)))
