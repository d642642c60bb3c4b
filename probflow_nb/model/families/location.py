"""Location: the links of a mean that may be any number, as mu with its first two derivatives by eta, for any eta.

identity   mu = eta
log        mu = exp(eta)
inverse    mu = 1 / eta, for eta of either sign
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...backend.tensorflow import load

# exp(eta) and 1 / eta grow to exp(100) and no further: a scale may be as small as exp(-100), and the square of their
# ratio is still a number.
_LARGEST_LOG = 100.0
_SMALLEST = float(np.exp(-_LARGEST_LOG))
_LARGEST = 1e140


class Location(NamedTuple):
    """mu with its first and second derivative by eta."""

    mu: np.ndarray
    first: np.ndarray
    second: np.ndarray


def location(link: str, eta: np.ndarray) -> Location:
    """Return mu and its derivatives of one of the links identity, log and inverse."""
    eta = np.asarray(eta, float)
    if link == "identity":
        return Location(np.clip(eta, -_LARGEST, _LARGEST), np.ones_like(eta), np.zeros_like(eta))
    if link == "log":
        mu = np.exp(np.clip(eta, -_LARGEST_LOG, _LARGEST_LOG))
        return Location(mu, mu, mu)
    mu = 1.0 / np.where(np.abs(eta) < _SMALLEST, np.copysign(_SMALLEST, eta), eta)
    return Location(mu, -mu * mu, 2.0 * mu**3)


def tensor_location(link: str, eta: Any) -> Any:
    """Return mu of a tensor eta, with gradients that stay finite."""
    tf = load()
    if link == "identity":
        return tf.clip_by_value(eta, -_LARGEST, _LARGEST)
    if link == "log":
        return tf.exp(tf.clip_by_value(eta, -_LARGEST_LOG, _LARGEST_LOG))
    least = tf.where(eta < 0.0, -_SMALLEST * tf.ones_like(eta), _SMALLEST * tf.ones_like(eta))
    return 1.0 / tf.where(tf.abs(eta) < _SMALLEST, least, eta)


def link_of_mean(link: str, mu: np.ndarray) -> np.ndarray:
    """Return eta of a mean."""
    return np.log(mu) if link == "log" else 1.0 / mu if link == "inverse" else np.asarray(mu, float)
