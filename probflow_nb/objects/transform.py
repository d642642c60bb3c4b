"""Bijections from the whole line to the values that a parameter may have, with their log |Jacobian|.

An engine moves numbers z (..., D) without bounds; a bijection makes them a value (..., *shape) and back. For a matrix
or a simplex the Jacobian is that of the free coordinates: the entries below the diagonal, all parts but the last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..backend.tensorflow import load


class Bijection(Protocol):
    """One to one from z (..., D) to a value (..., *shape)."""

    @property
    def support(self) -> str:
        """The values in words, as a prior's `support` names them."""
        ...

    def size(self, shape: tuple[int, ...]) -> int:
        """Return D."""
        ...

    def forward(self, z: Any, shape: tuple[int, ...]) -> Any:
        """Return the value (..., *shape) of z (..., D)."""
        ...

    def inverse(self, value: Any, shape: tuple[int, ...]) -> Any:
        """Return z (..., D) of a value (..., *shape)."""
        ...

    def log_det(self, z: Any, shape: tuple[int, ...]) -> Any:
        """Return log |d value / d z|, shape (...)."""
        ...


def unflattened(z: Any, shape: tuple[int, ...]) -> Any:
    """Return z (..., D) as (..., *shape)."""
    tf = load()
    batch = list(z.shape[:-1])
    if None in batch:
        found = tf.reshape(z, tf.concat([tf.shape(z)[:-1], np.array(shape, np.int32)], axis=0))
        return tf.ensure_shape(found, [*batch, *shape])
    return tf.reshape(z, [*batch, *shape])


def flattened(value: Any, shape: tuple[int, ...]) -> Any:
    """Return a value (..., *shape) as (..., D)."""
    tf = load()
    size, batch = math.prod(shape), list(value.shape[: len(value.shape) - len(shape)])
    if None in batch:
        found = tf.reshape(value, tf.concat([tf.shape(value)[: len(batch)], [size]], axis=0))
        return tf.ensure_shape(found, [*batch, size])
    return tf.reshape(value, [*batch, size])


@dataclass(frozen=True)
class Real:
    """Any number: value = z."""

    support = "real"

    def size(self, shape: tuple[int, ...]) -> int:
        """Return D, the number of elements."""
        return math.prod(shape)

    def forward(self, z: Any, shape: tuple[int, ...]) -> Any:
        """Return z in the value's shape."""
        return unflattened(z, shape)

    def inverse(self, value: Any, shape: tuple[int, ...]) -> Any:
        """Return the value as one row."""
        return flattened(value, shape)

    def log_det(self, z: Any, shape: tuple[int, ...]) -> Any:
        """Return 0."""
        return load().zeros_like(z[..., 0])


@dataclass(frozen=True)
class Positive:
    """Numbers above 0: value = exp z."""

    support = "positive"

    def size(self, shape: tuple[int, ...]) -> int:
        """Return D, the number of elements."""
        return math.prod(shape)

    def forward(self, z: Any, shape: tuple[int, ...]) -> Any:
        """Return exp z."""
        return unflattened(load().exp(z), shape)

    def inverse(self, value: Any, shape: tuple[int, ...]) -> Any:
        """Return log value."""
        return flattened(load().math.log(value), shape)

    def log_det(self, z: Any, shape: tuple[int, ...]) -> Any:
        """Return sum z."""
        return load().reduce_sum(z, axis=-1)


