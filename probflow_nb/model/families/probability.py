"""Probability: the links of a probability as log p and log (1 - p) with their derivatives by eta, for any eta."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...backend.tensorflow import load
from .record import LARGEST_EXPONENT

_ROOT_2PI = float(np.sqrt(2.0 * np.pi))
# Beyond this the tail of the normal distribution is taken from its expansion.
_FAR = 25.0
# eta of cauchit is taken of no more than this, so that its square does not overflow.
_WIDEST = 1e100
# Some eta inside of the range of the links that have one.
_INSIDE = {"log": -0.7, "identity": 0.5}


class Logs(NamedTuple):
    """log p and log q, q = 1 - p, with their first and second derivatives by eta."""

    log_p: np.ndarray
    log_q: np.ndarray
    first_p: np.ndarray
    first_q: np.ndarray
    second_p: np.ndarray
    second_q: np.ndarray


def logs(link: str, eta: np.ndarray) -> Logs:
    """Return log p, log q and their derivatives; where eta is outside of the link's range, those of some eta inside."""
    return _LOGS[link](np.asarray(eta, float))


def inside(link: str, eta: Any) -> Any:
    """Return where a link makes a probability between 0 and 1 of eta, None for everywhere; arrays or tensors."""
    if link == "log":
        return eta < 0.0
    return (eta > 0.0) & (eta < 1.0) if link == "identity" else None


def tensor_logs(link: str, eta: Any) -> tuple[Any, Any]:
    """Return log p and log q of a tensor eta, with gradients that stay finite; outside of the range as `logs`."""
    tf = load()
    if link == "cauchit":
        eta = tf.clip_by_value(eta, -_WIDEST, _WIDEST)
        one = tf.ones_like(eta)
        return tf.math.log(tf.atan2(one, -eta) / np.pi), tf.math.log(tf.atan2(one, eta) / np.pi)
    within = inside(link, eta)
    if within is not None:
        eta = tf.where(within, eta, tf.fill(tf.shape(eta), tf.cast(_INSIDE[link], eta.dtype)))
        return (eta, tf.math.log(-tf.math.expm1(eta))) if link == "log" else (tf.math.log(eta), tf.math.log1p(-eta))
    if link == "logit":
        return -tf.nn.softplus(-eta), -tf.nn.softplus(eta)
    if link == "probit":
        return tensor_log_ndtr(eta), tensor_log_ndtr(-eta)
    eta = tf.clip_by_value(eta, -LARGEST_EXPONENT, LARGEST_EXPONENT)
    m = tf.exp(eta)
    # log(1 - exp(-m)) is log m - m / 2 for small m, and 0 to rounding for large m.
    usual = tf.clip_by_value(m, 1e-5, 600.0)
    return tf.where(m < 1e-5, eta - 0.5 * m, tf.math.log(-tf.math.expm1(-usual))), -m


def tensor_log_ndtr(x: Any) -> Any:
    """Return log Phi(x), by its tail's expansion below -20."""
    tf = load()
    far = x < -20.0
    near = tf.math.log(0.5 * tf.math.erfc(-tf.maximum(x, -20.0) / np.sqrt(2.0)))
    z = tf.minimum(x, -20.0)
    tail = -0.5 * z * z - tf.math.log(-z * _ROOT_2PI) + tf.math.log1p(-1.0 / z**2 + 3.0 / z**4)
    return tf.where(far, tail, near)


def probability(link: str, eta: np.ndarray) -> np.ndarray:
    """Return p, 0 or 1 where eta is outside of the link's range."""
    if link in _INSIDE:
        return np.exp(np.clip(eta, -LARGEST_EXPONENT, 0.0)) if link == "log" else np.clip(eta, 0.0, 1.0)
    return np.exp(logs(link, eta).log_p)


def link_of(link: str, p: np.ndarray) -> np.ndarray:
    """Return eta of a probability strictly between 0 and 1."""
    from scipy.special import ndtri

    if link == "probit":
        found: np.ndarray = ndtri(p)
        return found
    if link == "cauchit":
        return np.where(p < 0.5, -1.0 / np.tan(np.pi * p), np.tan(np.pi * (p - 0.5)))
    if link in _INSIDE:
        return np.log(p) if link == "log" else p
    return np.log(-np.log1p(-p)) if link == "cloglog" else np.log(p) - np.log1p(-p)


