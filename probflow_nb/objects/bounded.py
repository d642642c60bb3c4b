"""Continuous distributions with two bounds or heavy shoulders: Uniform, Beta, Laplace, Logistic, Weibull, and Flat."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..backend.tensorflow import load
from ..errors import SpecError
from .continuous import Continuous
from .distribution import Distribution, Number, one_of
from .value import Value, tensor


class Uniform(Continuous):
    """Uniform(low, high): p(x) = 1 / (high - low) between the bounds."""

    support = "interval"

    def __init__(self, low: Number = 0.0, high: Number = 1.0) -> None:
        super().__init__(low=low, high=high)
        bounds = [self.arguments[key] for key in ("low", "high")]
        if all(isinstance(b, np.ndarray) for b in bounds) and not np.all(bounds[0] < bounds[1]):
            raise SpecError(f"The bounds of {self.label} are not in order: low must be below high.")

    def mean(self) -> Any:
        """Return the middle."""
        return self._full(0.5 * (self.of("low") + self.of("high")))

    def variance(self) -> Any:
        """Return (high - low)^2 / 12."""
        return self._full((self.of("high") - self.of("low")) ** 2 / 12.0)

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        a = self.numbers()
        return stats.uniform(a["low"], a["high"] - a["low"])


class Flat(Continuous):
    """Flat(): every value is as likely as any other; no density, so nothing can be drawn from it."""

    support = "any"

    def __init__(self) -> None:
        super().__init__()

    def mean(self) -> Any:
        """Return NaN: there is no mean."""
        return tensor(math.nan)

    def variance(self) -> Any:
        """Return infinity."""
        return tensor(math.inf)

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Raise SpecError."""
        raise SpecError("Nothing can be drawn from a Flat prior.", hint="Give the parameter a proper prior.")


class Laplace(Distribution):
    """Laplace(location, scale): p(x) = exp(-|x - location| / scale) / (2 scale)."""

    domains: ClassVar[Mapping[str, str]] = {"scale": "positive"}
    location_scale = ("location", "scale")

    def __init__(self, location: Number = 0.0, scale: Number = 1.0) -> None:
        super().__init__(location=location, scale=scale)

    def log_density(self, x: Any) -> Any:
        """Return log p(x)."""
        tf = load()
        scale = tensor(self.of("scale"))
        return -tf.abs(x - self.of("location")) / scale - tf.math.log(2.0 * scale)

    def mean(self) -> Any:
        """Return the location."""
        return self._full(self.of("location"))

    def variance(self) -> Any:
        """Return 2 scale^2."""
        return 2.0 * self._full(self.of("scale")) ** 2

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        a = self.numbers()
        return stats.laplace(a["location"], a["scale"])


class Logistic(Distribution):
    """Logistic(location, scale): P(x <= v) = 1 / (1 + exp(-(v - location) / scale))."""

    domains: ClassVar[Mapping[str, str]] = {"scale": "positive"}
    location_scale = ("location", "scale")

    def __init__(self, location: Number = 0.0, scale: Number = 1.0) -> None:
        super().__init__(location=location, scale=scale)

    def log_density(self, x: Any) -> Any:
        """Return log p(x)."""
        tf = load()
        scale = tensor(self.of("scale"))
        t = (x - self.of("location")) / scale
        return -tf.math.softplus(t) - tf.math.softplus(-t) - tf.math.log(scale)

    def mean(self) -> Any:
        """Return the location."""
        return self._full(self.of("location"))

    def variance(self) -> Any:
        """Return (pi scale)^2 / 3."""
        return (math.pi * self._full(self.of("scale"))) ** 2 / 3.0

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        a = self.numbers()
        return stats.logistic(a["location"], a["scale"])


