"""Gamma: a positive response with mean mu = link^-1(eta) and a constant coefficient of variation, 1 / sqrt(shape).

p(y) = (shape / mu)^shape y^(shape - 1) exp(-shape y / mu) / G(shape),  E y = mu,  Var y = mu^2 / shape

shape ~ LogNormal(2, 2) where no prior is written: from 0.13 to 390 with probability 0.95.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend.tensorflow import load
from .auxiliary import SHAPE_PRIOR, Auxiliary
from .location import link_of_mean
from .log_normal import positive_fault
from .record import LARGEST_EXPONENT, Aux, Fault, Slopes

# 1 / eta^3 and y / eta^3 are numbers down to this eta.
_SMALLEST = 1e-90


@dataclass(frozen=True)
class Gamma:
    """Positive numbers whose sd is proportional to their mean."""

    link: str = "log"
    auxiliary: tuple[Auxiliary, ...] = (Auxiliary("shape", SHAPE_PRIOR, "log", 2.0),)
    name: str = "gamma"

    @property
    def log_concave(self) -> bool:
        """Whether the information is nowhere below 0: with links log and inverse."""
        return self.link != "identity"

    def fault(self, y: np.ndarray, trials: np.ndarray | None) -> Fault | None:
        """Return what is wrong with a response (n,), or None."""
        return positive_fault("gamma", y)

    def start(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return the link of the response, drawn towards its mean."""
        return link_of_mean(self.link, 0.5 * y + 0.5 * y.mean())

    def constant(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return -log y."""
        return -np.log(y)

    def kernel(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return shape log shape - log G(shape) + shape (log y - log mu - y / mu)."""
        (shape,) = aux
        log_mu, ratio = self._log_mean(eta), y * self._precision(eta)
        value = shape * (np.log(y) - log_mu - ratio) + _log_height(shape)
        return value if self.link == "log" else np.where(eta > 0, value, -np.inf)

    def slopes(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> Slopes:
        """Return the kernel with its derivatives by eta."""
        (shape,) = aux
        value = self.kernel(y, trials, eta, aux)
        ratio = y * self._precision(eta)
        if self.link == "log":
            return Slopes(value, shape * (ratio - 1.0), shape * ratio)
        safe = self._safe(eta)
        if self.link == "inverse":
            return Slopes(value, shape * (1.0 - ratio) / safe, np.broadcast_to(shape / safe**2, value.shape))
        return Slopes(value, shape * (ratio - 1.0) / safe, shape * (2.0 * ratio - 1.0) / safe**2)

    def tensor(self, y: Any, trials: Any, eta: Any, aux: tuple[Any, ...] = ()) -> Any:
        """Return the whole log density of tensors."""
        tf = load()
        (shape,) = aux
        log_y = tf.math.log(y)
        if self.link == "log":
            ratio = y * tf.exp(-tf.clip_by_value(eta, -LARGEST_EXPONENT, LARGEST_EXPONENT))
            mean = eta
        else:
            safe = tf.where(eta > 0.0, tf.maximum(eta, _SMALLEST), tf.ones_like(eta))
            mean = tf.math.log(safe) if self.link == "identity" else -tf.math.log(safe)
            ratio = y / safe if self.link == "identity" else y * safe
        height = shape * tf.math.log(shape) - tf.math.lgamma(shape)
        value = shape * (log_y - mean - ratio) + height - log_y
        return value if self.link == "log" else tf.where(eta > 0.0, value, tf.constant(-np.inf, value.dtype))

    def expected(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return shape (d log mu / d eta)^2."""
        (shape,) = aux
        if self.link == "log":
            return np.broadcast_to(shape, np.broadcast_shapes(np.shape(eta), np.shape(shape)))
        return np.maximum(shape / self._safe(eta) ** 2, 1e-300)

    def mean(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return mu."""
        return np.exp(self._log_mean(np.clip(eta, -LARGEST_EXPONENT, LARGEST_EXPONENT) if self.link == "log" else eta))

    def variance(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return mu^2 / shape."""
        value: np.ndarray = np.minimum(self.mean(trials, eta), 1e150) ** 2 / aux[0]
        return value

    def deviance(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return 2 shape (y / mu - 1 - log(y / mu))."""
        value: np.ndarray = 2.0 * (_log_height(aux[0]) - aux[0] - self.kernel(y, trials, eta, aux))
        return value

    def sample(self, rng: np.random.Generator, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return draws, above 0 even where a tiny shape makes them too small for a number."""
        (shape,) = aux
        mu = self.mean(trials, eta)
        drawn = rng.standard_gamma(shape, np.broadcast_shapes(mu.shape, np.shape(shape)))
        return np.maximum(mu * (drawn / shape), 1e-300)

    def _safe(self, eta: np.ndarray) -> np.ndarray:
        return np.where(eta > 0, np.clip(eta, _SMALLEST, 1.0 / _SMALLEST), 1.0)

    def _log_mean(self, eta: np.ndarray) -> np.ndarray:
        if self.link == "log":
            return eta
        return np.log(self._safe(eta)) if self.link == "identity" else -np.log(self._safe(eta))

    def _precision(self, eta: np.ndarray) -> np.ndarray:
        """Return 1 / mu."""
        if self.link == "log":
            return np.exp(-np.clip(eta, -LARGEST_EXPONENT, LARGEST_EXPONENT))
        return 1.0 / self._safe(eta) if self.link == "identity" else self._safe(eta)


def gamma(link: str, y: np.ndarray) -> Gamma:
    """Return the record for a response (n,)."""
    return Gamma(link)


def _log_height(shape: np.ndarray) -> np.ndarray:
    """Return shape log shape - log G(shape)."""
    from scipy.special import gammaln

    value: np.ndarray = shape * np.log(shape) - gammaln(shape)
    return value
