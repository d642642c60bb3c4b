"""Distributions of counts with more zeros: 0 with probability zero, else a count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..backend.tensorflow import load
from .discrete import Discrete, NegativeBinomial, Poisson, poisson_draw
from .distribution import Number, one_of
from .value import tensor


class ZeroInflated(Discrete):
    """P(0) = zero + (1 - zero) p(0), P(x) = (1 - zero) p(x), p that of the counts."""

    support = "count"

    @property
    def counts(self) -> Discrete:
        """The distribution of the counts."""
        raise NotImplementedError

    def log_density(self, x: Any) -> Any:
        """Return log P(x)."""
        tf = load()
        zero, value = tensor(self.of("zero")), self.counts.log_density(x)
        rest = tf.math.log1p(-zero) + value
        log_zero = tf.math.log(zero) + 0.0 * rest
        # The larger of the two is taken out; neither is infinite unless zero is 0 or 1.
        most = tf.maximum(log_zero, rest)
        both = most + tf.math.log(tf.exp(log_zero - most) + tf.exp(rest - most))
        return tf.where(tensor(x) > 0.0, rest, both)

    def mean(self) -> Any:
        """Return (1 - zero) E count."""
        return self._full((1.0 - tensor(self.of("zero"))) * self.counts.mean())

    def variance(self) -> Any:
        """Return (1 - zero) (Var count + zero (E count)^2)."""
        zero, mean = tensor(self.of("zero")), self.counts.mean()
        return self._full((1.0 - zero) * (self.counts.variance() + zero * mean**2))

    def cdf(self, value: Any) -> np.ndarray:
        """Return P(Y <= value)."""
        zero, v = self.numbers()["zero"], np.asarray(value, dtype=np.float64)
        return np.where(v < 0.0, 0.0, zero + (1.0 - zero) * self.counts.cdf(v))

    def quantile(self, p: Any) -> np.ndarray:
        """Return the smallest count whose P(Y <= count) is at least p."""
        zero = self.numbers()["zero"]
        rest = np.clip((np.asarray(p, dtype=np.float64) - zero) / np.where(zero < 1.0, 1.0 - zero, 1.0), 0.0, 1.0)
        return np.maximum(self.counts.quantile(rest), 0.0)

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Return draws of a whole shape."""
        drawn = self.counts.draw(rng, size)
        return np.where(rng.random(size) < self.numbers()["zero"], 0.0, drawn)


class ZeroInflatedPoisson(ZeroInflated):
    """ZeroInflatedPoisson(rate, zero), or log= of the rate: 0 with probability zero, else Poisson(rate)."""

    domains: ClassVar[Mapping[str, str]] = {"rate": "positive", "zero": "unit"}

    def __init__(self, rate: Number | None = None, zero: Number | None = None, *, log: Number | None = None) -> None:
        given = one_of("ZeroInflatedPoisson", {"rate": rate, "log": log})
        super().__init__(**given, **one_of("ZeroInflatedPoisson", {"zero": zero}))

    @property
    def counts(self) -> Poisson:
        """Poisson(rate)."""
        whole: Poisson = object.__new__(Poisson)
        whole._arguments = {key: self.of(key) for key in self.arguments if key != "zero"}
        return whole

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Return draws of a whole shape."""
        drawn = poisson_draw(rng, np.asarray(self.counts.mean()), size)
        return np.where(rng.random(size) < self.numbers()["zero"], 0.0, drawn)


class ZeroInflatedNegativeBinomial(ZeroInflated):
    """ZeroInflatedNegativeBinomial(mean, shape, zero), or log= of the mean: 0 with probability zero, else a count."""

    domains: ClassVar[Mapping[str, str]] = {"mean": "positive", "shape": "positive", "zero": "unit"}

    def __init__(
        self,
        mean: Number | None = None,
        shape: Number | None = None,
        zero: Number | None = None,
        *,
        log: Number | None = None,
    ) -> None:
        name = "ZeroInflatedNegativeBinomial"
        given = one_of(name, {"mean": mean, "log": log})
        super().__init__(**given, **one_of(name, {"shape": shape}), **one_of(name, {"zero": zero}))

    @property
    def counts(self) -> NegativeBinomial:
        """NegativeBinomial(mean, shape)."""
        whole: NegativeBinomial = object.__new__(NegativeBinomial)
        whole._arguments = {key: self.of(key) for key in self.arguments if key != "zero"}
        return whole
