"""The families that VI fits: z = mean + L x, L of block-arrow form, x of the base distribution, close to normal.

The coordinates are G global ones and, for each level of each block, k local ones that depend on the global ones but,
given them, on no other level:

    z_g = m_g + A x_g,     z_j = m_j + B_j x_g + C_j x_j       A, C_j lower triangular, B_j (k, G)

Such L are closed under multiplication, so that each is reached from another by L (I + U) with U of the same form. G = D
is the full Gaussian, G = 0 with k = 1 the mean-field one, anything between is structured: an exact match of every
posterior that is Gaussian with levels independent given the global coordinates. The base (`variational_base`) adds what
variance parameters, the first T global coordinates, do to the scales of the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..backend.tensorflow import load
from . import variational_base as base

_LOG_2PI = math.log(2.0 * math.pi)
# One member: "mean" (D,), "root" (G, G), of block i "cross i" (J, k, G) and "local i" (J, k, k), and of the base.
Arrays = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Structure:
    """Which coordinates of z are global and which belong to levels.

    order: (D,) the positions in z of the family's coordinates, global ones first, then block by block, level by level.
    n_global: G. blocks: (J, k) of each block. n_hyper: T, at most G.
    """

    order: np.ndarray
    n_global: int
    blocks: tuple[tuple[int, int], ...] = ()
    n_hyper: int = 0

    @property
    def size(self) -> int:
        """D."""
        return len(self.order)

    @property
    def width(self) -> int:
        """The most coordinates of e that one coordinate of z depends on."""
        return max([self.n_global, *(self.n_global + k for _, k in self.blocks)])

    @property
    def name(self) -> str:
        """ "full", "mean-field" or "structured"."""
        if not self.blocks:
            return "full"
        return "mean-field" if self.n_global == 0 and all(k == 1 for _, k in self.blocks) else "structured"

    @property
    def n_numbers(self) -> int:
        """How many numbers describe one Gaussian of the family."""
        G = self.n_global
        return self.size + G * (G + 1) // 2 + sum(J * (k * G + k * (k + 1) // 2) for J, k in self.blocks)

    @cached_property
    def inverse(self) -> np.ndarray:
        """(D,): where each position of z lies among the family's coordinates."""
        found = np.empty_like(self.order)
        found[self.order] = np.arange(self.size, dtype=self.order.dtype)
        return found

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells one structure's programs from another's."""
        return (self.n_global, self.blocks, self.n_hyper, self.order.tobytes())

    def start(self, scale: float) -> dict[str, np.ndarray]:
        """Return the member of mean 0 whose coordinates are independent normals with one sd."""
        G = self.n_global
        found = {"mean": np.zeros(self.size), "root": scale * np.eye(G), **base.start(self.n_hyper, self.size)}
        for i, (J, k) in enumerate(self.blocks):
            found[f"cross {i}"] = np.zeros((J, k, G))
            found[f"local {i}"] = np.tile(scale * np.eye(k), (J, 1, 1))
        return found

    # Tensors ---------------------------------------------------------------------------------------------------------

    def split(self, x: Any) -> tuple[Any, list[Any]]:
        """Return the global part (S, G) and the levels' parts (S, J, k) of x (S, D) in the family's coordinates."""
        tf = load()
        at, parts = self.n_global, []
        for J, k in self.blocks:
            parts.append(tf.reshape(x[:, at : at + J * k], [-1, J, k]))
            at += J * k
        return x[:, : self.n_global], parts

    def forward(self, q: Arrays, x: Any) -> Any:
        """Return z (S, D) of base draws x (S, D)."""
        tf = load()
        first, parts = self.split(x)
        pieces = [tf.linalg.matmul(first, q["root"], transpose_b=True)]
        for i, (part, (J, k)) in enumerate(zip(parts, self.blocks, strict=True)):
            moved = _levels(q[f"local {i}"], part)
            if self.n_global:
                cross = tf.reshape(q[f"cross {i}"], [J * k, self.n_global])
                moved += tf.reshape(tf.linalg.matmul(first, cross, transpose_b=True), [-1, J, k])
            pieces.append(tf.reshape(moved, [-1, J * k]))
        return tf.gather(q["mean"] + tf.concat(pieces, axis=1), self.inverse, axis=1)

    def pull_back(self, q: Arrays, gradient: Any) -> Any:
        """Return L' g (S, D) of gradients g (S, D) with respect to z."""
        tf = load()
        first, parts = self.split(tf.gather(gradient, self.order, axis=1))
        top = tf.linalg.matmul(first, q["root"])
        pieces = []
        for i, (part, (J, k)) in enumerate(zip(parts, self.blocks, strict=True)):
            if self.n_global:
                cross = tf.reshape(q[f"cross {i}"], [J * k, self.n_global])
                top += tf.linalg.matmul(tf.reshape(part, [-1, J * k]), cross)
            pieces.append(tf.reshape(_levels(tf.linalg.matrix_transpose(q[f"local {i}"]), part), [-1, J * k]))
        return tf.concat([top, *pieces], axis=1)

    def log_determinant(self, q: Arrays) -> Any:
        """Return log det L."""
        tf = load()
        roots = [q["root"], *(q[f"local {i}"] for i in range(len(self.blocks)))]
        return sum(tf.reduce_sum(tf.math.log(tf.linalg.diag_part(root))) for root in roots)

    def direction(self, h: Any, x: Any) -> dict[str, Any]:
        """Return the natural gradient in the coordinates of x: E h for the mean, and U of E h x' by blocks.

        h, x: (S, D). Fisher's information is 2 on the diagonal of U and 1 below it (Lin, Nielsen, Khan and Schmidt
        2021, section 3), hence the half on the diagonal.
        """
        tf = load()
        S = tf.cast(tf.shape(h)[0], tf.float64)
        found = {"mean": tf.reduce_mean(h, axis=0)}
        (h_top, h_parts), (x_top, x_parts) = self.split(h), self.split(x)
        found["root"] = _half_diagonal(tf.linalg.matmul(h_top, x_top, transpose_a=True) / S)
        for i, (own, part, (J, k)) in enumerate(zip(h_parts, x_parts, self.blocks, strict=True)):
            flat = tf.reshape(own, [-1, J * k])
            cross = tf.linalg.matmul(flat, x_top, transpose_a=True) / S
            found[f"cross {i}"] = tf.reshape(cross, [J, k, self.n_global])
            outer = tf.reduce_mean(own[..., :, None] * part[..., None, :], axis=0)
            found[f"local {i}"] = _half_diagonal(outer)
        return found

    def clipped(self, u: Arrays, mean_bound: float, root_bound: float) -> dict[str, Any]:
        """Return a direction none of whose blocks is longer than a bound.

        mean_bound: for the root mean square of the mean's part. root_bound: for the Frobenius norm of U's part, by
        levels.
        """
        tf = load()
        first, parts = self.split(u["mean"][None])
        size = max(1, self.n_global)
        pieces = [_shorter(first[0], tf.reduce_sum(first**2) / size, mean_bound)]
        found = {"root": _shorter(u["root"], tf.reduce_sum(u["root"] ** 2), root_bound)}
        for i, (part, (J, k)) in enumerate(zip(parts, self.blocks, strict=True)):
            square = tf.reduce_sum(part[0] ** 2, axis=-1, keepdims=True) / k
            pieces.append(tf.reshape(_shorter(part[0], square, mean_bound), [J * k]))
            cross, local = u[f"cross {i}"], u[f"local {i}"]
            square = tf.reduce_sum(cross**2, axis=[1, 2], keepdims=True)
            square += tf.reduce_sum(local**2, axis=[1, 2], keepdims=True)
            found[f"cross {i}"] = _shorter(cross, square, root_bound)
            found[f"local {i}"] = _shorter(local, square, root_bound)
        return {**found, "mean": tf.concat(pieces, axis=0)}

    def moved(self, q: Arrays, u: Arrays, mean_rate: Any, root_rate: Any) -> dict[str, Any]:
        """Return the map reached by a step: mean + L (rate E h) and L (I + rate U), diagonals kept positive."""
        tf = load()
        step = self.forward({**q, "mean": tf.zeros_like(q["mean"])}, mean_rate * u["mean"][None])[0]
        top = _unit_step(root_rate * u["root"])
        found = {"mean": q["mean"] + tf.gather(step, self.order), "root": tf.linalg.matmul(q["root"], top)}
        for i, (J, k) in enumerate(self.blocks):
            cross, local = q[f"cross {i}"], q[f"local {i}"]
            if self.n_global:
                carried = tf.linalg.matmul(tf.reshape(cross, [J * k, self.n_global]), top)
                cross = tf.reshape(carried, [J, k, self.n_global]) + _small(local, root_rate * u[f"cross {i}"])
            found[f"cross {i}"] = cross
            found[f"local {i}"] = _small(local, _unit_step(root_rate * u[f"local {i}"]))
        return found

    # Numbers ---------------------------------------------------------------------------------------------------------

    def sample(self, q: Arrays, e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return z (S, D) of standard normal e (S, D), and log q(z), (S,)."""
        tf = load()
        held = {name: tf.convert_to_tensor(value, tf.float64) for name, value in q.items()}
        drawn = base.warp(held, tf.constant(e), self.n_hyper)
        z = self.forward(held, drawn.x).numpy()
        standard = -0.5 * (np.sum(e**2, axis=1) + self.size * _LOG_2PI)
        return z, standard - drawn.log_slope.numpy() - float(self.log_determinant(held))

    def moments(self, q: Arrays, e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and sd of each coordinate of z by the draws of e (S, D), (D,) and (D,)."""
        z, _ = self.sample(q, e)
        return z.mean(axis=0), z.std(axis=0)

    def from_draws(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """Return the member with a normal base and the moments of draws z (S, D)."""
        x = z[:, self.order]
        S, G = len(x), self.n_global
        mean = x.mean(axis=0)
        x = x - mean
        root = _root(x[:, :G].T @ x[:, :G] / S)
        white = np.linalg.solve(root, x[:, :G].T).T
        found, at = {"mean": mean, "root": root, **base.start(self.n_hyper, self.size)}, G
        for i, (J, k) in enumerate(self.blocks):
            part = x[:, at : at + J * k]
            cross = (part.T @ white / S).reshape(J, k, G)
            rest = (part - white @ cross.reshape(J * k, G).T).reshape(S, J, k)
            found[f"cross {i}"] = cross
            found[f"local {i}"] = _root(np.einsum("sjk,sjm->jkm", rest, rest) / S)
            at += J * k
        return found


def _levels(matrices: Any, x: Any) -> Any:
    """Return M_j x_j for every level: (J, k, k), (S, J, k) -> (S, J, k)."""
    tf = load()
    # Batched products of tiny matrices are slow; sums of products fuse.
    return tf.reduce_sum(matrices * x[..., None, :], axis=-1)


def _small(a: Any, b: Any) -> Any:
    """Return a_j b_j for every level: (J, k, k), (J, k, m) -> (J, k, m)."""
    tf = load()
    return tf.reduce_sum(a[..., :, :, None] * b[..., None, :, :], axis=-2)


def _half_diagonal(a: Any) -> Any:
    tf = load()
    lower = tf.linalg.band_part(a, -1, 0)
    return tf.linalg.set_diag(lower, 0.5 * tf.linalg.diag_part(a))


def _unit_step(u: Any) -> Any:
    """Return I + U, with exp on the diagonal."""
    tf = load()
    return tf.linalg.set_diag(u, tf.exp(tf.linalg.diag_part(u)))


def _shorter(x: Any, square: Any, bound: float) -> Any:
    tf = load()
    return x * tf.minimum(bound * tf.math.rsqrt(square + 1e-300), tf.ones_like(square))


def _root(covariance: np.ndarray) -> np.ndarray:
    """Return lower triangular roots of covariances (..., k, k), made positive definite if need be."""
    k = covariance.shape[-1]
    scale = np.einsum("...ii->...i", covariance)
    jitter = (1e-10 * scale + 1e-300)[..., None] * np.eye(k)
    result: np.ndarray = np.linalg.cholesky(covariance + jitter)
    return result
