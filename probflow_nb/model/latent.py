"""Theta of a program: the unconstrained numbers of some of its parameters, with their prior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..backend.devices import by_device
from ..backend.tensorflow import load
from ..errors import ProbflowError
from ..objects.parameter import Parameter
from ..objects.value import tensor, values_in_effect
from .density import Slot
from .prior_term import PriorTerm
from .program_density import over_batch, walk


@dataclass(frozen=True, eq=False)
class Latent:
    """Parameters whose priors are made of each other alone, side by side in z (S, d).

    terms: one a parameter, a prior's own parameters before it. batching: how their priors take a batch of draws.
    """

    terms: tuple[PriorTerm, ...]
    batching: str

    @property
    def size(self) -> int:
        """d."""
        return self.terms[-1].slot.stop if self.terms else 0

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters in the order of z."""
        return tuple(term.parameter for term in self.terms)

    @by_device
    def inputs(self) -> dict[str, Any]:
        """What the terms are given: plain numbers of their priors; nothing is centred."""
        tf = load()
        found = {key: tensor(value) for term in self.terms for key, value in term.constants().items()}
        return {**found, "centring": tf.zeros([sum(term.n_units for term in self.terms)], tf.float64)}

    def walk(self, z: Any) -> tuple[dict[Parameter, Any], Any]:
        """Return the values (S, *shape) and log p(parameters) + log |Jacobian|, (S,), at z (S, d)."""
        tf = load()
        if not self.terms:
            return {}, tf.zeros(tf.shape(z)[:1], tf.float64)
        *values, density = over_batch(lambda one: walk(self.terms, one, self.inputs), [z], self.batching)
        return dict(zip(self.parameters, values, strict=True)), density

    def sample(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Return draws of the prior as z (size, d); standard normal ones for a prior that has none."""
        known: dict[Parameter, Any] = {}
        pieces = [np.zeros((size, 0))]
        try:
            for term in self.terms:
                with values_in_effect(known):
                    prior = term.current_prior(self.inputs)
                    drawn = tensor(prior.draw(rng, (size, *term.slot.shape)))
                    pieces.append(np.asarray(term.back(drawn, self.inputs)))
                known[term.parameter] = term.parameter.transformed(drawn)
        except (ProbflowError, ValueError):
            return rng.standard_normal((size, self.size))
        return np.concatenate(pieces, axis=1)


def latent(terms: Sequence[PriorTerm], batching: str) -> Latent:
    """Return the theta of some terms of a program, moved together."""
    found: list[PriorTerm] = []
    start = units = 0
    for term in terms:
        size = term.slot.stop - term.slot.start
        slot = Slot(term.slot.name, term.slot.shape, start, start + size)
        found.append(replace(term, slot=slot, first_unit=units))
        start, units = start + size, units + term.n_units
    return Latent(tuple(found), batching)
