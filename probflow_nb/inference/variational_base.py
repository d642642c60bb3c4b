"""The base distribution that VI's families are linear maps of: normal, but for what variance parameters do to it.

The first T coordinates are hyperparameters (log standard deviations and the like), whose posteriors are skewed and on
which the centres and scales of the others depend. With e standard normal,

    x_t = exp(sum_{s<t} C_ts e_s) (sinh(a_t + d_t asinh e_t) - sinh a_t) / (d_t cosh a_t)      t <= T
    x_r = exp(sum_t B_rt e_t) e_r + sum_{s<=t} Q_rst H_st(e)                                   r > T

where the sinh-arcsinh map (Jones and Pewsey 2009) has slope 1 at 0, H_st = e_s e_t and H_tt = (e_t^2 - 1) / sqrt 2.
With a = 0, d = 1 and B = C = Q = 0 it is standard normal; with T = 0 always.
"""

from __future__ import annotations

import math
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
    """Return the parameters of the standard normal: a, log d (T,); C (T, T); B (D - T, T); Q (D - T, T (T + 1) / 2)."""
    T, R = n_hyper, size - n_hyper
    if not T:
        return {}
    return {
        "skew": np.zeros(T),
        "tail": np.zeros(T),
        "among": np.zeros((T, T)),
        "scales": np.zeros((R, T)),
        "bends": np.zeros((R, T * (T + 1) // 2)),
    }


def warp(q: Arrays, e: Any, n_hyper: int) -> Warped:
    """Return the base draws of e (S, D)."""
    tf = load()
    T = n_hyper
    if not T:
        return Warped(e, e, tf.zeros_like(e[:, 0]))
    first, rest = e[:, :T], e[:, T:]
    own, slope, growth = _sinh_arcsinh(q, first)
    inner = tf.linalg.matmul(first, q["among"], transpose_b=True)
    outer = tf.linalg.matmul(first, q["scales"], transpose_b=True)
    scale = tf.exp(outer)
    x = tf.exp(inner) * own
    score_rest = rest / scale
    # e + grad log |J|, less what moving e_t does to the others' densities.
    pull = first + growth + tf.reduce_sum(q["among"], axis=0)
    pull -= tf.linalg.matmul(rest**2 - 1.0, q["scales"])
    pull -= _bend_slopes(first, tf.linalg.matmul(score_rest, q["bends"]))
    diagonal = tf.exp(inner) * slope
    score = _back_substituted(q["among"], x, diagonal, pull)
    bent = tf.linalg.matmul(_products(first), q["bends"], transpose_b=True)
    return Warped(
        tf.concat([x, scale * rest + bent], axis=1),
        tf.concat([score, score_rest], axis=1),
        tf.reduce_sum(tf.math.log(diagonal), axis=1) + tf.reduce_sum(outer, axis=1),
    )


def moved(q: Arrays, h: Any, e: Any, x: Any, rate: Any, n_hyper: int) -> dict[str, Any]:
    """Return the parameters after a step along their gradients, E h dx / d parameter.

    h: L' grad log p + score, (S, D). Fisher's information of B and C is 2, of Q 1, at the standard normal.
    """
    tf = load()
    T = n_hyper
    if not T:
        return {}
    first, S = e[:, :T], tf.cast(tf.shape(e)[0], tf.float64)
    skew, d = q["skew"], tf.exp(q["tail"])
    h_first, h_rest = h[:, :T], h[:, T:]
    factor = tf.exp(tf.linalg.matmul(first, q["among"], transpose_b=True))
    bend = tf.asinh(first)
    cosh = factor * tf.cosh(skew + d * bend) / tf.cosh(skew)
    by_skew = (cosh - factor) / d - tf.tanh(skew) * x[:, :T]
    by_tail = bend * cosh - x[:, :T]
    bent = tf.linalg.matmul(_products(first), q["bends"], transpose_b=True)
    among = 0.5 * tf.linalg.matmul(h_first * x[:, :T], first, transpose_a=True) / S
    scales = 0.5 * tf.linalg.matmul(h_rest * (x[:, T:] - bent), first, transpose_a=True) / S
    bends = tf.linalg.matmul(h_rest, _products(first), transpose_a=True) / S

    def limited(value: Any, by: Any, bound: float) -> Any:
        u = tf.clip_by_value(tf.reduce_mean(h_first * by, axis=0), -_BOUND, _BOUND)
        return tf.clip_by_value(value + _SLOW * rate * u, -bound, bound)

    def longer(value: Any, u: Any) -> Any:
        norm = tf.sqrt(tf.reduce_sum(u**2, axis=1, keepdims=True) + 1e-300)
        return value + rate * u * tf.minimum(_BOUND / norm, tf.ones_like(norm))

    return {
        "skew": limited(skew, by_skew, _SKEW),
        "tail": limited(q["tail"], by_tail, _TAIL),
        "among": longer(q["among"], tf.linalg.band_part(among, -1, 0) - tf.linalg.diag(tf.linalg.diag_part(among))),
        "scales": longer(q["scales"], scales),
        "bends": longer(q["bends"], bends),
    }


def _sinh_arcsinh(q: Arrays, e: Any) -> tuple[Any, Any, Any]:
    """Return the map of e (S, T), its slope, and the derivative of the slope's log."""
    tf = load()
    skew, d = q["skew"], tf.exp(q["tail"])
    u = skew + d * tf.asinh(e)
    root = tf.sqrt(1.0 + e**2)
    value = (tf.sinh(u) - tf.sinh(skew)) / (d * tf.cosh(skew))
    return value, tf.cosh(u) / (root * tf.cosh(skew)), tf.tanh(u) * d / root - e / (1.0 + e**2)


def _pairs(T: int) -> tuple[np.ndarray, np.ndarray]:
    """Return s and t of each product H_st, s <= t."""
    t, s = np.tril_indices(T)
    return s, t


def _products(e: Any) -> Any:
    """Return H (S, T (T + 1) / 2) of e (S, T)."""
    tf = load()
    s, t = _pairs(e.shape[1])
    # Constant 0 and 1 matrices: XLA compiles one product faster than many slices.
    own = np.where(s == t, 1.0, 0.0)
    return (tf.gather(e, s, axis=1) * tf.gather(e, t, axis=1) - own) * np.where(s == t, math.sqrt(0.5), 1.0)


def _bend_slopes(e: Any, g: Any) -> Any:
    """Return sum_st g_st dH_st / de (S, T) for g (S, T (T + 1) / 2)."""
    tf = load()
    T = e.shape[1]
    s, t = _pairs(T)
    g = g * np.where(s == t, math.sqrt(0.5), 1.0)
    by_s = tf.linalg.matmul(g * tf.gather(e, t, axis=1), tf.constant(np.eye(T)[s]))
    return by_s + tf.linalg.matmul(g * tf.gather(e, s, axis=1), tf.constant(np.eye(T)[t]))


def _back_substituted(among: Any, x: Any, diagonal: Any, pull: Any) -> Any:
    """Return J^-T v (S, T), J_ts = C_ts x_t below the diagonal.

    C is nilpotent, so that v / J_ss - (C' x v) / J_ss is exact when it is done T times.
    """
    tf = load()
    found = pull / diagonal
    for _ in range(x.shape[1] - 1):
        found = (pull - tf.linalg.matmul(x * found, among)) / diagonal
    return found
