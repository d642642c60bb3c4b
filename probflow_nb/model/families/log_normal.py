"""Log-normal: a positive response whose log is normal around eta.

p(y) = exp(-((log y - eta) / sigma)^2 / 2) / (y sigma sqrt(2 pi))
E y = exp(eta + sigma^2 / 2),  Var y = (exp(sigma^2) - 1) exp(2 eta + sigma^2)

sigma ~ HalfStudentT(3, 0, 2.5 sd(log y)) where no prior is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend.tensorflow import load
from .auxiliary import Auxiliary
from .record import LARGEST_EXPONENT, Aux, Fault, Slopes
from .spread import logs_of, sigma, spread_of_response

_HALF_LOG_2PI = 0.5 * float(np.log(2.0 * np.pi))
# log y and eta lie within this, so that their squares are numbers even in units of the least sigma.
_LARGEST = 1e100


@dataclass(frozen=True)
class LogNormal:
    """Positive numbers that are normal on the log scale."""

    link: str = "identity"
    auxiliary: tuple[Auxiliary, ...] = (sigma(1.0),)
    name: str = "log_normal"
    log_concave: bool = True

    def fault(self, y: np.ndarray, trials: np.ndarray | None) -> Fault | None:
        """Return what is wrong with a response (n,), or None."""
        return positive_fault("log-normal", y)

    def start(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return log y."""
        return np.log(y)

    def constant(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return -log y - 1/2 log(2 pi)."""
        return -np.log(y) - _HALF_LOG_2PI

    def kernel(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return -log sigma - ((log y - eta) / sigma)^2 / 2."""
        (sd,) = aux
        residual = (np.log(y) - np.clip(eta, -_LARGEST, _LARGEST)) / sd
        return -0.5 * residual * residual - np.log(sd)

    def slopes(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> Slopes:
        """Return the kernel with its derivatives by eta."""
        (sd,) = aux
        residual = (np.log(y) - np.clip(eta, -_LARGEST, _LARGEST)) / sd
        information = np.broadcast_to(1.0 / (sd * sd), residual.shape)
        return Slopes(-0.5 * residual * residual - np.log(sd), residual / sd, information)

    def tensor(self, y: Any, trials: Any, eta: Any, aux: tuple[Any, ...] = ()) -> Any:
        """Return the whole log density of tensors."""
        tf = load()
        (sd,) = aux
        log_y = tf.math.log(y)
        residual = (log_y - tf.clip_by_value(eta, -_LARGEST, _LARGEST)) / sd
        return -0.5 * residual * residual - tf.math.log(sd) - log_y - _HALF_LOG_2PI

    def expected(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return 1 / sigma^2."""
        return np.broadcast_to(1.0 / aux[0] ** 2, np.broadcast_shapes(np.shape(eta), np.shape(aux[0])))

    def mean(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return exp(eta + sigma^2 / 2)."""
        return np.exp(np.minimum(eta + 0.5 * np.minimum(aux[0], 1e3) ** 2, LARGEST_EXPONENT))

    def variance(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return (exp(sigma^2) - 1) exp(2 eta + sigma^2)."""
        square = np.minimum(aux[0], 1e3) ** 2
        # log(exp(s) - 1) = s + log(1 - exp(-s))
        log_first = square + np.log(-np.expm1(-square))
        return np.exp(np.minimum(2.0 * np.clip(eta, -_LARGEST, _LARGEST) + square + log_first, 2 * LARGEST_EXPONENT))

    def deviance(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return ((log y - eta) / sigma)^2."""
        value: np.ndarray = ((np.log(y) - np.clip(eta, -_LARGEST, _LARGEST)) / aux[0]) ** 2
        return value

    def sample(self, rng: np.random.Generator, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return exp of eta with normal noise."""
        noise = aux[0] * rng.standard_normal(np.broadcast_shapes(np.shape(eta), np.shape(aux[0])))
        return np.exp(np.clip(eta + noise, -LARGEST_EXPONENT, LARGEST_EXPONENT))


def log_normal(link: str, y: np.ndarray) -> LogNormal:
    """Return the record for a response (n,)."""
    return LogNormal(link, (sigma(spread_of_response(logs_of(y))),))


def positive_fault(family: str, y: np.ndarray) -> Fault | None:
    """Return what is wrong with a response (n,) that must be positive and finite, or None."""
    bad = ~(np.isfinite(y) & (y > 0))
    if bad.any():
        hint = "Leave those rows out, or model whether the response is 0 apart, with family bernoulli."
        hint = hint if (y == 0).any() else "Correct them, or leave their rows out."
        return Fault(f"The response of a {family} family must be above 0", hint, bad)
    if (y == y[0]).all():
        return Fault(f"The response is {y[0]:g} in every row, so nothing can be learned from it", "", None)
    return None
