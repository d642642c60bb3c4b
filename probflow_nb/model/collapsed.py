"""Collapsed: what Exact asks of a model whose Gaussian part is integrated out, so that only theta is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A collapsed density at S values of theta, numpy.

    log_density: (S,). mean: (S, p) of the coefficients given theta. root: (S, p, p) with root' root their covariance.
    """

    log_density: np.ndarray
    mean: np.ndarray
    root: np.ndarray

    def joined(self, other: Evaluation) -> Evaluation:
        """Return this evaluation followed by another."""
        return Evaluation(
            np.concatenate([self.log_density, other.log_density]),
            np.concatenate([self.mean, other.mean]),
            np.concatenate([self.root, other.root]),
        )


class Collapsed(Protocol):
    """The log density of theta with everything Gaussian integrated out, for a whole batch of theta at once."""

    @property
    def size(self) -> int:
        """d, the length of theta; 0 where nothing but the Gaussian part is unknown."""
        ...

    @property
    def n_common(self) -> int:
        """p, the coefficients that come with every evaluation."""
        ...

    @property
    def cost(self) -> float:
        """Multiply-adds of one evaluation, about."""
        ...

    @property
    def log_sds(self) -> np.ndarray:
        """Places in theta that are logs of sds of effects, near whose zero the likelihood is smooth in the sd."""
        ...

    def batches(self, S: int) -> list[slice]:
        """Return the slices in which S values of theta are worked on."""
        ...

    def scatter(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Return points (size, d) scattered over what is plausible."""
        ...

    def log_density(self, theta: Any) -> Any:
        """Return log p(y, theta), (S,), differentiable in theta (S, d)."""
        ...

    def log_densities(self, theta: np.ndarray) -> np.ndarray:
        """Return log p(y, theta) for numpy theta (S, d); minus infinity where it is not a number."""
        ...

    def log_priors(self, theta: np.ndarray) -> np.ndarray:
        """Return the log prior density of numpy theta (S, d), (S,)."""
        ...

    def evaluate(self, theta: np.ndarray) -> Evaluation:
        """Return the log density and the conditional of the coefficients for numpy theta (S, d)."""
        ...
