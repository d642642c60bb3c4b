"""Continuous distributions of single numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..backend.tensorflow import load
from ..spec.priors import Distribution as Named
from . import densities
from .distribution import Distribution, Number, one_of
from .value import tensor


class Continuous(Distribution):
    """A distribution whose log density `objects.densities` has under the same name and order of arguments."""

    def log_density(self, x: Any) -> Any:
        """Return log p(x) for x in the support."""
        return densities.log_prob(Named(self.name, tuple(self.of(key) for key in self.arguments)), x)

    def contains(self, x: Any) -> Any:
        """Return whether each number is in the support; None where every number is."""
        return x > 0.0 if self.support == "positive" else None


class Normal(Continuous):
    """Normal(mean, sd): p(x) = exp(-((x - mean) / sd)^2 / 2) / (sd sqrt(2 pi))."""

    domains: ClassVar[Mapping[str, str]] = {"sd": "positive"}
    location_scale = ("mean", "sd")

    def __init__(self, mean: Number = 0.0, sd: Number = 1.0) -> None:
        super().__init__(mean=mean, sd=sd)

    def mean(self) -> Any:
        """Return the mean."""
        return self._full(self.of("mean"))

    def variance(self) -> Any:
        """Return sd^2."""
        return self._full(self.of("sd")) ** 2

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        a = self.numbers()
        return stats.norm(a["mean"], a["sd"])


class HalfNormal(Continuous):
    """HalfNormal(sd): |x| of x ~ Normal(0, sd)."""

    support = "positive"
    domains: ClassVar[Mapping[str, str]] = {"sd": "positive"}

    def __init__(self, sd: Number = 1.0) -> None:
        super().__init__(sd=sd)

    def mean(self) -> Any:
        """Return sd sqrt(2 / pi)."""
        return self._full(self.of("sd")) * math.sqrt(2.0 / math.pi)

    def variance(self) -> Any:
        """Return sd^2 (1 - 2 / pi)."""
        return self._full(self.of("sd")) ** 2 * (1.0 - 2.0 / math.pi)

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        return stats.halfnorm(scale=self.numbers()["sd"])


class StudentT(Continuous):
    """StudentT(df, location, scale): location + scale t, t of Student's distribution with df degrees of freedom."""

    domains: ClassVar[Mapping[str, str]] = {"df": "positive", "scale": "positive"}
    location_scale = ("location", "scale")

    def __init__(self, df: Number, location: Number = 0.0, scale: Number = 1.0) -> None:
        super().__init__(df=df, location=location, scale=scale)

    def mean(self) -> Any:
        """Return the location; NaN up to one degree of freedom, where there is no mean."""
        tf = load()
        return tf.where(self._full(self.of("df")) > 1.0, self._full(self.of("location")), _nan())

    def variance(self) -> Any:
        """Return scale^2 df / (df - 2); infinite up to two degrees of freedom, NaN up to one."""
        tf = load()
        df, scale = self._full(self.of("df")), self._full(self.of("scale"))
        found = scale**2 * df / tf.where(df > 2.0, df - 2.0, 1.0)
        return tf.where(df > 2.0, found, tf.where(df > 1.0, tf.constant(math.inf, tf.float64), _nan()))

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        a = self.numbers()
        return stats.t(a["df"], a["location"], a["scale"])


