"""Poisson: counts with mean mu = link^-1(eta).

p(y) = mu^y exp(-mu) / y!,  E y = Var y = mu
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend.tensorflow import load
from .auxiliary import Auxiliary
from .record import LARGEST_EXPONENT, Aux, Fault, Slopes, whole


@dataclass(frozen=True)
class Poisson:
    """Counts without a bound."""

    name: str = "poisson"
    link: str = "log"
    auxiliary: tuple[Auxiliary, ...] = ()
    log_concave: bool = True

    def fault(self, y: np.ndarray, trials: np.ndarray | None) -> Fault | None:
        """Return what is wrong with counts (n,), or None."""
        if (y < 0).any():
            return Fault("Counts must be at least 0", "Correct them, or leave their rows out.", y < 0)
        bad = ~whole(y)
        if bad.any():
            return Fault("Counts must be whole numbers", "Put the exposure into offset(log(exposure)).", bad)
        if (y == y[0]).all():
            return Fault(f"The response is {y[0]:g} in every row, so nothing can be learned from it", "", None)
        return None

    def start(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return the link of the counts, drawn a little towards their mean."""
        mu = 0.9 * y + 0.1 * y.mean()
        return np.log(mu) if self.link == "log" else np.sqrt(mu) if self.link == "sqrt" else mu

    def constant(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return -log y!."""
        from scipy.special import gammaln

        value: np.ndarray = -gammaln(y + 1.0)
        return value

    def kernel(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return y log mu - mu."""
        if self.link == "log":
            return y * eta - np.exp(np.minimum(eta, LARGEST_EXPONENT))
        return self.slopes(y, trials, eta, aux).value

    def slopes(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> Slopes:
        """Return the kernel with its derivatives by eta."""
        if self.link == "log":
            mu = np.exp(np.minimum(eta, LARGEST_EXPONENT))
            return Slopes(y * eta - mu, y - mu, mu)
        inside = eta > 0
        safe = np.where(inside, eta, 1.0)
        log_eta = np.log(safe)
        if self.link == "sqrt":
            value = 2.0 * y * log_eta - safe * safe
            return Slopes(np.where(inside, value, -np.inf), 2.0 * (y / safe - safe), 2.0 * (y / safe**2 + 1.0))
        return Slopes(np.where(inside, y * log_eta - safe, -np.inf), y / safe - 1.0, y / safe**2)

    def tensor(self, y: Any, trials: Any, eta: Any, aux: tuple[Any, ...] = ()) -> Any:
        """Return the whole log density of tensors."""
        tf = load()
        if self.link == "log":
            return y * eta - tf.exp(tf.minimum(eta, LARGEST_EXPONENT)) - tf.math.lgamma(y + 1.0)
        inside = eta > 0.0
        safe = tf.where(inside, eta, tf.ones_like(eta))
        log_mu, mu = (2.0 * tf.math.log(safe), safe * safe) if self.link == "sqrt" else (tf.math.log(safe), safe)
        value = y * log_mu - mu - tf.math.lgamma(y + 1.0)
        return tf.where(inside, value, tf.constant(-np.inf, value.dtype))

    def expected(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return (d mu / d eta)^2 / mu."""
        if self.link == "log":
            return np.exp(np.clip(eta, -LARGEST_EXPONENT, LARGEST_EXPONENT))
        return np.full(np.shape(eta), 4.0) if self.link == "sqrt" else 1.0 / np.maximum(eta, 1e-150)

    def mean(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return mu."""
        if self.link == "log":
            return np.exp(np.minimum(eta, LARGEST_EXPONENT))
        return np.maximum(eta, 0.0) ** 2 if self.link == "sqrt" else np.maximum(eta, 0.0)

    def variance(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return mu."""
        return self.mean(trials, eta)

    def deviance(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return 2 (y log(y / mu) - (y - mu))."""
        from scipy.special import xlogy

        value: np.ndarray = 2.0 * (xlogy(y, y) - y - self.kernel(y, trials, eta))
        return value

    def sample(self, rng: np.random.Generator, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return counts; of a mean too large for whole numbers, the normal approximation."""
        mu = self.mean(trials, eta)
        counts = rng.poisson(np.minimum(mu, 1e15)).astype(float)
        return np.where(mu < 1e15, counts, mu)
