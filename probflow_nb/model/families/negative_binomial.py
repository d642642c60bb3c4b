"""Negative binomial: counts with mean mu = link^-1(eta) and more variance than Poisson's.

p(y) = Gamma(y + r) / (Gamma(r) y!) (mu / (mu + r))^y (r / (mu + r))^r,  E y = mu,  Var y = mu + mu^2 / r,  r the shape

With d = log mu - log r:  log p(y) = log Gamma(y + r) - log Gamma(r) - log y! - y log(1 + e^-d) - r log(1 + e^d)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...backend.tensorflow import load
from ...spec.priors import Distribution
from .auxiliary import Auxiliary
from .lookup import looked_up
from .poisson import Poisson
from .record import LARGEST_EXPONENT, Aux, Fault, Slopes

# From 0.13 to 390 with probability 0.95: from many times Poisson's variance to hardly more.
SHAPE_PRIOR = Distribution("LogNormal", (2.0, 2.0))
# From here on log Gamma is taken from its expansion, since the difference of two of them would lose digits.
_LARGE = 1e3
# eta is taken of no more than this.
_WIDEST = 1e100
_LEAST = 1e-130


@dataclass(frozen=True)
class NegativeBinomial:
    """Overdispersed counts; log-concave in eta for the log link, for no other (y = 0 is convex in mu)."""

    name: str = "negative_binomial"
    link: str = "log"
    auxiliary: tuple[Auxiliary, ...] = field(default=(Auxiliary("shape", SHAPE_PRIOR, "log", 2.0),))

    @property
    def log_concave(self) -> bool:
        """Whether the link is the log."""
        return self.link == "log"

    def fault(self, y: np.ndarray, trials: np.ndarray | None) -> Fault | None:
        """Return what is wrong with counts (n,), or None."""
        return Poisson().fault(y, trials)

    def start(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return the link of the counts, drawn towards their mean."""
        mu = 0.7 * y + 0.3 * y.mean()
        return np.log(mu) if self.link == "log" else np.sqrt(mu) if self.link == "sqrt" else mu

    def constant(self, y: np.ndarray, trials: np.ndarray | None) -> np.ndarray:
        """Return -log y!."""
        return Poisson().constant(y, trials)

    def kernel(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return log Gamma(y + r) - log Gamma(r) - y log(1 + e^-d) - r log(1 + e^d)."""
        (shape,) = aux
        d, inside = self._odds(eta, shape)
        value = log_rising(y, shape) - y * np.logaddexp(0.0, -d) - shape * np.logaddexp(0.0, d)
        return value if inside is None else np.where(inside, value, -np.inf)

    def slopes(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> Slopes:
        """Return the kernel with its derivatives by eta."""
        (shape,) = aux
        d, inside = self._odds(eta, shape)
        e = np.exp(-np.abs(d))
        soft, bottom = np.log1p(e), 1.0 + e
        p, q = np.where(d >= 0.0, 1.0, e) / bottom, np.where(d >= 0.0, e, 1.0) / bottom
        value = log_rising(y, shape) - y * (np.maximum(-d, 0.0) + soft) - shape * (np.maximum(d, 0.0) + soft)
        # By log mu; p = mu / (mu + r).
        first, information = y * q - shape * p, (y + shape) * p * q
        if inside is None:
            return Slopes(value, first, information)
        safe = np.where(inside, eta, 1.0)
        # log mu is a log eta: its derivatives are a / eta and -a / eta^2.
        a = 2.0 if self.link == "sqrt" else 1.0
        return Slopes(
            np.where(inside, value, -np.inf), a * first / safe, (a * a * information + a * first) / (safe * safe)
        )

    def tensor(self, y: Any, trials: Any, eta: Any, aux: tuple[Any, ...] = ()) -> Any:
        """Return the whole log density of tensors."""
        tf = load()
        (shape,) = aux
        known = -tf.math.lgamma(y + 1.0) + tensor_log_rising(y, shape, tf)
        if self.link == "log":
            d = tf.clip_by_value(eta, -_WIDEST, _WIDEST) - tf.math.log(shape)
            return known - y * tf.nn.softplus(-d) - shape * tf.nn.softplus(d)
        inside = eta > 0.0
        log_eta = tf.math.log(tf.where(inside, eta, tf.ones_like(eta)))
        d = (2.0 if self.link == "sqrt" else 1.0) * log_eta - tf.math.log(shape)
        value = known - y * tf.nn.softplus(-d) - shape * tf.nn.softplus(d)
        return tf.where(inside, value, tf.constant(-np.inf, value.dtype))

    def expected(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return (d mu / d eta)^2 / (mu + mu^2 / r)."""
        (shape,) = aux
        d, inside = self._odds(eta, shape)
        share = shape / (1.0 + np.exp(-np.clip(d, -LARGEST_EXPONENT, LARGEST_EXPONENT)))
        if inside is None:
            return np.maximum(share, _LEAST)
        safe = np.maximum(np.where(inside, eta, 1.0), 1e-60)
        return np.maximum((4.0 if self.link == "sqrt" else 1.0) * share / (safe * safe), _LEAST)

    def mean(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return mu."""
        return Poisson(link=self.link).mean(trials, eta)

    def variance(self, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return mu + mu^2 / r."""
        mu = self.mean(trials, eta)
        bounded = np.minimum(mu, 1e130)
        return mu + bounded * (bounded / aux[0])

    def deviance(self, y: np.ndarray, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return 2 (y log(y / mu) - (y + r) log((y + r) / (mu + r)))."""
        from scipy.special import xlogy

        (shape,) = aux
        best = log_rising(y, shape) + xlogy(y, y) + shape * np.log(shape) - (y + shape) * np.log(y + shape)
        value: np.ndarray = 2.0 * (best - self.kernel(y, trials, eta, aux))
        return value

    def sample(self, rng: np.random.Generator, trials: np.ndarray | None, eta: np.ndarray, aux: Aux = ()) -> np.ndarray:
        """Return Poisson counts whose means are drawn from Gamma(r, r / mu)."""
        mu = self.mean(trials, eta)
        shape = np.broadcast_to(aux[0], np.broadcast_shapes(mu.shape, np.shape(aux[0])))
        drawn = mu * (rng.standard_gamma(shape) / shape)
        return np.where(drawn < 1e15, rng.poisson(np.minimum(drawn, 1e15)).astype(float), drawn)

    def _odds(self, eta: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return log mu - log r, and where eta is inside of the link's range, None for everywhere."""
        eta = np.asarray(eta, float)
        if self.link == "log":
            return np.clip(eta, -_WIDEST, _WIDEST) - np.log(shape), None
        inside = eta > 0.0
        log_eta = np.log(np.where(inside, eta, 1.0))
        return (2.0 * log_eta if self.link == "sqrt" else log_eta) - np.log(shape), inside


def negative_binomial(link: str, y: np.ndarray) -> NegativeBinomial:
    """Return the record for counts y (n,), whose moments say where the shape starts."""
    return NegativeBinomial(link=link, auxiliary=(Auxiliary("shape", SHAPE_PRIOR, "log", shape_start(y)),))


def shape_start(y: np.ndarray) -> float:
    """Return mean^2 / (variance - mean), between 0.5 and 50."""
    mean, variance = float(y.mean()), float(y.var())
    return 50.0 if variance <= mean else float(np.clip(mean * mean / (variance - mean), 0.5, 50.0))


def log_rising(y: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Return log Gamma(y + shape) - log Gamma(shape) = sum over i < y of log(shape + i)."""
    from scipy.special import gammaln

    y, shape = np.asarray(y, float), np.asarray(shape, float)
    top = float(y.max(initial=0.0))
    if y.size >= 16 and top <= 0.5 * y.size:
        # Few counts stand for many rows: the sums of all of them.
        steps = np.log(shape + np.arange(top).reshape((-1,) + (1,) * shape.ndim))
        return looked_up(np.concatenate([np.zeros((1, *shape.shape)), np.cumsum(steps, axis=0)]), y)
    small, large = np.minimum(shape, _LARGE), np.maximum(shape, _LARGE)
    near = gammaln(y + small) - gammaln(small)
    far = y * np.log(large) + (y + large - 0.5) * np.log1p(y / large) - y + _rest(y + large) - _rest(large)
    value: np.ndarray = np.where(shape < _LARGE, near, far)
    return value


def tensor_log_rising(y: Any, shape: Any, tf: Any) -> Any:
    """Return the same of tensors."""
    small, large = tf.minimum(shape, tf.cast(_LARGE, shape.dtype)), tf.maximum(shape, tf.cast(_LARGE, shape.dtype))
    near = tf.math.lgamma(y + small) - tf.math.lgamma(small)
    far = y * tf.math.log(large) + (y + large - 0.5) * tf.math.log1p(y / large) - y + _rest(y + large) - _rest(large)
    return tf.where(shape < _LARGE, near, far)


def _rest(x: Any) -> Any:
    """Return log Gamma(x) less Stirling's (x - 1/2) log x - x + log(2 pi) / 2, for large x."""
    return 1.0 / (12.0 * x) - 1.0 / (360.0 * x * x * x)
