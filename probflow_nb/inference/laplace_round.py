"""Laplace round: corrected draws of one proposal, made a few at a time so that a step is short whatever they cost.

How many are made in one step follows from what a draw costs, not from a clock, and every part has random numbers of
its own; so the same seed gives the same draws on a slow machine as on a fast one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..model.collapsed import Evaluation
from . import importance
from .importance import Cloud, Proposal
from .laplace_target import LaplaceTarget

# Multiply-adds of one part: about a quarter of a second.
_PART = 4e8


@dataclass(frozen=True, eq=False)
class Round:
    """Draws x (S, d) of a proposal, of which the first `made` are corrected, as the points say."""

    proposal: Proposal
    x: np.ndarray
    seed: int
    number: int
    part: int = 0
    points: Evaluation | None = None

    @classmethod
    def begun(cls, proposal: Proposal, size: int, seed: int, number: int) -> Round:
        """Return a round of so many draws, nothing of it done; number: of the rounds before."""
        rng = np.random.default_rng([seed, 5, number])
        # In random order, so that the first of them are draws of the proposal by themselves.
        return cls(proposal, rng.permutation(proposal.sample(rng, size)), seed, number)

    @property
    def made(self) -> int:
        """How many draws are corrected."""
        return 0 if self.points is None else len(self.points.log_density)

    @property
    def complete(self) -> bool:
        """Whether all draws are corrected."""
        return self.made == len(self.x)

    def further(self, target: LaplaceTarget) -> Round:
        """Return the round with one more part done."""
        size = max(1, int(_PART / target.draw_cost))
        rows = self.x[self.made : self.made + size]
        points = target.corrected(rows, np.random.default_rng([self.seed, 6, self.number, self.part]))
        joined = points if self.points is None else self.points.joined(points)
        return replace(self, part=self.part + 1, points=joined)

    def joined(self, cloud: Cloud | None) -> Cloud:
        """Return the cloud with the draws that are corrected, of which there must be some."""
        assert self.points is not None
        x = self.x[: self.made]
        if cloud is None:
            return importance.begin(self.proposal, x, self.points)
        return importance.extend(cloud, self.proposal, x, self.points)