class HalfStudentT(Continuous):
    """HalfStudentT(df, location, scale): |x| of x ~ StudentT(df, location, scale)."""

    support = "positive"
    domains: ClassVar[Mapping[str, str]] = {"df": "positive", "scale": "positive"}

    def __init__(self, df: Number, location: Number = 0.0, scale: Number = 1.0) -> None:
        super().__init__(df=df, location=location, scale=scale)

    def mean(self) -> Any:
        """Return the mean, by quadrature; infinite up to one degree of freedom."""
        return tensor(np.asarray(self._by_rule(1)))

    def variance(self) -> Any:
        """Return the variance."""
        first = np.asarray(self._by_rule(1))
        return tensor(np.asarray(self._by_rule(2)) - first**2)

    def _by_rule(self, power: int) -> Any:
        """Return the moment of |x|, by E|x|^2 = E x^2 and, for the mean, by quadrature of the survival function."""
        from scipy import integrate, stats

        a = np.broadcast_arrays(*(self.numbers()[key] for key in ("df", "location", "scale")))

        def one(df: float, location: float, scale: float) -> float:
            t = stats.t(df, location, scale)
            if power == 2:
                return float(t.var() + location**2) if df > 2 else math.inf
            if df <= 1:
                return math.inf
            # E|x| = int_0^inf P(|x| > v) dv.
            found, _ = integrate.quad(lambda v: t.sf(v) + t.cdf(-v), 0.0, np.inf, limit=200)
            return float(found)

        return np.vectorize(one, otypes=[float])(*a)

    def cdf(self, value: Any) -> np.ndarray:
        """Return P(|x| <= value)."""
        from scipy import stats

        a, v = self.numbers(), np.maximum(np.asarray(value, dtype=np.float64), 0.0)
        t = stats.t(a["df"], a["location"], a["scale"])
        return np.asarray(t.cdf(v) - t.cdf(-v))

    def quantile(self, p: Any) -> np.ndarray:
        """Return the value below which a share p lies, by bisection unless location is 0."""
        from scipy import stats

        a, p = self.numbers(), np.asarray(p, dtype=np.float64)
        if np.all(a["location"] == 0.0):
            return np.asarray(a["scale"] * stats.t(a["df"]).ppf(0.5 + 0.5 * p))
        t = stats.t(a["df"], a["location"], a["scale"])
        low = np.zeros(np.broadcast_shapes(p.shape, *(v.shape for v in a.values())))
        high = np.maximum(np.abs(t.ppf(0.5 - 0.5 * p)), np.abs(t.ppf(0.5 + 0.5 * p))) + low
        for _ in range(200):
            middle = 0.5 * (low + high)
            below = self.cdf(middle) < p
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return high

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Return draws of a whole shape."""
        a = self.numbers()
        return np.abs(a["location"] + a["scale"] * rng.standard_t(a["df"], size=size))


class Cauchy(Continuous):
    """Cauchy(location, scale): StudentT with one degree of freedom; it has no mean."""

    domains: ClassVar[Mapping[str, str]] = {"scale": "positive"}
    location_scale = ("location", "scale")

    def __init__(self, location: Number = 0.0, scale: Number = 1.0) -> None:
        super().__init__(location=location, scale=scale)

    def mean(self) -> Any:
        """Return NaN: there is no mean."""
        return self._full(_nan())

    def variance(self) -> Any:
        """Return NaN: there is no variance."""
        return self._full(_nan())

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        a = self.numbers()
        return stats.cauchy(a["location"], a["scale"])


class HalfCauchy(Continuous):
    """HalfCauchy(scale): |x| of x ~ Cauchy(0, scale); its mean is infinite."""

    support = "positive"
    domains: ClassVar[Mapping[str, str]] = {"scale": "positive"}

    def __init__(self, scale: Number = 1.0) -> None:
        super().__init__(scale=scale)

    def mean(self) -> Any:
        """Return infinity."""
        return self._full(math.inf)

    def variance(self) -> Any:
        """Return infinity."""
        return self._full(math.inf)

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        return stats.halfcauchy(scale=self.numbers()["scale"])


class Exponential(Continuous):
    """Exponential(rate): p(x) = rate exp(-rate x)."""

    support = "positive"
    domains: ClassVar[Mapping[str, str]] = {"rate": "positive"}

    def __init__(self, rate: Number = 1.0) -> None:
        super().__init__(rate=rate)

    def contains(self, x: Any) -> Any:
        """Return whether x >= 0."""
        return x >= 0.0

    def mean(self) -> Any:
        """Return 1 / rate."""
        return 1.0 / self._full(self.of("rate"))

    def variance(self) -> Any:
        """Return 1 / rate^2."""
        return 1.0 / self._full(self.of("rate")) ** 2

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        return stats.expon(scale=1.0 / self.numbers()["rate"])


class Gamma(Continuous):
    """Gamma(shape, rate): p(x) = rate^shape x^(shape - 1) exp(-rate x) / G(shape).

    In place of the rate, mean= or log= (of the mean) may be given: rate = shape / mean.
    """

    support = "positive"
    domains: ClassVar[Mapping[str, str]] = {"shape": "positive", "rate": "positive", "mean": "positive"}

    def __init__(
        self, shape: Number, rate: Number | None = None, *, mean: Number | None = None, log: Number | None = None
    ) -> None:
        super().__init__(shape=shape, **one_of("Gamma", {"rate": rate, "mean": mean, "log": log}))

    def _rate(self) -> Any:
        if "rate" in self.arguments:
            return self.of("rate")
        return self.of("shape") / (self.of("mean") if "mean" in self.arguments else load().exp(tensor(self.of("log"))))

    def log_density(self, x: Any) -> Any:
        """Return log p(x) for x > 0."""
        return densities.log_prob(Named("Gamma", (self.of("shape"), self._rate())), x)

    def mean(self) -> Any:
        """Return shape / rate."""
        return self._full(self.of("shape") / self._rate())

    def variance(self) -> Any:
        """Return shape / rate^2."""
        return self._full(self.of("shape") / self._rate() ** 2)

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        return stats.gamma(self.numbers()["shape"], scale=1.0 / np.asarray(self._rate()))


class InverseGamma(Continuous):
    """InverseGamma(shape, scale): 1 / x of x ~ Gamma(shape, scale)."""

    support = "positive"
    domains: ClassVar[Mapping[str, str]] = {"shape": "positive", "scale": "positive"}

    def __init__(self, shape: Number, scale: Number) -> None:
        super().__init__(shape=shape, scale=scale)

    def mean(self) -> Any:
        """Return scale / (shape - 1); infinite up to shape 1."""
        tf = load()
        shape = self._full(self.of("shape"))
        found = self._full(self.of("scale")) / tf.where(shape > 1.0, shape - 1.0, 1.0)
        return tf.where(shape > 1.0, found, tf.constant(math.inf, tf.float64))

    def variance(self) -> Any:
        """Return scale^2 / ((shape - 1)^2 (shape - 2)); infinite up to shape 2."""
        tf = load()
        shape = self._full(self.of("shape"))
        safe = tf.where(shape > 2.0, shape, 3.0)
        found = self._full(self.of("scale")) ** 2 / ((safe - 1.0) ** 2 * (safe - 2.0))
        return tf.where(shape > 2.0, found, tf.constant(math.inf, tf.float64))

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        a = self.numbers()
        return stats.invgamma(a["shape"], scale=a["scale"])


class LogNormal(Continuous):
    """LogNormal(mean, sd): exp x of x ~ Normal(mean, sd)."""

    support = "positive"
    domains: ClassVar[Mapping[str, str]] = {"sd": "positive"}

    def __init__(self, mean: Number = 0.0, sd: Number = 1.0) -> None:
        super().__init__(mean=mean, sd=sd)

    def mean(self) -> Any:
        """Return exp(mean + sd^2 / 2)."""
        return load().exp(self._full(self.of("mean")) + 0.5 * self._full(self.of("sd")) ** 2)

    def variance(self) -> Any:
        """Return (exp(sd^2) - 1) exp(2 mean + sd^2)."""
        tf = load()
        square = self._full(self.of("sd")) ** 2
        return tf.math.expm1(square) * tf.exp(2.0 * self._full(self.of("mean")) + square)

    def frozen(self) -> Any:
        """Return scipy's distribution."""
        from scipy import stats

        a = self.numbers()
        return stats.lognorm(a["sd"], scale=np.exp(a["mean"]))


def _nan() -> Any:
    return load().constant(math.nan, load().float64)
