"""Target: a model as Exact sees it - a collapsed density, and how theta and coefficients become named numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Protocol

import numpy as np

from ..backend.devices import bound
from ..model.collapsed import Collapsed
from ..model.conditional_gaussian import recognise
from ..model.effects import sample_effects
from ..model.marginal import Marginal
from ..model.model import Model
from ..model.perturbation import BLOCK, draw_cost, perturbation, perturbed_effects, worthwhile
from ..model.program import Program
from ..posterior.draws import Effects
from .program_target import ProgramTarget
from .scalars import scalar_values
from .screen import variance_shares
from .target_sizes import affordable, scattered


class Target(Protocol):
    """What Exact fits."""

    @property
    def collapsed(self) -> Collapsed:
        """The density of theta."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The scalars in the order shown."""
        ...

    @property
    def places(self) -> np.ndarray:
        """Where each of the p coefficients stands among the names; all other scalars are functions of theta."""
        ...

    @property
    def proper(self) -> bool:
        """Whether every prior is a density, so that the evidence is defined."""
        ...

    def start(self, costly: bool, seed: int) -> np.ndarray:
        """Return a point (d,) to climb from."""
        ...

    def common(self, mean: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean (S, p) and root (S, p, p) of the coefficients as a person knows them, from an evaluation's."""
        ...

    def scalars(self, theta: np.ndarray, beta: np.ndarray) -> np.ndarray:
        """Return the scalars (S, names) of theta (S, d) and coefficients (S, p)."""
        ...

    def effects(self, theta: np.ndarray, beta: np.ndarray, seed: int) -> tuple[Effects, ...]:
        """Return the effects, to be drawn given theta (S, d) and coefficients (S, p) when asked for."""
        ...


@dataclass(frozen=True, eq=False)
class MixedTarget:
    """A compiled mixed model."""

    model: Model

    @property
    def collapsed(self) -> Marginal:
        """The density of theta."""
        return self.model.marginal

    @property
    def names(self) -> tuple[str, ...]:
        """The scalars in the order shown."""
        return self.model.scalar_names

    @cached_property
    def places(self) -> np.ndarray:
        """The coefficients come first."""
        return np.arange(self.collapsed.n_common)

    @property
    def proper(self) -> bool:
        """Whether no prior is flat."""
        return all(prior.distribution.name != "Flat" for prior in self.model.spec.priors)

    def start(self, costly: bool, seed: int) -> np.ndarray:
        """Return the best of a cloud of points, or what a screen of each factor alone suggests."""
        return _screened(self.collapsed) if costly else scattered(self.collapsed, seed)

    def common(self, mean: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and root on the data's scale."""
        T, t = self.model.moments.scaling.coefficients()
        return mean @ T.T + t, root @ T.T

    def scalars(self, theta: np.ndarray, beta: np.ndarray) -> np.ndarray:
        """Return the scalars (S, names)."""
        return scalar_values(self.model, theta, beta)

    def effects(self, theta: np.ndarray, beta: np.ndarray, seed: int) -> tuple[Effects, ...]:
        """Return the group effects of every factor."""
        model = self.model
        if not model.factors:
            return ()
        marginal, S = model.marginal, len(theta)
        place = {factor.members: i for i, factor in enumerate(marginal.moments.factors)}
        held: dict[int, list[np.ndarray]] = {}
        by_perturbation = worthwhile(marginal, S)
        # Of all draws, so that the first few are the same however many are asked for.
        reference = cache(partial(perturbation, marginal, theta))

        @bound
        def sample(m: int, position: int) -> np.ndarray:
            if m not in held:
                held.clear()
                if by_perturbation:
                    held[m] = perturbed_effects(reference(), theta[:m], beta[:m], seed)
                else:
                    held[m] = sample_effects(marginal, theta[:m], beta[:m], seed)
            return held[m][position]

        size = sum(f.n_levels * f.n_columns for f in marginal.moments.factors)
        count = affordable(S, draw_cost(marginal) if by_perturbation else marginal.cost, size)
        if by_perturbation and count > BLOCK:
            # A block that is begun costs as much as a whole one.
            count -= count % BLOCK
        return tuple(
            Effects(f.name, f.levels, f.columns, S, partial(sample, position=place[f.members]), count)
            for f in model.factors
        )


def target(model: Model | Program) -> Target:
    """Return the target of a model that Exact's check has accepted."""
    if isinstance(model, Model):
        return MixedTarget(model)
    found = recognise(model)
    assert found is not None
    return ProgramTarget(found)


def _screened(marginal: Marginal) -> np.ndarray:
    """Return the point that a screen of each factor alone suggests."""
    shares, residual = variance_shares(marginal.moments)
    theta = np.zeros(marginal.size)
    for members, share in zip(marginal.members, shares, strict=True):
        for m in members:
            term = marginal.layout.terms[m]
            theta[term.start : term.start + term.k] = 0.5 * np.log(share)
    theta[marginal.layout.sigma] = 0.5 * np.log(residual)
    return theta
