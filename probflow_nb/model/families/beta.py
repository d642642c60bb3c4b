"""Beta: a proportion strictly between 0 and 1 with mean mu = link^-1(eta).

p(y) = G(precision) / (G(a) G(b)) y^(a - 1) (1 - y)^(b - 1),  a = mu precision,  b = (1 - mu) precision
E y = mu,  Var y = mu (1 - mu) / (1 + precision)                          (Ferrari and Cribari-Neto 2004, eq. 4)

precision ~ LogNormal(2, 2) where no prior is written: from 0.13 to 390 with probability 0.95.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend.tensorflow import load
from .auxiliary import SHAPE_PRIOR, Auxiliary
from .probability import Logs, link_of, logs, probability, tensor_logs
from .record import Aux, Fault, Slopes
from .trigamma import trigamma

_TOP = float(np.nextafter(1.0, 0.0))


@dataclass(frozen=True)
class Beta:
    """Proportions that are measured, not counted."""

    link: str = "logit"
    auxiliary: tuple[Auxiliary, ...] = (Auxiliary("precision", SHAPE_PRIOR, "log", 5.0),)
    name: str = "beta"
    log_concave: bool = False

    def fault(self, y: np.ndarray, trials: np.ndarray | None) -> Fault | None:
        """Return what is wrong with proportions (n,), or None."""
        bad = ~((y > 0) & (y < 1))
        if bad.any():
            ends = bool(np.all((y >= 0) & (y <= 1)))
            hint = "Divide percentages by 100."
            if ends:
                hint = "Draw the response inwards, (y * (n - 1) + 0.5) / n with n rows; counts are successes / trials."
            return Fault("The response of a beta family must lie strictly between 0 and 1", hint, bad)
        if (y == y[0]).all():
            return Fault(f"The response is {y[0]:g} in every row, so nothing can be learned from it", "", None)
        return None

    def start(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return the link of the response, drawn towards its mean."""
        return link_of(self.link, 0.8 * y + 0.2 * y.mean())

    def constant(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return -log y - log(1 - y)."""
        return -np.log(y) - np.log1p(-y)

    def kernel(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return log G(precision) - log G(a) - log G(b) + a log y + b log(1 - y)."""
        return self._value(y, logs(self.link, eta), aux[0])

    def slopes(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> Slopes:
        """Return the kernel with its derivatives by eta."""
        from scipy.special import psi

        (precision,) = aux
        found = logs(self.link, eta)
        p = np.exp(found.log_p)
        a, b = precision * p, precision * np.exp(found.log_q)
        # Of a: dp / d eta = p (log p)', and d^2 p / d eta^2 = p ((log p)'^2 + (log p)'').
        first, second = a * found.first_p, a * (found.first_p**2 + found.second_p)
        by_a = np.log(y) - np.log1p(-y) - psi(1.0 + a) + psi(1.0 + b)
        bend = first * first * (trigamma(1.0 + a) + trigamma(1.0 + b))
        return Slopes(
            self._value(y, found, precision),
            found.first_p + found.first_q + first * by_a,
            bend - second * by_a - found.second_p - found.second_q,
        )

    def _value(self, y: np.ndarray, found: Logs, precision: np.ndarray) -> np.ndarray:
        from scipy.special import gammaln

        a, b = precision * np.exp(found.log_p), precision * np.exp(found.log_q)
        # log G(a) = log G(1 + a) - log a, so that an a too small for a number does no harm.
        height = gammaln(precision) + 2.0 * np.log(precision) + found.log_p + found.log_q
        value: np.ndarray = height - gammaln(1.0 + a) - gammaln(1.0 + b) + a * np.log(y) + b * np.log1p(-y)
        return value

    def tensor(self, y: Any, trials: Any, eta: Any, aux: tuple[Any, ...] = ()) -> Any:
        """Return the whole log density of tensors."""
        tf = load()
        (precision,) = aux
        log_p, log_q = tensor_logs(self.link, eta)
        a, b = precision * tf.exp(log_p), precision * tf.exp(log_q)
        height = tf.math.lgamma(precision) + 2.0 * tf.math.log(precision) + log_p + log_q
        inside = (a - 1.0) * tf.math.log(y) + (b - 1.0) * tf.math.log1p(-y)
        return height - tf.math.lgamma(1.0 + a) - tf.math.lgamma(1.0 + b) + inside

    def expected(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return precision^2 (dp / d eta)^2 (trigamma(a) + trigamma(b))."""
        (precision,) = aux
        found = logs(self.link, eta)
        a, b = precision * np.exp(found.log_p), precision * np.exp(found.log_q)
        # a^2 trigamma(a) = 1 + a^2 trigamma(1 + a)
        information = found.first_p**2 * (1.0 + a * a * trigamma(1.0 + a))
        information = information + found.first_q**2 * (1.0 + b * b * trigamma(1.0 + b))
        return np.clip(information, 1e-300, 1e300)

    def mean(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return mu."""
        return probability(self.link, eta)

    def variance(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return mu (1 - mu) / (1 + precision)."""
        found = logs(self.link, eta)
        value: np.ndarray = np.exp(found.log_p + found.log_q) / (1.0 + aux[0])
        return value

    def deviance(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return twice the log density of the best mean of each row less that at eta."""
        best = logs("logit", _best_logit(np.asarray(y, float), np.asarray(aux[0], float)))
        value: np.ndarray = 2.0 * (self._value(y, best, aux[0]) - self.kernel(y, trials, eta, aux))
        return value

    def sample(self, rng: np.random.Generator, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return proportions strictly between 0 and 1."""
        (precision,) = aux
        found = logs(self.link, eta)
        a, b = (np.maximum(precision * np.exp(log), 1e-300) for log in (found.log_p, found.log_q))
        return np.clip(rng.beta(a, b), 1e-300, _TOP)


def beta(link: str, y: np.ndarray) -> Beta:
    """Return the record for a response (n,)."""
    return Beta(link)


def _best_logit(y: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Return logit mu where the density of y is greatest: digamma(a) - digamma(b) = logit y, by bisection.

    The left side grows in mu. The best lies between logit y and 0 or a little beyond, so that 60 halvings do.
    """
    from scipy.special import psi

    target = np.log(y) - np.log1p(-y) + 0.0 * precision
    low, high = np.full(target.shape, -800.0), np.full(target.shape, 800.0)
    for _ in range(70):
        middle = 0.5 * (low + high)
        p, q = 1.0 / (1.0 + np.exp(np.minimum(-middle, 700.0))), 1.0 / (1.0 + np.exp(np.minimum(middle, 700.0)))
        a, b = precision * p, precision * q
        # digamma(a) = digamma(1 + a) - 1 / a
        small = psi(1.0 + a) - psi(1.0 + b) - 1.0 / a + 1.0 / b < target
        low, high = np.where(small, middle, low), np.where(small, high, middle)
    return 0.5 * (low + high)
