"""Distributions of vectors, simplexes and correlation matrices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..backend.tensorflow import load
from ..errors import SpecError
from .distribution import Distribution, Number
from .value import Value, tensor

_LOG_2PI = math.log(2.0 * math.pi)
# Roots of matrices up to this size are written out, entry by entry: faster than batches of tiny matrices.
_WRITTEN_OUT = 6


@dataclass(frozen=True, eq=False)
class Root:
    """L, lower triangular with L L' = R, for matrices R (..., k, k), as entries or as one tensor.

    entries: rows of lists of (...) tensors, or None. matrix: (..., k, k), or None.
    """

    k: int
    entries: list[list[Any]] | None
    matrix: Any

    def times(self, u: Any) -> Any:
        """Return L u for u (..., k)."""
        tf = load()
        if self.entries is None:
            return tf.linalg.matvec(self.matrix, u)
        rows = [sum(self.entries[i][j] * u[..., j] for j in range(i + 1)) for i in range(self.k)]
        return tf.stack(rows, axis=-1)

    def solve(self, v: Any) -> Any:
        """Return L^-1 v for v (..., k)."""
        tf = load()
        if self.entries is None:
            L = tf.broadcast_to(self.matrix, tf.concat([tf.shape(v), [self.k]], axis=0))
            return tf.linalg.triangular_solve(L, v[..., None])[..., 0]
        found: list[Any] = []
        for i in range(self.k):
            before = sum(self.entries[i][j] * found[j] for j in range(i)) if i else 0.0
            found.append((v[..., i] - before) / self.entries[i][i])
        return tf.stack(found, axis=-1)

    def log_det(self) -> Any:
        """Return log |L|, shape (...)."""
        tf = load()
        if self.entries is None:
            return tf.reduce_sum(tf.math.log(tf.linalg.diag_part(self.matrix)), axis=-1)
        return sum(tf.math.log(self.entries[i][i]) for i in range(self.k))


def root(R: Any) -> Root:
    """Return the Cholesky root of positive definite matrices (..., k, k)."""
    tf = load()
    R = tensor(R)
    k = int(R.shape[-1])
    if k > _WRITTEN_OUT:
        return Root(k, None, tf.linalg.cholesky(R))
    L: list[list[Any]] = []
    for i in range(k):
        row: list[Any] = []
        for j in range(i):
            row.append((R[..., i, j] - sum(row[m] * L[j][m] for m in range(j))) / L[j][j])
        L.append([*row, tf.sqrt(R[..., i, i] - sum(entry * entry for entry in row))])
    return Root(k, L, None)


class MultivariateNormal(Distribution):
    """MultivariateNormal(mean, sd=, cor=): vectors (k) with covariance diag(sd) cor diag(sd); or cov= in place of both.

    mean: (k), or one number for all. sd: (k) or one number. cor, cov: (k, k); without cor the elements are independent.
    """

    support = "vector"
    event_rank = 1
    argument_ranks: ClassVar[Mapping[str, int]] = {"mean": 1, "sd": 1, "cor": 2, "cov": 2}
    domains: ClassVar[Mapping[str, str]] = {"sd": "positive"}

    def __init__(
        self, mean: Number = 0.0, sd: Number | None = None, cor: Number | None = None, *, cov: Number | None = None
    ) -> None:
        if cov is not None and (sd is not None or cor is not None):
            raise SpecError("MultivariateNormal takes sd= and cor=, or cov=, not both.")
        given = {"cov": cov} if cov is not None else {"sd": 1.0 if sd is None else sd, "cor": cor}
        super().__init__(mean=mean, **{key: value for key, value in given.items() if value is not None})
        for key in ("cor", "cov"):
            _check_matrix(key, self.arguments.get(key))
        sizes = {k: v for k, v in ((key, self._length(key)) for key in self.arguments) if v not in (None, 1)}
        if len(set(sizes.values())) > 1:
            listed = ", ".join(f"{key} of {value}" for key, value in sizes.items())
            raise SpecError(f"The arguments of MultivariateNormal are of different lengths: {listed}.")

    def _shown(self) -> list[str]:
        shown = super()._shown()
        return [v if k == "mean" else f"{k}={v}" for k, v in zip(self.arguments, shown, strict=True)]

    def _length(self, key: str) -> int | None:
        shape = tuple(self.arguments[key].shape)
        return shape[-1] if shape else None

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(k,), as far as an argument tells."""
        lengths = [v for v in (self._length(key) for key in self.arguments) if v is not None]
        return (max(lengths),) if lengths else (1,)

    def _root(self, k: int) -> Root | None:
        for key in ("cov", "cor"):
            if key in self.arguments:
                return root(self.of(key))
        return None

    def scale(self) -> Any:
        """Return sd as a tensor; 1 where a covariance was given."""
        return tensor(self.of("sd")) if "sd" in self.arguments else tensor(1.0)

    def whiten(self, x: Any) -> Any:
        """Return u (..., k) with x = mean + diag(sd) L u."""
        u = (x - tensor(self.of("mean"))) / self.scale()
        found = self._root(x.shape[-1])
        return u if found is None else found.solve(u)

    def colour(self, u: Any) -> Any:
        """Return x (..., k) = mean + diag(sd) L u."""
        found = self._root(u.shape[-1])
        return tensor(self.of("mean")) + self.scale() * (u if found is None else found.times(u))

    def log_volume(self, k: int) -> Any:
        """Return log |diag(sd) L|, shape of the batch."""
        tf = load()
        scale, found = self.scale(), self._root(k)
        scale = scale if scale.shape.rank else scale[None]
        logs = tf.reduce_sum(tf.math.log(scale), axis=-1) * (k if scale.shape[-1] == 1 else 1)
        return logs if found is None else logs + found.log_det()

    def log_density(self, x: Any) -> Any:
        """Return log p(x), x (..., k), shape (...)."""
        tf = load()
        k = x.shape[-1]
        u = self.whiten(x)
        return -0.5 * tf.reduce_sum(u * u, axis=-1) - self.log_volume(k) - 0.5 * k * _LOG_2PI

    def mean(self) -> Any:
        """Return the mean (..., k)."""
        tf = load()
        return tf.broadcast_to(tensor(self.of("mean")), self.shape)

    def variance(self) -> Any:
        """Return the variances (..., k)."""
        tf = load()
        if "cov" in self.arguments:
            return tf.broadcast_to(tf.linalg.diag_part(tensor(self.of("cov"))), self.shape)
        return tf.broadcast_to(self.scale() ** 2, self.shape)

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Return draws of a whole shape (..., k)."""
        return np.asarray(self.colour(tensor(rng.standard_normal(size))))


class Dirichlet(Distribution):
    """Dirichlet(concentration): p(x) = prod x[i]^(concentration[i] - 1) / B, positive parts that add up to 1."""

    support = "simplex"
    event_rank = 1
    argument_ranks: ClassVar[Mapping[str, int]] = {"concentration": 1}
    domains: ClassVar[Mapping[str, str]] = {"concentration": "positive"}

    def __init__(self, concentration: Number = 1.0) -> None:
        super().__init__(concentration=concentration)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(k,); (1,) when one number stands for all."""
        shape = tuple(self.arguments["concentration"].shape)
        return shape[-1:] if shape else (1,)

    def contains(self, x: Any) -> Any:
        """Return whether the parts are positive and add up to 1, kept for each part."""
        tf = load()
        inside = tf.reduce_all(x > 0.0, axis=-1) & (tf.abs(tf.reduce_sum(x, axis=-1) - 1.0) < 1e-6)
        return inside

    def log_prob(self, value: Any) -> Any:
        """Return log p(value), minus infinity where the parts do not add up to 1; value (..., k), shape (...)."""
        tf = load()
        x = tensor(value)
        inside = self.contains(x)
        safe = tf.where(inside[..., None], x, 1.0 / x.shape[-1])
        return tf.where(inside, self.log_density(safe), tf.constant(-math.inf, tf.float64))

    def _alpha(self, k: int) -> Any:
        tf = load()
        alpha = tensor(self.of("concentration"))
        return alpha + tf.zeros([k], tf.float64)

    def log_density(self, x: Any) -> Any:
        """Return log p(x), x (..., k), shape (...)."""
        tf = load()
        alpha = self._alpha(x.shape[-1])
        constant = tf.math.lgamma(tf.reduce_sum(alpha, axis=-1)) - tf.reduce_sum(tf.math.lgamma(alpha), axis=-1)
        return tf.reduce_sum((alpha - 1.0) * tf.math.log(x), axis=-1) + constant

    def mean(self) -> Any:
        """Return concentration / sum (..., k)."""
        tf = load()
        alpha = self._alpha(self.event_shape[0])
        return alpha / tf.reduce_sum(alpha, axis=-1, keepdims=True)

    def variance(self) -> Any:
        """Return m (1 - m) / (sum + 1) (..., k), m the mean."""
        tf = load()
        total = tf.reduce_sum(self._alpha(self.event_shape[0]), axis=-1, keepdims=True)
        mean = self.mean()
        return mean * (1.0 - mean) / (total + 1.0)

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Return draws of a whole shape (..., k)."""
        parts = rng.gamma(np.asarray(self._alpha(size[-1])), size=size)
        return parts / parts.sum(axis=-1, keepdims=True)


class LKJ(Distribution):
    """LKJ(eta): correlation matrices (k, k) with p(R) proportional to |R|^(eta - 1).

    Normalised over the entries below the diagonal (Lewandowski, Kurowicka and Joe 2009, section 2).
    """

    support = "correlation"
    event_rank = 2
    domains: ClassVar[Mapping[str, str]] = {"eta": "positive"}

    def __init__(self, eta: Number = 1.0) -> None:
        super().__init__(eta=eta)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Unknown to the distribution itself; (1, 1)."""
        return (1, 1)

    def log_density(self, x: Any) -> Any:
        """Return log p(R), R (..., k, k), shape (...)."""
        tf = load()
        k = int(x.shape[-1])
        eta = tensor(self.of("eta"))
        constant = tensor(0.0)
        for j in range(k - 1):
            # (p + 1) / 2 ~ Beta(b, b) for the k - 1 - j partial correlations of column j.
            b = eta + 0.5 * (k - 2 - j)
            one = (2.0 * b - 1.0) * math.log(2.0) + 2.0 * tf.math.lgamma(b) - tf.math.lgamma(2.0 * b)
            constant += (k - 1 - j) * one
        return (eta - 1.0) * 2.0 * root(x).log_det() - constant

    def mean(self) -> Any:
        """Return the identity; of a matrix of unknown size, 1."""
        return tensor(np.ones((1, 1)))

    def variance(self) -> Any:
        """Return 0 of a matrix of unknown size."""
        return tensor(np.zeros((1, 1)))

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
        """Return draws of a whole shape (..., k, k)."""
        k, eta = size[-1], np.asarray(self.of("eta"))
        L = np.zeros(size)
        L[..., 0, 0] = 1.0
        for i in range(1, k):
            left = np.ones(size[:-2])
            for j in range(i):
                b = eta + 0.5 * (k - 2 - j)
                p = 2.0 * rng.beta(b, b, size=size[:-2]) - 1.0
                L[..., i, j] = p * np.sqrt(left)
                left = left * (1.0 - p * p)
            L[..., i, i] = np.sqrt(left)
        return L @ np.swapaxes(L, -1, -2)


def _check_matrix(key: str, value: Any) -> None:
    if value is None:
        return
    shape = tuple(value.shape)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise SpecError(f"The {key} of MultivariateNormal has shape {shape}, but it must be a square matrix.")
    if isinstance(value, Value) or not isinstance(value, np.ndarray):
        return
    if not np.allclose(value, np.swapaxes(value, -1, -2)) or np.linalg.eigvalsh(value).min() <= 0:
        raise SpecError(f"The {key} of MultivariateNormal is not symmetric and positive definite.")
    if key == "cor" and not np.allclose(np.diagonal(value, axis1=-2, axis2=-1), 1.0):
        raise SpecError("The cor of MultivariateNormal has a diagonal that is not 1.")
