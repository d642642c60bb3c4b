"""Zero-inflated counts: with probability z a 0 for another reason, else a Poisson or negative binomial count.

p(0) = z + (1 - z) p_c(0),  p(y) = (1 - z) p_c(y) for y > 0,  E y = (1 - z) mu,  Var y = (1 - z) (Var_c + z mu^2)

z, "zero", is the probability of an extra zero; p_c has mean mu = exp(eta).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend.tensorflow import load
from ...spec.priors import Distribution
from .auxiliary import Auxiliary
from .negative_binomial import NegativeBinomial, negative_binomial
from .poisson import Poisson
from .record import Aux, Fault, Slopes

ZERO_PRIOR = Distribution("Beta", (1.0, 1.0))
_LEAST = 1e-300


@dataclass(frozen=True)
class ZeroInflated:
    """Counts with extra zeros; not log-concave in eta, since a 0 may come from either side."""

    counts: Poisson | NegativeBinomial
    name: str
    auxiliary: tuple[Auxiliary, ...]
    link: str = "log"
    log_concave: bool = False

    def fault(self, y: np.ndarray, trials: np.ndarray | None) -> Fault | None:
        """Return what is wrong with counts (n,), or None."""
        return self.counts.fault(y, trials)

    def start(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return the log of the counts, drawn towards the mean of those above 0."""
        return np.log(0.7 * y + 0.3 * y[y > 0].mean())

    def constant(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return -log y!."""
        return self.counts.constant(y, trials)

    def kernel(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return log(1 - z) + log p_c(y), and for y = 0 the log of that and z together."""
        log_z, log_rest = _logs(aux[-1])
        value = log_rest + self.counts.kernel(y, trials, eta, aux[:-1])
        return np.where(y == 0, np.logaddexp(log_z, value), value)

    def slopes(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> Slopes:
        """Return the kernel with its derivatives by eta.

        With w = (1 - z) p_c(0) / p(0) and l = log p_c(0), those of log p(0) are w l' and w l'' + w (1 - w) l'^2.
        """
        log_z, log_rest = _logs(aux[-1])
        value, first, information = self.counts.slopes(y, trials, eta, aux[:-1])
        value = log_rest + value
        zero = y == 0
        both = np.logaddexp(log_z, value)
        w, other = np.exp(value - both), np.exp(log_z - both)
        # Where l' overflows when squared, w is 0.
        part = w * first
        return Slopes(
            np.where(zero, both, value),
            np.where(zero, part, first),
            np.where(zero, w * information - other * part * first, information),
        )

    def tensor(self, y: Any, trials: Any, eta: Any, aux: tuple[Any, ...] = ()) -> Any:
        """Return the whole log density of tensors."""
        tf = load()
        z = aux[-1]
        value = tf.math.log(tf.maximum(1.0 - z, _LEAST)) + self.counts.tensor(y, trials, eta, aux[:-1])
        log_z = tf.math.log(tf.maximum(z, _LEAST))
        both = tf.maximum(log_z, value) + tf.math.log1p(tf.exp(-tf.abs(log_z - value)))
        return tf.where(tf.equal(y, 0.0), both, value)

    def expected(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return (1 - z) (I_c - p_c(0) l'^2 (1 - w)), I_c the expected information of the counts."""
        log_z, log_rest = _logs(aux[-1])
        none = np.zeros(())
        value, first, _ = self.counts.slopes(none, trials, eta, aux[:-1])
        both = np.logaddexp(log_z, log_rest + value)
        taken = np.exp(0.5 * value) * first
        lost = taken * taken * np.exp(log_z - both)
        return np.maximum(np.exp(log_rest) * (self.counts.expected(none, trials, eta, aux[:-1]) - lost), 1e-130)

    def mean(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return (1 - z) mu."""
        return (1.0 - aux[-1]) * self.counts.mean(trials, eta, aux[:-1])

    def variance(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return (1 - z) (Var_c + z mu^2)."""
        mu, z = self.counts.mean(trials, eta, aux[:-1]), aux[-1]
        return (1.0 - z) * (self.counts.variance(trials, eta, aux[:-1]) + z * mu * mu)

    def deviance(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return -2 log p(0) for a 0, the counts' deviance for any other."""
        value = self.counts.deviance(y, trials, eta, aux[:-1])
        return np.where(y == 0, -2.0 * self.kernel(np.zeros(()), trials, eta, aux), value)

    def sample(self, rng: np.random.Generator, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return counts, each made 0 with probability z."""
        drawn = self.counts.sample(rng, trials, eta, aux[:-1])
        return np.where(rng.random(drawn.shape) < aux[-1], 0.0, drawn)


def zero_inflated_poisson(y: np.ndarray) -> ZeroInflated:
    """Return the record of zero-inflated Poisson counts y (n,)."""
    zero = Auxiliary("zero", ZERO_PRIOR, "logit", zero_start(y))
    return ZeroInflated(Poisson(), "zero_inflated_poisson", (zero,))


def zero_inflated_negative_binomial(y: np.ndarray) -> ZeroInflated:
    """Return the record of zero-inflated negative binomial counts y (n,)."""
    counts = negative_binomial("log", y[y > 0] if (y > 0).any() else y)
    zero = Auxiliary("zero", ZERO_PRIOR, "logit", 0.5 * zero_start(y) + 0.02)
    return ZeroInflated(counts, "zero_inflated_negative_binomial", (*counts.auxiliary, zero))


def zero_start(y: np.ndarray) -> float:
    """Return the share of zeros above that of Poisson counts with the mean of those above 0, from 0.02 to 0.9."""
    if not (y > 0).any():
        return 0.5
    plain = float(np.exp(-y[y > 0].mean()))
    return float(np.clip(((y == 0).mean() - plain) / (1.0 - plain), 0.02, 0.9))


def _logs(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log z and log(1 - z), finite."""
    return np.log(np.maximum(z, _LEAST)), np.log(np.maximum(1.0 - z, _LEAST))