class Weibull(Distribution):
    """Weibull(shape, scale): P(x > v) = exp(-(v / scale)^shape)."""

    support = "positive"
    domains: ClassVar[Mapping[str, str]] = {"shape": "positive", "scale": "positive"}

    def __init__(self, shape: Number, scale: Number = 1.0) -> None:
        super().__init__(shape=shape, scale=scale)

    def contains(self, x: Any) -> Any:
        """Return whether x > 0."""
        return x > 0.0

    def log_density(self, x: Any) -> Any:
        """Return log p(x) for x > 0."""
        tf = load()
        shape, scale = tensor(self.of("shape")), tensor(self.of("scale"))
        log_t = tf.math.log(x) - tf.math.log(scale)
        return tf.math.log(shape) - tf.math.log(scale) + (shape - 1.0) * log_t - tf.exp(shape * log_t)

    def mean(self) -> Any:
        """Return scale G(1 + 1 / shape)."""
        return self._full(self._moment(1))

    def variance(self) -> Any:
        """Return scale^2 (G(1 + 2 / shape) - G(1 + 1 / shape)^2)."""
        return self._full(self._moment(2) - self._moment(1) ** 2)

    def _moment(self, power: int) -> Any:
        tf = load()
        return tensor(self.of("scale")) ** power * tf.exp(tf.math.lgamma(1.0 + power / tensor(self.of("shape"))))

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        a = self.numbers()
        return stats.weibull_min(a["shape"], scale=a["scale"])


class Beta(Distribution):
    """Beta(a, b): p(x) = x^(a - 1) (1 - x)^(b - 1) / B(a, b), 0 < x < 1.

    In place of a and b, precision= with mean= or logit= (of the mean): a = mean precision, b = (1 - mean) precision.
    """

    support = "unit"
    domains: ClassVar[Mapping[str, str]] = {"a": "positive", "b": "positive", "mean": "unit", "precision": "positive"}

    def __init__(
        self,
        a: Number | None = None,
        b: Number | None = None,
        *,
        mean: Number | None = None,
        logit: Number | None = None,
        precision: Number | None = None,
    ) -> None:
        if precision is None:
            if a is None or b is None or mean is not None or logit is not None:
                raise SpecError("Beta takes a and b, or precision= with mean= or logit=.")
            super().__init__(a=a, b=b)
        else:
            if a is not None or b is not None:
                raise SpecError("Beta takes a and b, or precision= with mean= or logit=, not both.")
            super().__init__(**one_of("Beta", {"mean": mean, "logit": logit}), precision=precision)

    def _shown(self) -> list[str]:
        shown = super()._shown()
        return shown if "a" in self.arguments else [f"{k}={v}" for k, v in zip(self.arguments, shown, strict=True)]

    @property
    def inner(self) -> float:
        """A number in the support."""
        return 0.5

    def contains(self, x: Any) -> Any:
        """Return whether 0 < x < 1."""
        return (x > 0.0) & (x < 1.0)

    def _ab(self) -> tuple[Any, Any]:
        tf = load()
        if "a" in self.arguments:
            return tensor(self.of("a")), tensor(self.of("b"))
        precision = tensor(self.of("precision"))
        if "mean" in self.arguments:
            mean = tensor(self.of("mean"))
            return mean * precision, (1.0 - mean) * precision
        logit = tensor(self.of("logit"))
        return tf.sigmoid(logit) * precision, tf.sigmoid(-logit) * precision

    def log_density(self, x: Any) -> Any:
        """Return log p(x) for 0 < x < 1."""
        tf = load()
        a, b = self._ab()
        constant = tf.math.lgamma(a + b) - tf.math.lgamma(a) - tf.math.lgamma(b)
        return (a - 1.0) * tf.math.log(x) + (b - 1.0) * tf.math.log1p(-x) + constant

    def mean(self) -> Any:
        """Return a / (a + b)."""
        a, b = self._ab()
        return self._full(a / (a + b))

    def variance(self) -> Any:
        """Return a b / ((a + b)^2 (a + b + 1))."""
        a, b = self._ab()
        return self._full(a * b / ((a + b) ** 2 * (a + b + 1.0)))

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        a, b = self._ab()
        return stats.beta(np.asarray(a), np.asarray(b))


def bounds_of(distribution: Uniform) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the bounds of a Uniform as arrays; None where one is a parameter."""
    low, high = distribution.arguments["low"], distribution.arguments["high"]
    if isinstance(low, Value) or isinstance(high, Value):
        return None
    return np.asarray(low), np.asarray(high)
