"""Log densities of continuous distributions, element by element, on tensors of any shape.

Arguments are numbers, numpy arrays or tensors that broadcast against the value; what numbers alone decide, such as a
normalising constant, is worked out once in numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ..backend.tensorflow import load
from ..errors import EngineError
from ..spec.priors import Distribution

_LOG_2PI = math.log(2.0 * math.pi)
_lgamma_of = np.vectorize(math.lgamma, otypes=[float])

# A number, a numpy array or a tensor.
Number: TypeAlias = Any


def _is_number(value: Number) -> bool:
    return isinstance(value, (int, float, np.ndarray, np.generic))


def _log(value: Number) -> Number:
    return np.log(value) if _is_number(value) else load().math.log(value)


def _lgamma(value: Number) -> Number:
    return _lgamma_of(value) if _is_number(value) else load().math.lgamma(value)


def log_prob(distribution: Distribution, x: Any) -> Any:
    """Return log p(x), normalised; 0 for Flat; minus infinity outside a bounded support.

    x: tensor of any shape. Half-distributions take x > 0 and are not checked: an engine works on log x.
    Raises EngineError for a distribution of matrices.
    """
    density = _DENSITIES.get(distribution.name)
    if density is None:
        raise EngineError(f"{distribution.name} is not a distribution of single numbers.")
    return density(x, *distribution.arguments)


def _normal(x: Any, mean: Number, sd: Number) -> Any:
    return -0.5 * ((x - mean) / sd) ** 2 - (_log(sd) + 0.5 * _LOG_2PI)


def _half_normal(x: Any, sd: Number) -> Any:
    return _normal(x, 0.0, sd) + math.log(2.0)


def _student_t(x: Any, df: Number, location: Number, scale: Number) -> Any:
    tf = load()
    constant = _lgamma(0.5 * (df + 1)) - _lgamma(0.5 * df) - 0.5 * _log(df * math.pi) - _log(scale)
    return constant - 0.5 * (df + 1) * tf.math.log1p(((x - location) / scale) ** 2 / df)


def _half_student_t(x: Any, df: Number, location: Number, scale: Number) -> Any:
    tf = load()
    # The density of |t| folds the left half over the right one.
    if _is_number(location) and np.all(location == 0.0):
        return _student_t(x, df, 0.0, scale) + math.log(2.0)
    return tf.math.reduce_logsumexp(
        tf.stack([_student_t(x, df, location, scale), _student_t(-x, df, location, scale)]), axis=0
    )


def _cauchy(x: Any, location: Number, scale: Number) -> Any:
    return _student_t(x, 1.0, location, scale)


def _half_cauchy(x: Any, scale: Number) -> Any:
    return _half_student_t(x, 1.0, 0.0, scale)


def _exponential(x: Any, rate: Number) -> Any:
    return _log(rate) - rate * x


def _gamma(x: Any, shape: Number, rate: Number) -> Any:
    tf = load()
    return (shape - 1) * tf.math.log(x) - rate * x + (shape * _log(rate) - _lgamma(shape))


def _inverse_gamma(x: Any, shape: Number, scale: Number) -> Any:
    tf = load()
    return -(shape + 1) * tf.math.log(x) - scale / x + (shape * _log(scale) - _lgamma(shape))


def _log_normal(x: Any, mean: Number, sd: Number) -> Any:
    tf = load()
    log_x = tf.math.log(x)
    return _normal(log_x, mean, sd) - log_x


def _uniform(x: Any, low: Number, high: Number) -> Any:
    tf = load()
    inside = (x >= low) & (x <= high)
    return tf.where(inside, tf.zeros_like(x), tf.fill(tf.shape(x), tf.cast(-math.inf, x.dtype))) - _log(high - low)


def _beta(x: Any, a: Number, b: Number) -> Any:
    tf = load()
    constant = _lgamma(a + b) - _lgamma(a) - _lgamma(b)
    inside = (x > 0.0) & (x < 1.0)
    safe = tf.where(inside, x, 0.5 * tf.ones_like(x))
    value = (a - 1) * tf.math.log(safe) + (b - 1) * tf.math.log1p(-safe) + constant
    return tf.where(inside, value, tf.fill(tf.shape(x), tf.cast(-math.inf, x.dtype)))


def _flat(x: Any) -> Any:
    return load().zeros_like(x)


_DENSITIES: dict[str, Callable[..., Any]] = {
    "Normal": _normal,
    "HalfNormal": _half_normal,
    "StudentT": _student_t,
    "HalfStudentT": _half_student_t,
    "Cauchy": _cauchy,
    "HalfCauchy": _half_cauchy,
    "Exponential": _exponential,
    "Gamma": _gamma,
    "InverseGamma": _inverse_gamma,
    "LogNormal": _log_normal,
    "Uniform": _uniform,
    "Beta": _beta,
    "Flat": _flat,
}


def lkj_partial_log_prob(eta: float, k: int, z: list[list[Any]]) -> Any:
    """Return the LKJ(eta) log density of canonical partial correlations, with respect to atanh z.

    z[i][j], 0 <= j < i < k, are the partial correlations of columns i and j given columns 0..j-1; under LKJ(eta) they
    are independent, (z + 1) / 2 ~ Beta(b, b) with b = eta + (k - 2 - j) / 2 (Lewandowski, Kurowicka and Joe 2009,
    section 2). The Jacobian of tanh adds log(1 - z^2).
    """
    tf = load()
    total, constant = 0.0, 0.0
    for i in range(1, k):
        for j in range(i):
            b = eta + 0.5 * (k - 2 - j)
            constant += (2 * b - 1) * math.log(2.0) + 2 * math.lgamma(b) - math.lgamma(2 * b)
            total = total + b * tf.math.log1p(-z[i][j] * z[i][j])
    return total - constant
