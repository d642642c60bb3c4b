"""Interval: log(F(a) - F(b)) of a distribution function F between cuts, with derivatives, exact into both tails.

b = low - eta, a = high - eta, h = high - low; low may be minus infinity, high infinity, not both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend.tensorflow import load
from .probability import far_mills, softplus_and_p, tensor_log_ndtr
from .record import LARGEST_EXPONENT, Slopes

# eta and cuts are taken of no more than this for the normal distribution.
_WIDEST = 1e8
# An interval as narrow as this, times 1 + |middle|, is taken as its middle's density times its width.
_NARROW = 1e-3
_FAR = 25.0
_LEAST = 1e-300


def interval_slopes(link: str, low: np.ndarray, high: np.ndarray, eta: np.ndarray) -> Slopes:
    """Return log(F(high - eta) - F(low - eta)) with its derivatives by eta."""
    eta = np.clip(eta, -1e100, 1e100)
    return {"logit": _logit, "probit": _probit, "cloglog": _cloglog}[link](low, high, eta)


def tensor_interval(link: str, low: Any, high: Any, width: Any, eta: Any) -> Any:
    """Return the same of tensors, without derivatives; low and high finite, their difference given as width.

    An end at no finite place is given as one that is 1e10 away, with a width of 1e10.
    """
    eta = load().clip_by_value(eta, -_WIDEST, _WIDEST)
    return {"logit": _tensor_logit, "probit": _tensor_probit, "cloglog": _tensor_cloglog}[link](low, high, width, eta)


# Logistic: F(a) - F(b) = F(a) (1 - F(b)) (1 - e^-h), so that each factor has its own exact log ---------------------


def _logit(low: np.ndarray, high: np.ndarray, eta: np.ndarray) -> Slopes:
    up, p_up = softplus_and_p(eta - high)
    down, p_down = softplus_and_p(low - eta)
    # p_up = 1 - F(a), p_down = F(b).
    q_up, q_down = softplus_and_p(high - eta)[1], softplus_and_p(eta - low)[1]
    value = _log1mexp(np.maximum(high - low, _LEAST)) - up - down
    return Slopes(value, p_down - p_up, p_up * q_up + p_down * q_down)


def _tensor_logit(low: Any, high: Any, width: Any, eta: Any) -> Any:
    tf = load()
    return _tensor_log1mexp(width) - tf.nn.softplus(eta - high) - tf.nn.softplus(low - eta)


# Gumbel: with B = e^b and D = e^a - e^b = e^b (e^h - 1), F(a) - F(b) = e^-B (1 - e^-D) ------------------------------


def _cloglog(low: np.ndarray, high: np.ndarray, eta: np.ndarray) -> Slopes:
    a, b = (np.clip(x, -LARGEST_EXPONENT, LARGEST_EXPONENT) for x in (high - eta, low - eta))
    B = np.where(low == -np.inf, 0.0, np.exp(b))
    h = np.maximum(high - low, _LEAST)
    # log D = a + log(1 - e^-h)
    log_d = np.minimum(np.where(high == np.inf, LARGEST_EXPONENT, a) + _log1mexp(h), LARGEST_EXPONENT)
    D = np.exp(log_d)
    bounded = np.clip(D, 1e-300, 600.0)
    ratio = bounded / np.expm1(bounded)
    small = D < 1e-5
    log_part = np.where(small, log_d - 0.5 * D, np.log(-np.expm1(-np.maximum(bounded, 1e-5))))
    # The second derivative of log(1 - e^-D) by eta.
    second = np.where(small, -0.5 * D, ratio * (1.0 - bounded - ratio))
    return Slopes(log_part - B, B - ratio, B - np.minimum(second, 0.0))


def _tensor_cloglog(low: Any, high: Any, width: Any, eta: Any) -> Any:
    tf = load()
    a, b = (tf.clip_by_value(x - eta, -LARGEST_EXPONENT, LARGEST_EXPONENT) for x in (high, low))
    log_d = tf.minimum(a + _tensor_log1mexp(width), LARGEST_EXPONENT)
    D = tf.exp(log_d)
    usual = tf.clip_by_value(D, 1e-5, 600.0)
    return tf.where(D < 1e-5, log_d - 0.5 * D, tf.math.log(-tf.math.expm1(-usual))) - tf.exp(b)


# Normal: both ends are turned to the left tail; derivatives are moments of the normal between a and b ---------------


def _probit(low: np.ndarray, high: np.ndarray, eta: np.ndarray) -> Slopes:
    from scipy.special import log_ndtr

    a, b = np.clip(high - eta, -_WIDEST, _WIDEST), np.clip(low - eta, -_WIDEST, _WIDEST)
    h = np.maximum(high - low, _LEAST)
    turned = a + b > 0.0
    top, bottom = np.where(turned, -b, a), np.where(turned, -a, b)
    middle = 0.5 * np.clip(top + bottom, -_WIDEST, 0.0)
    narrow = h * (1.0 - middle) < _NARROW
    log_top = log_ndtr(top)
    value = log_top + _log1mexp(np.maximum(log_top - log_ndtr(bottom), _LEAST))
    mean, variance = _moments(top, bottom, value, np.minimum(h, 1e10))
    h = np.where(narrow, h, 1.0)
    thin = -0.5 * middle**2 - _HALF_LOG_2PI + np.log(h) + h * h * np.clip(middle**2 - 1.0, -1.0, 1e6) / 24.0
    value = np.where(narrow, thin, value)
    mean = np.where(narrow, middle - h * h * middle / 12.0, mean)
    return Slopes(value, np.where(turned, -mean, mean), np.where(narrow, 1.0 - h * h / 12.0, 1.0 - variance))


_HALF_LOG_2PI = 0.5 * float(np.log(2.0 * np.pi))


def _moments(top: np.ndarray, bottom: np.ndarray, log_mass: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of the standard normal between bottom and top, top at most -bottom."""
    density_top, density_bottom = (
        np.exp(np.minimum(-0.5 * x * x - _HALF_LOG_2PI - np.maximum(log_mass, -1e15), 40.0)) for x in (top, bottom)
    )
    mean = density_bottom - density_top
    variance = 1.0 - top * density_top + bottom * density_bottom - mean * mean
    # Far out it is an exponential distribution to the left of the top, cut off h away.
    z = np.maximum(-top, _FAR)
    tail, gap = far_mills(z), np.minimum(z * h, 600.0)
    left = h / np.expm1(np.maximum(gap, 1e-12))
    far = top < -_FAR
    mean = np.where(far, np.maximum(top - (tail - z) + np.where(gap < 600.0, left, 0.0), top - h), mean)
    spread = 1.0 / (z * z) - np.where(gap < 600.0, left * (h + left), 0.0)
    return mean, np.clip(np.where(far, spread, variance), 0.0, 1.0)


