"""Record: what every engine asks of a response family, element by element, for any shapes that broadcast.

A record is the definition of its family: log density, derivatives with respect to eta, mean, variance, deviance and
sampler. y, trials (None where the family has none) and eta broadcast against each other, and so do the auxiliary
parameters, one array each in the order of `auxiliary`; so a batch of theta may stand on any axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from .auxiliary import Auxiliary

# exp(eta) is taken of no more than this, so that neither it nor its square, nor sums of them, overflow.
LARGEST_EXPONENT = 300.0

Aux = tuple[np.ndarray, ...]


class Slopes(NamedTuple):
    """log density without its constant, its first derivative by eta, and minus its second, all of eta's shape."""

    value: np.ndarray
    first: np.ndarray
    information: np.ndarray


@dataclass(frozen=True, eq=False)
class Fault:
    """Why a response does not fit a family: a sentence, what to do, and the rows (n,) that are at fault, or None."""

    message: str
    hint: str
    rows: np.ndarray | None = None


class ResponseFamily(Protocol):
    """One family with one link."""

    @property
    def name(self) -> str:
        """The family's name, such as "poisson"."""
        ...

    @property
    def link(self) -> str:
        """The link's name, such as "log"."""
        ...

    @property
    def auxiliary(self) -> tuple[Auxiliary, ...]:
        """Further parameters."""
        ...

    @property
    def log_concave(self) -> bool:
        """Whether the information is nowhere below 0."""
        ...

    def fault(self, y: np.ndarray, trials: np.ndarray | None) -> Fault | None:
        """Return what is wrong with a response (n,), or None."""
        ...

    def start(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return eta (n,) near each row's own best value, finite, for a climb to begin with."""
        ...

    def constant(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return the part of the log density that depends on the response alone."""
        ...

    def kernel(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return the log density without its constant; minus infinity where eta is outside the link's range."""
        ...

    def slopes(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> Slopes:
        """Return the kernel with its derivatives by eta."""
        ...

    def tensor(self, y: Any, trials: Any, eta: Any, aux: tuple[Any, ...] = ()) -> Any:
        """Return the whole log density of tensors, with gradients by eta and aux; for the general engines."""
        ...

    def expected(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return the expected information of eta, above 0."""
        ...

    def mean(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return the mean of the response: of counts for counts out of trials."""
        ...

    def variance(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return the variance of the response."""
        ...

    def deviance(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return twice the log density of the best eta of each row less that at eta."""
        ...

    def sample(self, rng: np.random.Generator, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return a new response of eta's shape."""
        ...


def log_prob(
    record: ResponseFamily, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()
) -> np.ndarray:
    """Return the whole log density."""
    return record.kernel(y, trials, eta, aux) + record.constant(y, trials)


def whole(y: np.ndarray) -> np.ndarray:
    """Return which elements are whole numbers of at least 0."""
    return (y >= 0) & (y == np.round(y))