@dataclass(frozen=True, eq=False)
class Interval:
    """Numbers between low and high, either of which may be infinite; arrays bound element by element.

    value = low + (high - low) / (1 + exp(-z)), low + exp z or high - exp z; z where there is no bound.
    """

    low: np.ndarray
    high: np.ndarray

    support = "interval"

    def size(self, shape: tuple[int, ...]) -> int:
        """Return D, the number of elements."""
        return math.prod(shape)

    def forward(self, z: Any, shape: tuple[int, ...]) -> Any:
        """Return the numbers between the bounds."""
        tf = load()
        low, high, kind = self._bounds(shape)
        both = low + (high - low) * tf.sigmoid(z)
        found = tf.where(
            kind == 3, both, tf.where(kind == 1, low + tf.exp(z), tf.where(kind == 2, high - tf.exp(z), z))
        )
        return unflattened(found, shape)

    def inverse(self, value: Any, shape: tuple[int, ...]) -> Any:
        """Return the logit of the share of the way from low to high, or the log of the distance from one bound."""
        tf = load()
        x = flattened(value, shape)
        low, high, kind = self._bounds(shape)
        # What is not chosen must not make NaN.
        one = tf.ones_like(x)
        above = tf.math.log(tf.where((kind == 1) | (kind == 3), x - low, one))
        below = tf.math.log(tf.where((kind == 2) | (kind == 3), high - x, one))
        return tf.where(kind == 3, above - below, tf.where(kind == 1, above, tf.where(kind == 2, below, x)))

    def log_det(self, z: Any, shape: tuple[int, ...]) -> Any:
        """Return sum log (high - low) s (1 - s), s = 1 / (1 + exp(-z)); sum z with one bound."""
        tf = load()
        low, high, kind = self._bounds(shape)
        width = np.log(np.where(kind == 3, high - low, 1.0))
        both = width - tf.math.softplus(z) - tf.math.softplus(-z)
        found = tf.where(kind == 3, both, tf.where(kind == 0, tf.zeros_like(z), z))
        return tf.reduce_sum(found, axis=-1)

    def _bounds(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return finite low and high (D,), and what binds: 0 nothing, 1 low, 2 high, 3 both."""
        low = np.broadcast_to(self.low, shape).reshape(-1)
        high = np.broadcast_to(self.high, shape).reshape(-1)
        kind = np.isfinite(low) + 2 * np.isfinite(high)
        return np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0.0), kind


@dataclass(frozen=True)
class CorrelationMatrix:
    """Correlation matrices (k, k): tanh z are the canonical partial correlations, row by row.

    L[i][j] = p[i][j] sqrt(1 - sum_{m<j} L[i][m]^2), value = L L'; |J| = prod (1 - p[i][j]^2)^(1 + (k - 2 - j) / 2)
    over the entries below the diagonal (Lewandowski, Kurowicka and Joe 2009, section 2).
    """

    support = "correlation"

    def size(self, shape: tuple[int, ...]) -> int:
        """Return D = k (k - 1) / 2."""
        return shape[-1] * (shape[-1] - 1) // 2

    def forward(self, z: Any, shape: tuple[int, ...]) -> Any:
        """Return L L'."""
        tf = load()
        k = shape[-1]
        L = partial_root(tf.math.tanh(z), k)
        one = tf.ones_like(L[0][0])
        R = [[one] * k for _ in range(k)]
        for i in range(k):
            for j in range(i):
                R[i][j] = R[j][i] = sum(L[i][m] * L[j][m] for m in range(j + 1))
        return tf.stack([tf.stack(row, axis=-1) for row in R], axis=-2)

    def inverse(self, value: Any, shape: tuple[int, ...]) -> Any:
        """Return atanh of the canonical partial correlations."""
        tf = load()
        k = shape[-1]
        L = tf.linalg.cholesky(value)
        found = []
        for i in range(1, k):
            left = tf.ones_like(L[..., 0, 0])
            for j in range(i):
                found.append(tf.math.atanh(L[..., i, j] / tf.sqrt(left)))
                left -= L[..., i, j] ** 2
        return tf.stack(found, axis=-1) if found else tf.zeros_like(L[..., 0, :0])

    def log_det(self, z: Any, shape: tuple[int, ...]) -> Any:
        """Return sum (1 + (k - 2 - j) / 2) log (1 - tanh(z)^2)."""
        tf = load()
        k = shape[-1]
        powers = np.array([1 + 0.5 * (k - 2 - j) for i in range(1, k) for j in range(i)])
        # log (1 - tanh^2) without cancellation for large |z|.
        logs = 2.0 * (math.log(2.0) - z - tf.math.softplus(-2.0 * z))
        return tf.reduce_sum(powers * logs, axis=-1)


@dataclass(frozen=True)
class Simplex:
    """Positive parts that add up to 1, along the last axis (k): each part is a share of what the former left.

    share[i] = 1 / (1 + exp(-(z[i] - log(k - 1 - i)))), so that z = 0 is the even division (stick-breaking).
    """

    support = "simplex"

    def size(self, shape: tuple[int, ...]) -> int:
        """Return D, one less than the parts of each simplex."""
        return math.prod(shape[:-1]) * (shape[-1] - 1)

    def forward(self, z: Any, shape: tuple[int, ...]) -> Any:
        """Return the parts."""
        tf = load()
        share = self._logit(z, shape)
        # log of what is left before each part.
        left = tf.cumsum(-tf.math.softplus(share), axis=-1)
        first = tf.zeros_like(left[..., :1])
        log_parts = -tf.math.softplus(-share) + tf.concat([first, left[..., :-1]], axis=-1)
        return tf.exp(tf.concat([log_parts, left[..., -1:]], axis=-1))

    def inverse(self, value: Any, shape: tuple[int, ...]) -> Any:
        """Return the logits of the shares."""
        tf = load()
        rest = tf.cumsum(value, axis=-1, reverse=True)[..., 1:]
        share = tf.math.log(value[..., :-1]) - tf.math.log(rest)
        part = (*shape[:-1], shape[-1] - 1)
        return flattened(share + _even(shape[-1]), part)

    def log_det(self, z: Any, shape: tuple[int, ...]) -> Any:
        """Return sum log s (1 - s) left, s the share and left what it is a share of."""
        tf = load()
        share = self._logit(z, shape)
        left = tf.cumsum(-tf.math.softplus(share), axis=-1, exclusive=True)
        found = left - tf.math.softplus(share) - tf.math.softplus(-share)
        return tf.reduce_sum(flattened(found, (*shape[:-1], shape[-1] - 1)), axis=-1)

    def _logit(self, z: Any, shape: tuple[int, ...]) -> Any:
        return unflattened(z, (*shape[:-1], shape[-1] - 1)) - _even(shape[-1])


def partial_root(p: Any, k: int) -> list[list[Any]]:
    """Return the entries, rows of lists, of the Cholesky factor L of canonical partial correlations p (..., D)."""
    tf = load()
    one = tf.ones_like(p[..., 0]) if p.shape[-1] else tf.reduce_sum(p, axis=-1) + 1.0
    rows, position = [[one]], 0
    for i in range(1, k):
        left, row = one, []
        for _ in range(i):
            value = p[..., position]
            row.append(value * tf.sqrt(left))
            left = left * (1.0 - value * value)
            position += 1
        rows.append([*row, tf.sqrt(left)])
    return rows


def _even(k: int) -> np.ndarray:
    return np.log(np.arange(k - 1, 0, -1, dtype=float))
