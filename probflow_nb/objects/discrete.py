"""Distributions of counts and categories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..backend.tensorflow import load
from .distribution import Distribution, Number, one_of
from .value import tensor

# Above this a Poisson draw is its mean plus Normal noise, which no float64 can tell from it.
_LARGE = 1e15


class Discrete(Distribution):
    """A distribution of whole numbers; links are written by the name of the argument."""

    def _shown(self) -> list[str]:
        plain = {"p", "rate", "trials", "shape"}
        shown = super()._shown()
        return [v if k in plain else f"{k}={v}" for k, v in zip(self.arguments, shown, strict=True)]

    @property
    def inner(self) -> float:
        """A number in the support."""
        return 0.0

    def contains(self, x: Any) -> Any:
        """Return whether x is a whole number from 0."""
        return (x >= 0.0) & (x == load().floor(x))

    def _logit(self) -> Any:
        """Return log p - log(1 - p) of the argument p or logit."""
        tf = load()
        if "logit" in self.arguments:
            return tensor(self.of("logit"))
        p = tensor(self.of("p"))
        return tf.math.log(p) - tf.math.log1p(-p)

    def _p(self) -> Any:
        return load().sigmoid(tensor(self.of("logit"))) if "logit" in self.arguments else tensor(self.of("p"))

    def _log_likelihoods(self) -> tuple[Any, Any]:
        """Return log p and log(1 - p)."""
        tf = load()
        if "logit" in self.arguments:
            logit = tensor(self.of("logit"))
            return -tf.math.softplus(-logit), -tf.math.softplus(logit)
        p = tensor(self.of("p"))
        return tf.math.log(p), tf.math.log1p(-p)


class Bernoulli(Discrete):
    """Bernoulli(p), or Bernoulli(logit=): P(1) = p = 1 / (1 + exp(-logit)), P(0) = 1 - p."""

    support = "binary"
    domains: ClassVar[Mapping[str, str]] = {"p": "unit"}

    def __init__(self, p: Number | None = None, *, logit: Number | None = None) -> None:
        super().__init__(**one_of("Bernoulli", {"p": p, "logit": logit}))

    def contains(self, x: Any) -> Any:
        """Return whether x is 0 or 1."""
        return (x == 0.0) | (x == 1.0)

    def log_density(self, x: Any) -> Any:
        """Return log P(x) for x of 0 and 1."""
        tf = load()
        yes, no = self._log_likelihoods()
        return tf.where(tensor(x) > 0.5, yes, no)

    def mean(self) -> Any:
        """Return p."""
        return self._p()

    def variance(self) -> Any:
        """Return p (1 - p)."""
        p = self._p()
        return p * (1.0 - p)

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        return stats.bernoulli(np.asarray(self._p()))


class Binomial(Discrete):
    """Binomial(trials, p), or Binomial(trials, logit=): how many of the trials succeed, each with probability p."""

    support = "count"
    domains: ClassVar[Mapping[str, str]] = {"trials": "count", "p": "unit"}

    def __init__(self, trials: Number, p: Number | None = None, *, logit: Number | None = None) -> None:
        super().__init__(trials=trials, **one_of("Binomial", {"p": p, "logit": logit}))

    def contains(self, x: Any) -> Any:
        """Return whether x is a whole number from 0 to the trials."""
        return (x >= 0.0) & (x == load().floor(x)) & (x <= self.of("trials"))

    def log_density(self, x: Any) -> Any:
        """Return log P(x)."""
        tf = load()
        n, yes_no = tensor(self.of("trials")), self._log_likelihoods()
        choose = tf.math.lgamma(n + 1.0) - tf.math.lgamma(x + 1.0) - tf.math.lgamma(n - x + 1.0)
        # 0 log 0 is 0: p may be 0 or 1.
        return choose + tf.math.multiply_no_nan(yes_no[0], x + 0.0 * n) + tf.math.multiply_no_nan(yes_no[1], n - x)

    def mean(self) -> Any:
        """Return trials p."""
        return self._full(self.of("trials")) * self._p()

    def variance(self) -> Any:
        """Return trials p (1 - p)."""
        p = self._p()
        return self._full(self.of("trials")) * p * (1.0 - p)

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        return stats.binom(self.numbers()["trials"], np.asarray(self._p()))

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Return draws of a whole shape."""
        trials = self.numbers()["trials"].astype(np.int64)
        return rng.binomial(trials, np.asarray(self._p()), size=size).astype(np.float64)


