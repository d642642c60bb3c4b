"""A model of one's own as Exact sees it, where it is Gaussian given a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from ..backend.devices import bound
from ..model.conditional_gaussian import ConditionalGaussian
from ..model.density import Axes
from ..objects.parameter import Parameter
from ..objects.value import tensor
from ..posterior.draws import Effects
from .target_sizes import affordable, scattered


@dataclass(frozen=True, eq=False)
class ProgramTarget:
    """A program and what is known of it: which parameters are integrated out."""

    collapsed: ConditionalGaussian

    @property
    def names(self) -> tuple[str, ...]:
        """The scalars in the order shown."""
        return self.collapsed.program.density.names

    @cached_property
    def places(self) -> np.ndarray:
        """Where each integrated element of a table stands: moved one by one, one name moves with it."""
        p = self.collapsed.n_common
        theta = np.zeros((p + 1, self.collapsed.size))
        moved = self.scalars(theta, np.concatenate([np.zeros((1, p)), np.eye(p)]))
        return np.array([int(np.argmax(moved[1 + j] - moved[0])) for j in range(p)], int)

    @property
    def proper(self) -> bool:
        """Whether no prior is flat."""
        return all(prior.name != "Flat" for prior in self.collapsed.program.priors.values())

    def start(self, costly: bool, seed: int) -> np.ndarray:
        """Return the best of some points."""
        return scattered(self.collapsed, seed, 8 if costly else 64)

    def common(self, mean: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return both as they are: nothing was scaled."""
        return mean, root

    def scalars(self, theta: np.ndarray, beta: np.ndarray) -> np.ndarray:
        """Return the scalars (S, names)."""
        density, g = self.collapsed.program.density, self.collapsed.found.g
        numbers = np.concatenate([np.zeros((len(theta), g.size - beta.shape[1])), beta], axis=1)
        own = {**g.split(numbers), **self._others(theta)}
        return density.scalars({slot.name: np.asarray(own[p]) for slot, p in self._slots})

    @property
    def _slots(self) -> list[tuple[Axes, Parameter]]:
        program = self.collapsed.program
        return list(zip(program.density.slots, program.parameters, strict=True))  # type: ignore[arg-type]

    def _others(self, theta: np.ndarray) -> dict[Parameter, np.ndarray]:
        values, _ = self.collapsed.found.latent.walk(tensor(theta))
        return {p: np.asarray(value) for p, value in values.items()}

    def effects(self, theta: np.ndarray, beta: np.ndarray, seed: int) -> tuple[Effects, ...]:
        """Return the long parameters, drawn given theta and beta where they were integrated out."""
        collapsed, S = self.collapsed, len(theta)
        program = collapsed.program
        held: dict[int, dict[Parameter, np.ndarray]] = {}

        @bound
        def sample(m: int, axes: Axes, parameter: Parameter) -> np.ndarray:
            if m not in held:
                held.clear()
                drawn = collapsed.sample(theta[:m], beta[:m], seed)
                held[m] = {**self._others(theta[:m]), **drawn}
            return held[m][parameter].reshape(m, len(axes.levels), len(axes.columns))

        size = sum(len(axes.levels) * len(axes.columns) for axes in program.density.effects)
        count = affordable(S, collapsed.cost, size)
        return tuple(
            Effects(
                axes.factor,
                axes.levels,
                axes.columns,
                S,
                partial(sample, axes=axes, parameter=program.parameter(axes.name)),
                count,
                key=axes.name,
            )
            for axes in program.density.effects
        )