def _tensor_probit(low: Any, high: Any, width: Any, eta: Any) -> Any:
    tf = load()
    a, b = (tf.clip_by_value(x - eta, -_WIDEST, _WIDEST) for x in (high, low))
    turned = a + b > 0.0
    top, bottom = tf.where(turned, -b, a), tf.where(turned, -a, b)
    middle = 0.5 * (top + bottom)
    narrow = width * (1.0 - middle) < _NARROW
    log_top, log_bottom = tensor_log_ndtr(top), tensor_log_ndtr(bottom)
    gap = tf.where(narrow, tf.ones_like(log_top), log_top - log_bottom)
    h = tf.where(narrow, tf.maximum(width, _LEAST), tf.ones_like(width))
    thin = -0.5 * middle**2 - _HALF_LOG_2PI + tf.math.log(h) + h * h * (tf.minimum(middle**2, 1e6) - 1.0) / 24.0
    return tf.where(narrow, thin, log_top + _tensor_log1mexp(gap))


def _log1mexp(x: np.ndarray) -> np.ndarray:
    """Return log(1 - e^-x) for x > 0."""
    return np.where(x < 0.7, np.log(-np.expm1(-np.minimum(x, 0.7))), np.log1p(-np.exp(-np.maximum(x, 0.7))))


def _tensor_log1mexp(x: Any) -> Any:
    tf = load()
    x = tf.maximum(x, _LEAST)
    near = tf.math.log(-tf.math.expm1(-tf.minimum(x, 0.7)))
    return tf.where(x < 0.7, near, tf.math.log1p(-tf.exp(-tf.maximum(x, 0.7))))
