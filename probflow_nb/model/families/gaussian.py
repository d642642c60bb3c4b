"""Gaussian with a link other than the identity, whose closed forms are elsewhere: mu = link^-1(eta).

p(y) = exp(-((y - mu) / sigma)^2 / 2) / (sigma sqrt(2 pi)),  E y = mu,  Var y = sigma^2

sigma ~ HalfStudentT(3, 0, 2.5 sd(y)) where no prior is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend.tensorflow import load
from .auxiliary import Auxiliary
from .location import link_of_mean, location, tensor_location
from .record import Aux, Fault, Slopes
from .spread import sigma, spread_of_response

_HALF_LOG_2PI = 0.5 * float(np.log(2.0 * np.pi))


@dataclass(frozen=True)
class Gaussian:
    """Numbers around a mean that is a log or an inverse."""

    link: str = "log"
    auxiliary: tuple[Auxiliary, ...] = (sigma(1.0),)
    name: str = "gaussian"
    log_concave: bool = False

    def fault(self, y: np.ndarray, trials: np.ndarray | None) -> Fault | None:
        """Return what is wrong with a response (n,), or None."""
        return location_fault(self.link, y, float(y.mean()))

    def start(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return the link of the response, drawn towards its mean and kept above 0."""
        return location_start(self.link, y, float(y.mean()))

    def constant(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return -1/2 log(2 pi)."""
        return np.full(np.shape(y), -_HALF_LOG_2PI)

    def kernel(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return -log sigma - ((y - mu) / sigma)^2 / 2."""
        (sd,) = aux
        residual = (y - location(self.link, eta).mu) / sd
        return -0.5 * residual * residual - np.log(sd)

    def slopes(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> Slopes:
        """Return the kernel with its derivatives by eta."""
        (sd,) = aux
        at = location(self.link, eta)
        residual, first, second = (y - at.mu) / sd, at.first / sd, at.second / sd
        return Slopes(-0.5 * residual * residual - np.log(sd), residual * first, first * first - residual * second)

    def tensor(self, y: Any, trials: Any, eta: Any, aux: tuple[Any, ...] = ()) -> Any:
        """Return the whole log density of tensors."""
        (sd,) = aux
        residual = (y - tensor_location(self.link, eta)) / sd
        return -0.5 * residual * residual - load().math.log(sd) - _HALF_LOG_2PI

    def expected(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return (d mu / d eta)^2 / sigma^2."""
        (sd,) = aux
        return np.maximum((location(self.link, eta).first / sd) ** 2, 1e-300)

    def mean(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return mu."""
        return location(self.link, eta).mu

    def variance(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return sigma^2."""
        return np.broadcast_to(aux[0] ** 2, np.broadcast_shapes(np.shape(eta), np.shape(aux[0])))

    def deviance(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return ((y - mu) / sigma)^2."""
        value: np.ndarray = ((y - location(self.link, eta).mu) / aux[0]) ** 2
        return value

    def sample(self, rng: np.random.Generator, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return mu with normal noise."""
        mu = location(self.link, eta).mu
        value: np.ndarray = mu + aux[0] * rng.standard_normal(np.broadcast_shapes(mu.shape, np.shape(aux[0])))
        return value


def gaussian(link: str, y: np.ndarray) -> Gaussian:
    """Return the record for a response (n,)."""
    return Gaussian(link, (sigma(spread_of_response(y)),))


def location_fault(link: str, y: np.ndarray, middle: float) -> Fault | None:
    """Return what is wrong with a response (n,) of any sign and its middle, or None."""
    if not np.isfinite(y).all():
        return Fault("The response must be finite numbers", "Correct them, or leave their rows out.", ~np.isfinite(y))
    if (y == y[0]).all():
        return Fault(f"The response is {y[0]:g} in every row, so nothing can be learned from it", "", None)
    if link != "identity" and middle <= 0:
        hint = "Take the link identity, or a response that is positive."
        return Fault(f"With the link {link} the response must be above 0 on the whole, but its centre is {middle:.4g}",
                     hint, None)  # fmt: skip
    return None


def location_start(link: str, y: np.ndarray, middle: float) -> np.ndarray:
    """Return the link of a response drawn towards its middle, and kept positive where the link asks for it."""
    if link == "identity":
        return np.asarray(y, float)
    return link_of_mean(link, np.maximum(0.7 * y + 0.3 * middle, 0.1 * middle))
