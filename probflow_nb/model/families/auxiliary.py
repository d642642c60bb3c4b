"""Auxiliary: the further parameters of a family, each with its prior and its place among unconstrained numbers.

log      value = exp(x)                     shape, sigma, precision, df
logit    value = 1 / (1 + exp(-x))          zero
first    value = x                          the first cutpoint
next     value = the one before + exp(x)    every further cutpoint
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ...backend.tensorflow import load
from ...spec.priors import Distribution

# exp is taken of no more than this, either way.
_WIDEST = 100.0

# The default prior of a shape or a precision, normal on the scale of logs. A prior with an exponential tail, such as a
# Gamma, would pull a large value down by far more than any data can hold against: a response that varies by a twentieth
# of its mean has shape 400.
SHAPE_PRIOR = Distribution("LogNormal", (2.0, 2.0))


@dataclass(frozen=True)
class Auxiliary:
    """A further parameter of a family.

    name: as it is shown. prior: the default. transform: how it is free, see above. start: a plausible value.
    """

    name: str
    prior: Distribution
    transform: Literal["log", "logit", "first", "next"] = "log"
    start: float = 1.0


def constrained(auxiliary: Sequence[Auxiliary], free: Sequence[Any], ops: Any = np) -> tuple[Any, ...]:
    """Return the values of free numbers, one array each; ops: numpy, or TensorFlow for its tensors."""
    found: list[Any] = []
    for one, x in zip(auxiliary, free, strict=True):
        if one.transform == "first":
            found.append(x)
            continue
        x = ops.minimum(ops.maximum(x, -_WIDEST), _WIDEST)
        if one.transform == "logit":
            found.append(1.0 / (1.0 + ops.exp(-x)))
        else:
            found.append(ops.exp(x) + (found[-1] if one.transform == "next" else 0.0))
    return tuple(found)


def log_jacobian(auxiliary: Sequence[Auxiliary], free: Sequence[Any], ops: Any = np) -> list[Any]:
    """Return the log derivative of each value by its free number."""
    found = []
    for one, x in zip(auxiliary, free, strict=True):
        if one.transform == "logit":
            # log p + log(1 - p)
            found.append(-ops.abs(x) - 2.0 * ops.log1p(ops.exp(-ops.abs(x))) if ops is np else _log_logistic(x, ops))
        else:
            found.append(0.0 * x if one.transform == "first" else x)
    return found


def _log_logistic(x: Any, tf: Any) -> Any:
    return -tf.nn.softplus(x) - tf.nn.softplus(-x)


def unconstrained(auxiliary: Sequence[Auxiliary], values: Sequence[float]) -> np.ndarray:
    """Return the free numbers of values, (a,)."""
    found, before = [], 0.0
    for one, value in zip(auxiliary, values, strict=True):
        if one.transform == "first":
            found.append(float(value))
        elif one.transform == "logit":
            found.append(math.log(value) - math.log1p(-value))
        else:
            found.append(math.log(value - (before if one.transform == "next" else 0.0)))
        before = value
    return np.array(found)


def freed(auxiliary: Sequence[Auxiliary], values: Sequence[Any]) -> list[Any]:
    """Return the free numbers of tensors of values, (...) each: the inverse of `constrained`."""
    tf, found, before = load(), [], None
    for one, value in zip(auxiliary, values, strict=True):
        if one.transform == "logit":
            found.append(tf.math.log(value) - tf.math.log1p(-value))
        elif one.transform == "first":
            found.append(value)
        else:
            found.append(tf.math.log(value - before if one.transform == "next" else value))
        before = value
    return found


def log_orderings(auxiliary: Sequence[Auxiliary]) -> float:
    """Return the log of the number of orders of the cutpoints: what their joint prior gains by being sorted."""
    return math.lgamma(1.0 + sum(one.transform in ("first", "next") for one in auxiliary))
