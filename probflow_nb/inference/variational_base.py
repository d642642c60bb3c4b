"""The base distribution that VI's families are linear maps of: normal, but for what variance parameters do to it.

The first T coordinates are hyperparameters (log standard deviations and the like), whose posteriors are skewed and on
which the scales of the others depend. With e standard normal,

    x_t = (sinh(a_t + d_t asinh e_t) - sinh a_t) / (d_t cosh a_t)       t <= T; slope 1 at 0 (Jones and Pewsey 2009)
    x_r = exp(sum_t B_rt e_t) e_r                                       r > T

With a = 0, d = 1 and B = 0 it is standard normal; with T = 0 always.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.tensorflow import load

Arrays = Mapping[str, Any]
# Bounds of a and of log d: beyond them the sinh-arcsinh map folds tails away.
_SKEW = 2.0
_TAIL = 0.7
# Steps of a and log d are shorter than the others, whose information they overlap with.
_SLOW = 0.3
_BOUND = 1.0


@dataclass(frozen=True, eq=False)
class Warped:
    """Base draws. x: (S, D). score: -grad_x log density, (S, D). log_slope: log |dx / de|, (S,)."""

    x: Any
    score: Any
    log_slope: Any


def start(n_hyper: int, size: int) -> dict[str, np.ndarray]:
    """Return the parameters of the standard normal: "skew" (T,), "tail" (T,) = log d, "scales" (D - T, T)."""
    if not n_hyper:
        return {}
    return {"skew": np.zeros(n_hyper), "tail": np.zeros(n_hyper), "scales": np.zeros((size - n_hyper, n_hyper))}


def warp(q: Arrays, e: Any, n_hyper: int) -> Warped:
    """Return the base draws of e (S, D)."""
    tf = load()
    if not n_hyper:
        return Warped(e, e, tf.zeros_like(e[:, 0]))
    first, rest = e[:, :n_hyper], e[:, n_hyper:]
    skew, d = q["skew"], tf.exp(q["tail"])
    u = skew + d * tf.asinh(first)
    root = tf.sqrt(1.0 + first**2)
    slope = tf.cosh(u) / (root * tf.cosh(skew))
    growth = tf.tanh(u) * d / root - first / (1.0 + first**2)
    exponent = tf.linalg.matmul(first, q["scales"], transpose_b=True)
    scale = tf.exp(exponent)
    pull = tf.linalg.matmul(rest**2 - 1.0, q["scales"])
    return Warped(
        tf.concat([(tf.sinh(u) - tf.sinh(skew)) / (d * tf.cosh(skew)), scale * rest], axis=1),
        tf.concat([(first + growth - pull) / slope, rest / scale], axis=1),
        tf.reduce_sum(tf.math.log(slope), axis=1) + tf.reduce_sum(exponent, axis=1),
    )


def moved(q: Arrays, h: Any, e: Any, x: Any, rate: Any, n_hyper: int) -> dict[str, Any]:
    """Return the parameters after a step along their gradients, E h dx / d parameter.

    h: L' grad log p + score, (S, D). Fisher's information of B is 2, hence its half.
    """
    tf = load()
    if not n_hyper:
        return {}
    first, S = e[:, :n_hyper], tf.cast(tf.shape(e)[0], tf.float64)
    skew, d = q["skew"], tf.exp(q["tail"])
    bend = tf.asinh(first)
    cosh = tf.cosh(skew + d * bend) / tf.cosh(skew)
    by_skew = (cosh - 1.0) / d - tf.tanh(skew) * x[:, :n_hyper]
    by_tail = bend * cosh - x[:, :n_hyper]
    scales = 0.5 * tf.linalg.matmul(h[:, n_hyper:] * x[:, n_hyper:], first, transpose_a=True) / S
    norm = tf.sqrt(tf.reduce_sum(scales**2, axis=1, keepdims=True) + 1e-300)

    def limited(value: Any, by: Any, bound: float) -> Any:
        u = tf.clip_by_value(tf.reduce_mean(h[:, :n_hyper] * by, axis=0), -_BOUND, _BOUND)
        return tf.clip_by_value(value + _SLOW * rate * u, -bound, bound)

    return {
        "skew": limited(skew, by_skew, _SKEW),
        "tail": limited(q["tail"], by_tail, _TAIL),
        "scales": q["scales"] + rate * scales * tf.minimum(_BOUND / norm, tf.ones_like(norm)),
    }