class Poisson(Discrete):
    """Poisson(rate), or Poisson(log=): P(x) = rate^x exp(-rate) / x!, rate = exp(log)."""

    support = "count"
    domains: ClassVar[Mapping[str, str]] = {"rate": "positive"}

    def __init__(self, rate: Number | None = None, *, log: Number | None = None) -> None:
        super().__init__(**one_of("Poisson", {"rate": rate, "log": log}))

    def _rate(self) -> Any:
        return load().exp(tensor(self.of("log"))) if "log" in self.arguments else tensor(self.of("rate"))

    def log_density(self, x: Any) -> Any:
        """Return log P(x)."""
        tf = load()
        rate = self._rate()
        log = tensor(self.of("log")) if "log" in self.arguments else tf.math.log(rate)
        return x * log - rate - tf.math.lgamma(x + 1.0)

    def mean(self) -> Any:
        """Return the rate."""
        return self._rate()

    def variance(self) -> Any:
        """Return the rate."""
        return self._rate()

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        return stats.poisson(np.asarray(self._rate()))

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Return draws of a whole shape."""
        return poisson_draw(rng, np.asarray(self._rate()), size)


class NegativeBinomial(Discrete):
    """NegativeBinomial(mean, shape), or log= of the mean: variance = mean + mean^2 / shape."""

    support = "count"
    domains: ClassVar[Mapping[str, str]] = {"mean": "positive", "shape": "positive"}

    def __init__(self, mean: Number | None = None, shape: Number | None = None, *, log: Number | None = None) -> None:
        given = one_of("NegativeBinomial", {"mean": mean, "log": log})
        super().__init__(**given, **one_of("NegativeBinomial", {"shape": shape}))

    def _mean(self) -> Any:
        return load().exp(tensor(self.of("log"))) if "log" in self.arguments else tensor(self.of("mean"))

    def log_density(self, x: Any) -> Any:
        """Return log P(x)."""
        tf = load()
        r = tensor(self.of("shape"))
        log = tensor(self.of("log")) if "log" in self.arguments else tf.math.log(tensor(self.of("mean")))
        # log of mean / (mean + r) and of r / (mean + r), without overflow for large log.
        ratio = log - tf.math.log(r)
        choose = tf.math.lgamma(x + r) - tf.math.lgamma(r) - tf.math.lgamma(x + 1.0)
        return choose - x * tf.math.softplus(-ratio) - r * tf.math.softplus(ratio)

    def mean(self) -> Any:
        """Return the mean."""
        return self._full(self._mean())

    def variance(self) -> Any:
        """Return mean + mean^2 / shape."""
        mean = self._full(self._mean())
        return mean + mean**2 / self.of("shape")

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        r, mean = self.numbers()["shape"], np.asarray(self._mean())
        return stats.nbinom(r, r / (r + mean))

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Return draws of a whole shape: Poisson of a Gamma rate."""
        r = self.numbers()["shape"]
        return poisson_draw(rng, rng.gamma(r, np.asarray(self._mean()) / r, size=size), size)


class Categorical(Discrete):
    """Categorical(p), or Categorical(logits=): P(i) = p[i], i = 0 ... K - 1 along the last axis of the argument."""

    support = "category"
    domains: ClassVar[Mapping[str, str]] = {"p": "unit"}
    argument_ranks: ClassVar[Mapping[str, int]] = {"p": 1, "logits": 1}

    def __init__(self, p: Number | None = None, *, logits: Number | None = None) -> None:
        super().__init__(**one_of("Categorical", {"p": p, "logits": logits}))

    @property
    def n_categories(self) -> int:
        """K."""
        return int(next(iter(self.arguments.values())).shape[-1])

    def contains(self, x: Any) -> Any:
        """Return whether x is 0, 1, ... or K - 1."""
        return (x >= 0.0) & (x == load().floor(x)) & (x < float(self.n_categories))

    def _log_p(self) -> Any:
        tf = load()
        if "logits" in self.arguments:
            return tf.nn.log_softmax(tensor(self.of("logits")), axis=-1)
        p = tensor(self.of("p"))
        return tf.math.log(p) - tf.math.log(tf.reduce_sum(p, axis=-1, keepdims=True))

    def log_density(self, x: Any) -> Any:
        """Return log p[x]."""
        tf = load()
        chosen = tf.one_hot(tf.cast(x, tf.int32), self.n_categories, dtype=tf.float64)
        return tf.reduce_sum(tf.math.multiply_no_nan(self._log_p() + 0.0 * chosen, chosen), axis=-1)

    def mean(self) -> Any:
        """Return the mean of the category's number."""
        tf = load()
        return tf.reduce_sum(tf.exp(self._log_p()) * np.arange(self.n_categories, dtype=float), axis=-1)

    def variance(self) -> Any:
        """Return the variance of the category's number."""
        tf = load()
        square = tf.reduce_sum(tf.exp(self._log_p()) * np.arange(self.n_categories, dtype=float) ** 2, axis=-1)
        return square - self.mean() ** 2

    def cdf(self, value: Any) -> np.ndarray:
        """Return P(category <= value)."""
        total = np.cumsum(np.exp(np.asarray(self._log_p())), axis=-1)
        below = np.floor(np.asarray(value, dtype=np.float64))[..., None] >= np.arange(self.n_categories)
        return np.where(below.any(axis=-1), np.max(np.where(below, total, 0.0), axis=-1), 0.0)

    def quantile(self, p: Any) -> np.ndarray:
        """Return the smallest category whose P(category <= it) is at least p."""
        total = np.cumsum(np.exp(np.asarray(self._log_p())), axis=-1)
        total[..., -1] = 1.0
        return np.asarray(np.argmax(total >= np.asarray(p, dtype=np.float64)[..., None], axis=-1), dtype=np.float64)

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Return draws of a whole shape."""
        return self.quantile(rng.random(size))


def poisson_draw(rng: np.random.Generator, rate: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Return Poisson draws for rates of any size, infinite ones included."""
    rate = np.broadcast_to(rate, size)
    large = rate > _LARGE
    found = rng.poisson(np.where(large, 1.0, rate)).astype(np.float64)
    noise = np.sqrt(np.where(large & np.isfinite(rate), rate, 0.0)) * rng.standard_normal(size)
    return np.where(large, rate + np.rint(noise), found)
