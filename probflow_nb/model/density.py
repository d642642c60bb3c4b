"""Density: what the general engines ask of any model - a log density over unconstrained numbers, and names for them.

A point z (..., D) holds every parameter on the whole line, whatever its support; engines know nothing else of a model.
Everything that differs between data sets of one shape is an input, a tensor handed over at each call, so that what was
compiled for one is right for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Slot:
    """Where one parameter's unconstrained numbers lie in z.

    name: the parameter, "beta" or "u". shape: of its value. start, stop: positions in z.
    """

    name: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Axes:
    """Names along a parameter that is shown by levels, not element by element in a table.

    name: the parameter, "b[Subject]" or "u". factor: what its levels belong to, "Subject" or "u". levels: J names.
    columns: k names. Its value, whatever its shape, has J k elements, level by level.
    """

    name: str
    factor: str
    levels: tuple[str, ...]
    columns: tuple[str, ...]


class Density(Protocol):
    """A log density over z (..., D), any batch in front, for float64 tensors; differentiable and fit for XLA.

    size: D. n_rows: n, rows of data. slots: the parameters in the order of z. names: the scalars shown, in order.
    centrings: names of the units (levels, elements) whose prior's scale is a parameter and that may be centred or not.
    """

    @property
    def size(self) -> int:
        """D, the length of z."""
        ...

    @property
    def n_rows(self) -> int:
        """Number of rows of data."""
        ...

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The parameters in the order of z."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the scalars that a table shows."""
        ...

    @property
    def effects(self) -> tuple[Axes, ...]:
        """The parameters that are shown by levels: group effects, and long vectors."""
        ...

    @property
    def centrings(self) -> tuple[str, ...]:
        """Names of the E units that may be centred."""
        ...

    def inputs(self, centring: np.ndarray | None = None) -> dict[str, Any]:
        """Return the tensors that every other method takes; centring: (E,) of 0 (non-centred, the default) and 1."""
        ...

    def log_prior(self, z: Any, inputs: Mapping[str, Any]) -> Any:
        """Return log p(parameters) + log |Jacobian|, shape (...)."""
        ...

    def log_lik(self, z: Any, inputs: Mapping[str, Any], rows: Any = None) -> Any:
        """Return the log density of the response summed over all rows, or over rows (m,) int32, shape (...)."""
        ...

    def constrain(self, z: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return every parameter's value by name, (..., *shape)."""
        ...

    def unconstrain(self, values: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        """Return the z of values by name: the inverse of `constrain`."""
        ...

    def centring(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return (E,) of 0 and 1 from pilot draws (S, *shape): 1 where the data are strong."""
        ...

    def scalars(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the scalars (..., names) of values (..., *shape)."""
        ...


def log_density(density: Density, z: Any, inputs: Mapping[str, Any]) -> Any:
    """Return log p(data, parameters) + log |Jacobian| at z (..., D), shape (...).

    A density may have a method `log_joint` of its own, where the prior and the likelihood share work.
    """
    together = getattr(density, "log_joint", None)
    if together is not None:
        return together(z, inputs)
    return density.log_prior(z, inputs) + density.log_lik(z, inputs)
