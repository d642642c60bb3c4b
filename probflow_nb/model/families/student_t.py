"""Student t: a response around mu = link^-1(eta) with tails that outliers do not surprise.

p(y) = G((df + 1) / 2) / (G(df / 2) sqrt(df pi) sigma) (1 + r^2 / df)^(-(df + 1) / 2),  r = (y - mu) / sigma
E y = mu for df > 1,  Var y = sigma^2 df / (df - 2) for df > 2

Where no prior is written: sigma ~ HalfStudentT(3, 0, 2.5 s), s = 1.4826 times the median absolute deviation of y;
df ~ Gamma(2, 0.1), as recommended by Juarez and Steel (2010, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend.tensorflow import load
from ...spec.priors import Distribution
from .auxiliary import Auxiliary
from .gaussian import location_fault, location_start
from .location import location, tensor_location
from .record import Aux, Fault, Slopes
from .spread import robust_spread, sigma

_HALF_LOG_2PI = 0.5 * float(np.log(2.0 * np.pi))
# Above this df the difference of the two log gammas is taken from its expansion.
_MANY = 1000.0
DF = Auxiliary("df", Distribution("Gamma", (2.0, 0.1)), "log", 8.0)


@dataclass(frozen=True)
class StudentT:
    """Numbers around a mean, with heavy tails."""

    link: str = "identity"
    auxiliary: tuple[Auxiliary, ...] = (sigma(1.0), DF)
    name: str = "student_t"
    log_concave: bool = False

    def fault(self, y: np.ndarray, trials: np.ndarray | None) -> Fault | None:
        """Return what is wrong with a response (n,), or None."""
        return location_fault(self.link, y, float(np.median(y)))

    def start(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return the link of the response, outliers taken in to 3 spreads from the median."""
        middle, reach = float(np.median(y)), 3.0 * robust_spread(y)
        return location_start(self.link, np.clip(y, middle - reach, middle + reach), middle)

    def constant(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return -1/2 log(2 pi)."""
        return np.full(np.shape(y), -_HALF_LOG_2PI)

    def kernel(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return the log density without -1/2 log(2 pi)."""
        sd, df = aux
        residual = (y - location(self.link, eta).mu) / sd
        return _log_height(df) - np.log(sd) - 0.5 * (df + 1.0) * np.log1p(residual * residual / df)

    def slopes(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> Slopes:
        """Return the kernel with its derivatives by eta."""
        sd, df = aux
        at = location(self.link, eta)
        residual, first, second = (y - at.mu) / sd, at.first / sd, at.second / sd
        square = residual * residual / df
        value = _log_height(df) - np.log(sd) - 0.5 * (df + 1.0) * np.log1p(square)
        # d and minus d^2 of the log density by mu / sigma.
        weight = (1.0 + 1.0 / df) / (1.0 + square)
        slope, bend = weight * residual, weight * (1.0 - square) / (1.0 + square)
        return Slopes(value, slope * first, bend * first * first - slope * second)

    def tensor(self, y: Any, trials: Any, eta: Any, aux: tuple[Any, ...] = ()) -> Any:
        """Return the whole log density of tensors."""
        tf = load()
        sd, df = aux
        residual = (y - tensor_location(self.link, eta)) / sd
        tail = 0.5 * (df + 1.0) * tf.math.log1p(residual * residual / df)
        few, many = tf.minimum(df, _MANY), tf.maximum(df, _MANY)
        near = tf.math.lgamma(0.5 * (few + 1.0)) - tf.math.lgamma(0.5 * few) - 0.5 * tf.math.log(0.5 * few)
        height = tf.where(df < _MANY, near, -0.25 / many + 1.0 / (24.0 * many**3))
        return height - _HALF_LOG_2PI - tf.math.log(sd) - tail

    def expected(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return (df + 1) / (df + 3) (d mu / d eta)^2 / sigma^2 (Lange, Little and Taylor 1989, eq. 6)."""
        sd, df = aux
        found: np.ndarray = (df + 1.0) / (df + 3.0) * (location(self.link, eta).first / sd) ** 2
        return np.maximum(found, 1e-300)

    def mean(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return mu, which up to df 1, where there is no mean, is still the median."""
        return location(self.link, eta).mu

    def variance(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return sigma^2 df / (df - 2), infinite up to df 2."""
        sd, df = aux
        found = np.where(df > 2.0, sd**2 * df / np.where(df > 2.0, df - 2.0, 1.0), np.inf)
        return np.broadcast_to(found, np.broadcast_shapes(np.shape(eta), found.shape))

    def deviance(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return (df + 1) log(1 + r^2 / df)."""
        sd, df = aux
        residual = (y - location(self.link, eta).mu) / sd
        value: np.ndarray = (df + 1.0) * np.log1p(residual * residual / df)
        return value

    def sample(self, rng: np.random.Generator, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return mu with noise of Student's distribution."""
        sd, df = aux
        mu = location(self.link, eta).mu
        value: np.ndarray = mu + sd * rng.standard_t(df, np.broadcast_shapes(mu.shape, np.shape(sd), np.shape(df)))
        return value


def student_t(link: str, y: np.ndarray) -> StudentT:
    """Return the record for a response (n,)."""
    return StudentT(link, (sigma(robust_spread(y)), DF))


def _log_height(df: np.ndarray) -> np.ndarray:
    """Return log of the density at its centre over that of a normal, for sigma 1."""
    from scipy.special import gammaln

    few, many = np.minimum(df, _MANY), np.maximum(df, _MANY)
    near = gammaln(0.5 * (few + 1.0)) - gammaln(0.5 * few) - 0.5 * np.log(0.5 * few)
    # log G(z + 1/2) - log G(z) - 1/2 log z = -1 / (8 z) + 1 / (192 z^3) - ..., z = df / 2
    return np.where(df < _MANY, near, -0.25 / many + 1.0 / (24.0 * many**3))