def softplus_and_p(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log(1 + exp(eta)) and the logistic p of eta."""
    e = np.exp(-np.abs(eta))
    bottom = 1.0 + e
    # log(1 + e) itself: e is at most 1, so that its absolute error is rounding, and log is cheaper than log1p.
    return np.maximum(eta, 0.0) + np.log(bottom), np.where(eta >= 0.0, 1.0, e) / bottom


def _logit(eta: np.ndarray) -> Logs:
    soft, p = softplus_and_p(eta)
    second = -np.exp(-np.abs(eta)) / (1.0 + np.exp(-np.abs(eta))) ** 2
    return Logs(eta - soft, -soft, softplus_and_p(-eta)[1], -p, second, second)


def _probit(eta: np.ndarray) -> Logs:
    from scipy.special import log_ndtr

    eta = np.clip(eta, -1e8, 1e8)
    up, low = log_ndtr(eta), log_ndtr(-eta)
    ratio_p, second_p = _mills(eta, up)
    ratio_q, second_q = _mills(-eta, low)
    return Logs(up, low, ratio_p, -ratio_q, second_p, second_q)


def _mills(x: np.ndarray, log_cdf: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and second derivative of log Phi at x."""
    z = np.maximum(-x, _FAR)
    near = np.maximum(x, -_FAR)
    ratio = np.exp(-0.5 * np.minimum(near * near, 1e4) - np.maximum(log_cdf, -400.0)) / _ROOT_2PI
    far = x < -_FAR
    # Phi(-z) = phi(z) / z (1 - 1 / z^2 + 3 / z^4 - ...) turned over.
    first = np.where(far, far_mills(z), ratio)
    second = np.where(far, -(1.0 - 1.0 / z**2 + 6.0 / z**4), -ratio * (ratio + near))
    return first, np.clip(second, -1.0, 0.0)


def far_mills(z: np.ndarray) -> np.ndarray:
    """Return phi(z) / Phi(-z) for large z."""
    return z + 1.0 / z - 2.0 / z**3


def _cloglog(eta: np.ndarray) -> Logs:
    eta = np.clip(eta, -LARGEST_EXPONENT, LARGEST_EXPONENT)
    m = np.exp(eta)
    bounded = np.minimum(m, 600.0)
    ratio = bounded / np.expm1(bounded)
    small = m < 1e-5
    log_p = np.where(small, eta - 0.5 * m, np.log(-np.expm1(-np.maximum(bounded, 1e-5))))
    second = np.where(small, -0.5 * m, ratio * (1.0 - bounded - ratio))
    return Logs(log_p, -m, ratio, -m, np.minimum(second, 0.0), -m)


def _cauchit(eta: np.ndarray) -> Logs:
    eta = np.clip(eta, -_WIDEST, _WIDEST)
    p, q = np.arctan2(1.0, -eta) / np.pi, np.arctan2(1.0, eta) / np.pi
    # dp / d eta and its own derivative.
    g = 1.0 / (np.pi * (1.0 + eta * eta))
    bend = -2.0 * eta * g / (1.0 + eta * eta)
    first_p, first_q = g / p, -g / q
    return Logs(np.log(p), np.log(q), first_p, first_q, bend / p - first_p**2, -bend / q - first_q**2)


def _log(eta: np.ndarray) -> Logs:
    eta = np.where(eta < 0.0, eta, _INSIDE["log"])
    rest = -np.expm1(eta)
    # p / q
    odds = np.exp(np.maximum(eta, -LARGEST_EXPONENT)) / rest
    one, zero = np.ones_like(eta), np.zeros_like(eta)
    return Logs(eta, np.log(rest), one, -odds, zero, -odds / rest)


def _identity(eta: np.ndarray) -> Logs:
    p = np.where((eta > 0.0) & (eta < 1.0), eta, _INSIDE["identity"])
    p = np.maximum(p, 1e-150)
    q = np.maximum(1.0 - p, 1e-16)
    return Logs(np.log(p), np.log1p(-p), 1.0 / p, -1.0 / q, -1.0 / p**2, -1.0 / q**2)


_LOGS = {
    "logit": _logit,
    "probit": _probit,
    "cloglog": _cloglog,
    "cauchit": _cauchit,
    "log": _log,
    "identity": _identity,
}
