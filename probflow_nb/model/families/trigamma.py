"""Trigamma: the second derivative of log G, by its expansion, which costs an eighth of the zeta function.

psi1(x) = sum_{i < 6} 1 / (x + i)^2 + 1 / z + 1 / (2 z^2) + sum_k B_2k / z^(2k + 1),  z = x + 6
(Abramowitz and Stegun 1964, 6.4.6 and 6.4.12)
"""

from __future__ import annotations

import numpy as np

_SHIFT = 6
# The Bernoulli numbers B_2, B_4, ..., B_14.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)


def trigamma(x: np.ndarray) -> np.ndarray:
    """Return psi1(x) for x of at least 1, to a relative 1e-12."""
    z = np.asarray(x, float) + _SHIFT
    inverse = 1.0 / z
    square = inverse * inverse
    series = np.full_like(z, _BERNOULLI[-1])
    for number in _BERNOULLI[-2::-1]:
        series *= square
        series += number
    series *= square
    series += 0.5 * inverse
    series += 1.0
    series *= inverse
    for i in range(1, _SHIFT + 1):
        term = 1.0 / (z - i)
        series += term * term
    return series
